/* lanes.c - advancing one rank's simulated time. */
#include "models/machine/lanes.h"
#include <assert.h>
#include <time.h>

const char *const part_name[PARTS] = {
    "compute", "recompute", "tp_exposed", "dp_exposed", "ep_exposed", "pp_wire", "pp_idle", "optimizer",
};

static double clock_of(clockid_t which)
{
    struct timespec t;
    clock_gettime(which, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double lanes_cpu_clock(void)
{
    return clock_of(CLOCK_THREAD_CPUTIME_ID);
}

/* What a straggler takes longer it really takes: its core is busy until then. */
static double busy_until(double moment)
{
    double clock = lanes_cpu_clock();
    while (clock < moment) clock = lanes_cpu_clock();
    return clock;
}

/* Brings the clock up to date. The CPU's takes a call of the system, the wall's none: by that a stretch goes which is so
 * short that nobody else can have had much of the core in it, unless simulated time comes from it. */
void lanes_look_at_clock(Lanes *lanes)
{
    const double SHORT = 10e-6, wall = clock_of(CLOCK_MONOTONIC), since = wall - lanes->wall;
    const bool is_short = since < SHORT && !lanes->measured && lanes->slower == 0;
    lanes->clock = is_short ? lanes->clock + since : lanes_cpu_clock();
    lanes->wall = wall;
}

void lanes_follow_clock(Lanes *lanes)
{
    const double before = lanes->clock;
    lanes_look_at_clock(lanes);
    if (lanes->slower > 0) lanes->clock = busy_until(lanes->clock + lanes->slower * (lanes->clock - before));
    const double passed = lanes->clock - before;
    if (passed > 0) lanes->cpu += passed; /* less than none: short stretches before it were too long */
    if (lanes->measured) lanes_spend(lanes, lanes->part, passed);
}

void lanes_begin_step(Lanes *lanes)
{
    *lanes = (Lanes){.reads_clock = lanes->reads_clock,
                     .measured = lanes->measured,
                     .slower = lanes->slower,
                     .launch = {lanes->launch[0], lanes->launch[1]},
                     .pauses = 1};
}

void lanes_compute(Lanes *lanes, double seconds)
{
    assert(!lanes->measured);
    if (lanes->told) lanes->told(lanes->told_context, &(LaneStep){.seconds = seconds, .part = lanes->part});
    lanes_spend(lanes, lanes->part, seconds * (1 + lanes->slower));
}

void lanes_launch(Lanes *lanes)
{
    if (!lanes) return;
    if (lanes->told) lanes->told(lanes->told_context, &(LaneStep){.part = lanes->part, .launched = true});
    lanes->host += lanes->launch[lanes->backward && lanes->part != PART_RECOMPUTE];
    if (lanes->host > lanes->now) lanes_spend(lanes, lanes->part, lanes->host - lanes->now);
}

/* In registers, a part's steps at a time. */
void lanes_replay(Lanes *lanes, const LaneStep *step, int count)
{
    const double longer = 1 + lanes->slower;
    const LaneStep *end = step + count;
    double now = lanes->now, host = lanes->host;
    while (step < end) {
        const Part part = step->part;
        const double launch = lanes->launch[lanes->backward && part != PART_RECOMPUTE];
        double spent = lanes->spent[part];
        for (; step < end && step->part == part; step++) {
            if (step->met && host < now) host = now;
            if (step->launched && (host += launch) > now) {
                const double late = host - now;
                now += late;
                spent += late;
            }
            const double seconds = step->seconds * longer;
            now += seconds;
            spent += seconds;
        }
        lanes->spent[part] = spent;
    }
    lanes->now = now;
    lanes->host = host;
}

Part lanes_part(Lanes *lanes, Part part)
{
    Part before = lanes->part;
    if (lanes->measured && lanes_is_followed(lanes)) lanes_follow_clock(lanes);
    lanes->part = part;
    return before;
}
