/* stopwatch.c - in the place of the simulated machine, which is asked of every kernel. */
#include "sim/calibrate/stopwatch.h"

/* What is under way ends here. */
static void lap(Stopwatch *watch, double clock)
{
    double passed = clock - watch->since;
    if (watch->now.works > 0) {
        watch->now.seconds = passed;
        timings_add(watch->timings, &watch->now);
    } else {
        watch->between = passed;
    }
    watch->total += passed;
    watch->now.works = 0;
}

/* Device.machine is told to be constant, and points to where the watch is. */
static KernelTime hear(const void *machine, const Work *work)
{
    Stopwatch *watch = *(Stopwatch *const *)machine;
    if (!watch->started) return (KernelTime){0};
    bool first = watch->now.works == 0 && watch->alone;
    if (!first && !timing_joins(&watch->now, work)) {
        lap(watch, lanes_cpu_clock());
        watch->since = lanes_cpu_clock(); /* what the table takes is nobody's */
    }
    watch->now.work[watch->now.works++] = *work;
    return (KernelTime){0};
}

void stopwatch_hear(Stopwatch *watch, Device *device)
{
    watch->self = watch;
    device->time_of = hear;
    device->machine = &watch->self;
    device->listens = true;
}

void stopwatch_start(Stopwatch *watch)
{
    watch->started = true;
    watch->now = (Timing){.alone = watch->alone};
    watch->between = watch->total = 0;
    watch->since = lanes_cpu_clock();
}

void stopwatch_stop(Stopwatch *watch)
{
    lap(watch, lanes_cpu_clock());
    watch->started = false;
}
