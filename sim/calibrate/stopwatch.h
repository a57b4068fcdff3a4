/* stopwatch.h - the CPU time of each kernel of a device, taken as kernels report: one lasts until the next begins. */
#ifndef SIM_CALIBRATE_STOPWATCH_H
#define SIM_CALIBRATE_STOPWATCH_H
#include "models/machine/device.h"
#include "sim/calibrate/timings.h"

typedef struct Stopwatch {
    Timings *timings;
    Timing now;     /* what is under way; no works: nothing that is kept */
    double since;   /* the clock's, when it began */
    double between; /* seconds from stopwatch_start() to the first kernel, */
    double total;   /* and to stopwatch_stop(), less what the watch itself takes */
    bool
        alone; /* of kernels by themselves; what comes before the first is part of it: an operand is widened */
    bool started;
    struct Stopwatch *self; /* what the device points to, as it may not change what it asks */
} Stopwatch;

/* Its kernels are heard from now on; none of the simulated machine's time passes on it. `watch` lives as long. */
void stopwatch_hear(Stopwatch *watch, Device *device);
/* Between these what kernels take is kept. */
void stopwatch_start(Stopwatch *watch);
void stopwatch_stop(Stopwatch *watch);
#endif
