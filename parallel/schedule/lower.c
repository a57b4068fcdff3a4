/* lower.c - what must move, added to the list of what is computed. */
#include "parallel/schedule/schedule.h"
#include <stdlib.h>

void schedule_lower_messages(Schedule *schedule, const int *rank_of, int stages)
{
    Schedule computed = *schedule;
    *schedule = (Schedule){0};
    for (int i = 0; i < computed.count; i++) {
        Action a = computed.action[i];
        bool forward = a.kind == ACTION_FORWARD,
             backward = a.kind == ACTION_BACKWARD || a.kind == ACTION_INPUT;
        bool before = a.stage > 0 && rank_of[a.stage - 1] != rank_of[a.stage];
        bool after = a.stage < stages - 1 && rank_of[a.stage + 1] != rank_of[a.stage];
        if (forward && before) schedule_add(schedule, ACTION_RECV_FORWARD, a.stage, a.microbatch);
        if (backward && after) schedule_add(schedule, ACTION_RECV_BACKWARD, a.stage, a.microbatch);
        schedule_append(schedule, a);
        if (forward && after) schedule_add(schedule, ACTION_SEND_FORWARD, a.stage, a.microbatch);
        if (backward && before) schedule_add(schedule, ACTION_SEND_BACKWARD, a.stage, a.microbatch);
    }
    schedule_free(&computed);
}

void schedule_surround(Schedule *schedule, const ActionKind *before, const ActionKind *after)
{
    Schedule computed = *schedule;
    *schedule = (Schedule){0};
    int stage = computed.count ? computed.action[0].stage : -1;
    for (int i = 0; i < computed.count; i++)
        if (computed.action[i].stage != stage)
            stage = -1; /* several: what is added here is for all of them */
    for (; *before != ACTION_KINDS; before++) schedule_add(schedule, *before, stage, -1);
    for (int i = 0; i < computed.count; i++) schedule_append(schedule, computed.action[i]);
    for (; *after != ACTION_KINDS; after++) schedule_add(schedule, *after, stage, -1);
    schedule_free(&computed);
}
