/* schedule.c - writing and lowering lists of actions. */
#include "parallel/schedule.h"
#include <stdlib.h>
#include <string.h>
#include "models/error.h"

const char *const action_name[ACTION_KINDS] = {
    [ACTION_UNSHARD] = "UNSHARD", [ACTION_FORWARD] = "F", [ACTION_BACKWARD] = "B",
    [ACTION_REDUCE] = "REDUCE",   [ACTION_STEP] = "STEP",
};

static void add(Schedule *s, ActionKind kind, int microbatch)
{
    if (s->count == s->capacity) {
        s->capacity = s->capacity ? 2 * s->capacity : 16;
        Action *larger = allocate((size_t)s->capacity * sizeof *larger);
        if (s->count) memcpy(larger, s->action, (size_t)s->count * sizeof *larger);
        free(s->action);
        s->action = larger;
    }
    s->action[s->count++] = (Action){.kind = kind, .stage = 0, .microbatch = microbatch};
}

void schedule_single_stage(Schedule *schedule, int microbatches)
{
    for (int k = 0; k < microbatches; k++) {
        add(schedule, ACTION_FORWARD, k);
        add(schedule, ACTION_BACKWARD, k);
    }
}

void schedule_lower(Schedule *schedule, DataParallelKind data)
{
    Schedule computed = *schedule;
    *schedule = (Schedule){0};
    /* dp: the main rank's parameters are the only ones that were stepped */
    if (data == DATA_DP) add(schedule, ACTION_UNSHARD, -1);
    for (int i = 0; i < computed.count; i++)
        add(schedule, computed.action[i].kind, computed.action[i].microbatch);
    add(schedule, ACTION_REDUCE, -1);
    add(schedule, ACTION_STEP, -1);
    /* zero1, zero2: each rank stepped its own block */
    if (data == DATA_ZERO1 || data == DATA_ZERO2) add(schedule, ACTION_UNSHARD, -1);
    schedule_free(&computed);
}

void schedule_free(Schedule *schedule)
{
    free(schedule->action);
    *schedule = (Schedule){0};
}
