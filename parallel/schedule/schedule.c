/* schedule.c - lists of actions, and what an action is called. */
#include "parallel/schedule/schedule.h"
#include <stdio.h>
#include <stdlib.h>
#include "models/machine/error.h"

const char *const action_name[ACTION_KINDS] = {
    [ACTION_UNSHARD] = "UNSHARD",
    [ACTION_FORWARD] = "F",
    [ACTION_BACKWARD] = "B",
    [ACTION_INPUT] = "I",
    [ACTION_WEIGHT] = "W",
    [ACTION_SEND_FORWARD] = "SEND_F",
    [ACTION_RECV_FORWARD] = "RECV_F",
    [ACTION_SEND_BACKWARD] = "SEND_B",
    [ACTION_RECV_BACKWARD] = "RECV_B",
    [ACTION_BALANCE] = "BALANCE",
    [ACTION_REDUCE] = "REDUCE",
    [ACTION_STEP] = "STEP",
};

const char *const schedule_name[SCHEDULE_KINDS + 1] = {
    [SCHEDULE_NAIVE] = "naive", [SCHEDULE_GPIPE] = "gpipe",
    [SCHEDULE_1F1B] = "1f1b",   [SCHEDULE_INTERLEAVED] = "interleaved",
    [SCHEDULE_ZB_H1] = "zb-h1",
};

void schedule_append(Schedule *s, Action action)
{
    s->action = allocate_more(s->action, (size_t)s->count, sizeof *s->action);
    s->action[s->count++] = action;
}

void schedule_add(Schedule *s, ActionKind kind, int stage, int microbatch)
{
    schedule_append(s, (Action){.kind = kind, .stage = stage, .microbatch = microbatch});
}

int schedule_overlapped_with(const Schedule *s, int index)
{
    if (!s->action[index].overlapped) return index;
    for (int i = index + 1; i < s->count; i++)
        if (action_computes(s->action[i].kind)) return i;
    return index;
}

void schedule_free(Schedule *schedule)
{
    free(schedule->action);
    *schedule = (Schedule){0};
}

const char *action_text(Action a, char *text, unsigned long size)
{
    const char *name = action_name[a.kind];
    if (a.microbatch < 0)
        snprintf(text, size, "%s", name);
    else if (name[1])
        snprintf(text, size, "%s of stage %d, microbatch %d", name, a.stage, a.microbatch);
    else
        snprintf(text, size, "%d%s%d", a.stage, name, a.microbatch);
    return text;
}
