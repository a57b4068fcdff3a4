/* messages.c - the two ends of messages between stages, brought together. */
#include "sim/trace/messages.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"
#include "parallel/schedule/schedule.h"

/* The two ends of a message agree in all but the last two. */
typedef struct End {
    int replica, border, microbatch; /* border: the stage below it */
    bool backward, receives;
    size_t row;
} End;

static bool is(const TimelineRow *row, ActionKind kind)
{
    return !strcmp(row->action, action_name[kind]);
}

/* Whether the row is an end of a message. */
static bool end_of(const TimelineRow *row, MeshShape mesh, End *end)
{
    const bool up_from = is(row, ACTION_SEND_FORWARD), up_to = is(row, ACTION_RECV_FORWARD),
               down_from = is(row, ACTION_SEND_BACKWARD), down_to = is(row, ACTION_RECV_BACKWARD);
    if (row->rank < 0 || !(up_from || up_to || down_from || down_to)) return false;
    MeshPlace place = mesh_place(mesh, row->rank);
    place.pipe = 0; /* its pipeline goes by the name of its first rank */
    *end = (End){.replica = mesh_rank(mesh, place),
                 .border = up_to || down_from ? row->stage - 1 : row->stage,
                 .microbatch = row->microbatch,
                 .backward = down_from || down_to,
                 .receives = up_to || down_to};
    return true;
}

static int apart(const End *a, const End *b)
{
    if (a->replica != b->replica) return a->replica < b->replica ? -1 : 1;
    if (a->border != b->border) return a->border < b->border ? -1 : 1;
    if (a->microbatch != b->microbatch) return a->microbatch < b->microbatch ? -1 : 1;
    return (int)a->backward - (int)b->backward;
}

static int by_message(const void *a, const void *b)
{
    const End *x = a, *y = b;
    const int order = apart(x, y);
    return order ? order : (int)x->receives - (int)y->receives;
}

int64_t messages_number(const TimelineRow *rows, size_t count, MeshShape mesh, int64_t *number)
{
    End *end = allocate(count * sizeof *end);
    size_t ends = 0;
    int64_t messages = 0;
    for (size_t i = 0; i < count; i++) {
        number[i] = 0;
        if (!end_of(&rows[i], mesh, &end[ends])) continue;
        end[ends++].row = i;
    }
    qsort(end, ends, sizeof *end, by_message);
    for (size_t i = 1; i < ends; i++) {
        if (apart(&end[i - 1], &end[i]) || end[i - 1].receives || !end[i].receives) continue;
        number[end[i - 1].row] = number[end[i].row] = ++messages;
    }
    free(end);
    return messages;
}
