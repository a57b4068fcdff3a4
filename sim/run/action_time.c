/* action_time.c - two looks at either clock. */
#include "sim/run/action_time.h"
#include <math.h>
#include <string.h>
#include "sim/base/clock.h"

/* What an action's compute takes under hardware.profile = ideal and given; all else takes none. */
static void take_told_time(Lanes *lanes, ActionKind kind, const Ideal *ideal, double again)
{
    const double seconds[ACTION_KINDS] = {[ACTION_FORWARD] = ideal->forward,
                                          [ACTION_BACKWARD] = ideal->backward - again,
                                          [ACTION_INPUT] = ideal->input - again,
                                          [ACTION_WEIGHT] = ideal->weight};
    if (kind == ACTION_BACKWARD || kind == ACTION_INPUT) {
        Part before = lanes_part(lanes, PART_RECOMPUTE);
        lanes_compute(lanes, again);
        lanes_part(lanes, before);
    }
    lanes_compute(lanes, seconds[kind]);
}

/* Seconds between two looks at the lanes, of what is neither computing nor idling for a stage. */
static double communication(const Lanes *before, const Lanes *after)
{
    static const Part parts[] = {PART_TP_EXPOSED, PART_DP_EXPOSED, PART_PP_WIRE};
    double sum = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        sum += after->spent[parts[i]] - before->spent[parts[i]];
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

ActionBegun action_begin(Device *device, Action a, double step)
{
    Lanes *lanes = &device->lanes;
    ActionBegun begun = {.lanes = lanes_read(lanes), .step = step, .wall = wall_time(device, step)};
    device->high = device->total;
    if (!is_message(a.kind)) lanes_resume(lanes);
    lanes_meet(lanes); /* what comes in or goes out between actions, the host waits for */
    lanes->backward = action_is_backward(a.kind);
    return begun;
}

void action_end(Device *device, Action a, const Ideal *ideal, double again, const ActionBegun *begun,
                TimelineRow *row)
{
    Lanes *lanes = &device->lanes;
    if (!lanes->measured && !device->time_of) take_told_time(lanes, a.kind, ideal, again);
    if (!is_message(a.kind)) lanes_pause(lanes); /* what lies between actions is nobody's compute */
    const Lanes *before = &begun->lanes, after = lanes_read(lanes);
    *row = (TimelineRow){.stage = a.stage, .microbatch = a.microbatch, .overlapped = a.overlapped};
    strcpy(row->action, action_name[a.kind]);
    strcpy(row->lane, action_computes(a.kind) || a.kind == ACTION_STEP ? "compute" : "network");
    row->simulated_start = before->now;
    row->simulated_end = after.now;
    row->recompute = after.spent[PART_RECOMPUTE] - before->spent[PART_RECOMPUTE];
    row->communication = communication(before, &after);
    row->measured_start = begun->wall;
    row->measured_end = wall_time(device, begun->step);
    row->measured_compute = device->dry ? (double)NAN : after.cpu - before->cpu;
    for (int c = 0; c < MEMORY_CATEGORIES; c++) row->memory[c] = device->current[c];
    row->memory_peak = device->high;
}
