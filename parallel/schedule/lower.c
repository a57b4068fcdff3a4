/* lower.c - what must move, added to the list of what is computed. */
#include "parallel/schedule/schedule.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* What of an action's comes from another rank before it, and what goes to another after it. */
typedef struct Moves {
    bool forward_in, backward_in, forward_out, backward_out;
} Moves;

static Moves moves_of(Action a, const int *rank_of, int stages)
{
    bool forward = a.kind == ACTION_FORWARD, backward = a.kind == ACTION_BACKWARD || a.kind == ACTION_INPUT;
    bool before = a.stage > 0 && rank_of[a.stage - 1] != rank_of[a.stage];
    bool after = a.stage < stages - 1 && rank_of[a.stage + 1] != rank_of[a.stage];
    return (Moves){forward && before, backward && after, forward && after, backward && before};
}

/* Room for so many at once: lists are long, and copying them as they grow takes as long as all else here. As large as
 * allocate_more() takes it to be. */
static Action *room_for(int count)
{
    size_t room = 1;
    while (room < (size_t)count) room *= 2;
    return allocate(room * sizeof(Action));
}

void schedule_lower_messages(Schedule *schedule, const int *rank_of, int stages)
{
    const Schedule computed = *schedule;
    int count = computed.count;
    for (int i = 0; i < computed.count; i++) {
        const Moves moves = moves_of(computed.action[i], rank_of, stages);
        count += moves.forward_in + moves.backward_in + moves.forward_out + moves.backward_out;
    }
    Action *to = room_for(count);
    *schedule = (Schedule){to, count};
    for (int i = 0; i < computed.count; i++) {
        const Action a = computed.action[i];
        const Moves moves = moves_of(a, rank_of, stages);
        Action message = {.stage = a.stage, .microbatch = a.microbatch};
        message.kind = moves.forward_in ? ACTION_RECV_FORWARD : ACTION_RECV_BACKWARD;
        if (moves.forward_in || moves.backward_in) *to++ = message;
        *to++ = a;
        message.kind = moves.forward_out ? ACTION_SEND_FORWARD : ACTION_SEND_BACKWARD;
        if (moves.forward_out || moves.backward_out) *to++ = message;
    }
    free(computed.action);
}

void schedule_surround(Schedule *schedule, const ActionKind *before, const ActionKind *after)
{
    int stage = schedule->count ? schedule->action[0].stage : -1, first = 0;
    for (int i = 0; i < schedule->count; i++)
        if (schedule->action[i].stage != stage)
            stage = -1; /* several: what is added here is for all of them */
    for (; before[first] != ACTION_KINDS; first++) schedule_add(schedule, before[first], stage, -1);
    const size_t computed = (size_t)(schedule->count - first);
    if (first > 0) memmove(schedule->action + first, schedule->action, computed * sizeof *schedule->action);
    for (int i = 0; i < first; i++)
        schedule->action[i] = (Action){.kind = before[i], .stage = stage, .microbatch = -1};
    for (; *after != ACTION_KINDS; after++) schedule_add(schedule, *after, stage, -1);
}
