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

/* Of what is for all that a rank holds: the one stage, or -1 where it holds several. */
static int stage_of(const Schedule *schedule)
{
    int stage = schedule->count ? schedule->action[0].stage : -1;
    for (int i = 0; i < schedule->count; i++)
        if (schedule->action[i].stage != stage) return -1;
    return stage;
}

static bool is_forward(ActionKind kind)
{
    return kind == ACTION_FORWARD || kind == ACTION_SEND_FORWARD;
}

/* Behind the last forward, and what sends its result. */
static int forwards_end(const Schedule *schedule)
{
    int end = schedule->count;
    while (end > 0 && !is_forward(schedule->action[end - 1].kind)) end--;
    return end;
}

bool schedule_forwards_first(const Schedule *schedule)
{
    for (int i = 0, end = forwards_end(schedule); i < end; i++)
        if (action_is_backward(schedule->action[i].kind) || schedule->action[i].overlapped) return false;
    return true;
}

/* Before what comes back is waited for. */
void schedule_add_between(Schedule *schedule, ActionKind kind)
{
    const int at = forwards_end(schedule), behind = schedule->count - at;
    schedule_add(schedule, kind, stage_of(schedule), -1);
    Action *to = schedule->action + at, added = to[behind];
    memmove(to + 1, to, (size_t)behind * sizeof *to);
    *to = added;
}

void schedule_surround(Schedule *schedule, const ActionKind *before, const ActionKind *after)
{
    const int stage = stage_of(schedule);
    int first = 0;
    for (; before[first] != ACTION_KINDS; first++) schedule_add(schedule, before[first], stage, -1);
    const size_t computed = (size_t)(schedule->count - first);
    if (first > 0) memmove(schedule->action + first, schedule->action, computed * sizeof *schedule->action);
    for (int i = 0; i < first; i++)
        schedule->action[i] = (Action){.kind = before[i], .stage = stage, .microbatch = -1};
    for (; *after != ACTION_KINDS; after++) schedule_add(schedule, *after, stage, -1);
}
