/* diff_steps.h - two runs' losses and gradient norms, step by step. */
#ifndef SIM_INSPECT_DIFF_STEPS_H
#define SIM_INSPECT_DIFF_STEPS_H
#include "sim/file/run_file.h"
#include "sim/inspect/apart.h"

/* The finished steps that both have. */
typedef struct SharedSteps {
    int64_t first; /* from 0 */
    size_t count;
} SharedSteps;
SharedSteps shared_steps(const RunFile *a, const RunFile *b);

/* Prints which steps they are and which are in one alone, and those whose loss or norm differs: at most DIFF_ROWS, the
 * first among them, the others spread evenly, unless all are asked for. `differ` becomes true where any is, or where a
 * step is in one alone. */
bool diff_steps(const RunFile *a, const RunFile *b, const SharedSteps *shared, const DiffOptions *options,
                bool *differ, Error *error);
#endif
