/* action_time.c - two looks at either clock. */
#include "sim/run/action_time.h"
#include <math.h>
#include "sim/base/clock.h"

/* What an action's compute takes under hardware.profile = ideal and given; all else takes none. */
static void take_told_time(Lanes *lanes, ActionKind kind, const Ideal *ideal, double again)
{
    double seconds = 0;
    switch (kind) {
    case ACTION_FORWARD: seconds = ideal->forward; break;
    case ACTION_BACKWARD: seconds = ideal->backward - again; break;
    case ACTION_INPUT: seconds = ideal->input - again; break;
    case ACTION_WEIGHT: seconds = ideal->weight; break;
    default: return;
    }
    if (kind == ACTION_BACKWARD || kind == ACTION_INPUT) {
        Part before = lanes_part(lanes, PART_RECOMPUTE);
        lanes_compute(lanes, again);
        lanes_part(lanes, before);
    }
    lanes_compute(lanes, seconds);
}

/* What is neither computing nor idling for a stage. */
static const Part waits[] = {PART_TP_EXPOSED, PART_DP_EXPOSED, PART_EP_EXPOSED, PART_PP_WIRE};
enum { WAITS = sizeof waits / sizeof *waits };
_Static_assert(WAITS == sizeof((ActionBegun *)0)->waited / sizeof(double), "of each what it was");

static double communication(const ActionBegun *before, const Lanes *after)
{
    double sum = 0;
    for (int i = 0; i < WAITS; i++) sum += after->spent[waits[i]] - before->waited[i];
    return sum;
}

/* Between stages only waiting takes time, as on paper (parallel/schedule/timeline.h): making room is no compute. */
static bool is_message(ActionKind kind)
{
    return kind >= ACTION_SEND_FORWARD && kind <= ACTION_RECV_BACKWARD;
}

static double wall_time(const Device *device, double step)
{
    return device->dry ? (double)NAN : clock_now() - step;
}

/* Nothing passes while the lane pauses, as it does between actions. */
ActionBegun action_begin(Device *device, ActionKind kind, double step)
{
    Lanes *lanes = &device->lanes;
    ActionBegun begun = {.recompute = lanes->spent[PART_RECOMPUTE],
                         .cpu = lanes->cpu,
                         .step = step,
                         .wall = wall_time(device, step)};
    for (int i = 0; i < WAITS; i++) begun.waited[i] = lanes->spent[waits[i]];
    device->high = device->total;
    if (!is_message(kind)) lanes_resume(lanes);
    lanes_meet(lanes); /* what comes in or goes out between actions, the host waits for */
    lanes->backward = action_is_backward(kind);
    return begun;
}

void action_end(Device *device, ActionKind kind, const Ideal *ideal, double again, const ActionBegun *begun,
                Laps *laps, int i)
{
    Lanes *lanes = &device->lanes;
    LapHeld held = {.peak = device->high};
    if (!lanes->measured && !device->time_of) take_told_time(lanes, kind, ideal, again);
    if (!is_message(kind)) lanes_pause(lanes); /* what lies between actions is nobody's compute */
    for (int c = 0; c < MEMORY_CATEGORIES; c++) held.memory[c] = device->current[c];
    laps->lap[i] = (Lap){.end = lanes->now,
                         .recompute = lanes->spent[PART_RECOMPUTE] - begun->recompute,
                         .communication = communication(begun, lanes),
                         .held = laps_hold(laps, kind, &held)};
    if (laps->measured)
        laps->measured[i] =
            (LapMeasured){begun->wall, wall_time(device, begun->step), lanes->cpu - begun->cpu};
}
