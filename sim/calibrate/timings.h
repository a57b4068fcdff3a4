/* timings.h - what kernels took: of each shape its seconds, seen several times.
 *
 * A shape is one kernel's report, or several's where kernels report together what they then do in turns: attention's
 * products and the softmax between them, or a residual sum that the norm before it has done on its way. */
#ifndef SIM_CALIBRATE_TIMINGS_H
#define SIM_CALIBRATE_TIMINGS_H
#include "models/hardware/software.h"

enum { TIMING_WORKS = 8 };

typedef struct Timing {
    Work work[TIMING_WORKS];
    int works;
    bool alone;   /* no part of a step: its operands were in the caches as no step has them there */
    double *seen; /* (times) seconds */
    int times;
    double seconds; /* their median, once timings_settle() was called; or a caller's own */
} Timing;

typedef struct Timings {
    Timing *timing;
    int count;
} Timings;

/* Whether a kernel that reports after those of `timing` is part of what they do. */
bool timing_joins(const Timing *timing, const Work *work);
/* The shape of `timing` was seen to take its seconds. */
void timings_add(Timings *timings, const Timing *timing);
/* The medians. */
void timings_settle(Timings *timings);
void timings_free(Timings *timings);

/* What the machine's model says of a shape, in seconds. */
double timing_foretold(const Timing *timing, const Machine *machine);
/* Whether a kernel of this kind is part of it. */
bool timing_has(const Timing *timing, WorkKind kind);
/* "matmul 768 x 512 x 128", "softmax 96 x 32 x 32, 5 kernels", "norm backward 768 x 128". */
void timing_name(const Timing *timing, char *text, size_t size);
#endif
