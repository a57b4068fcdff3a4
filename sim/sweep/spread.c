/* spread.c - shares dealt out beforehand, and gathered on rank 0. */
#include "sim/sweep/spread.h"
#include <stdlib.h>
#include <string.h>
#include "parallel/collectives/collectives.h"
#include "sim/base/divisor.h"

/* What came of a share: of each combination its number, its row, and a reason with a zero behind. */
typedef struct Parcel {
    char *bytes;
    int64_t used, room;
} Parcel;

static void put(Parcel *p, const void *bytes, size_t count)
{
    if (p->used + (int64_t)count > p->room) {
        p->room = 2 * p->room + (int64_t)count;
        char *larger = allocate((size_t)p->room);
        if (p->used) memcpy(larger, p->bytes, (size_t)p->used);
        free(p->bytes);
        p->bytes = larger;
    }
    memcpy(p->bytes + p->used, bytes, count);
    p->used += (int64_t)count;
}

/* Rank 0's: one parcel. */
static void unpack(Tally *tally, const char *bytes, int64_t used)
{
    for (const char *at = bytes; at < bytes + used;) {
        int64_t index;
        SweepRow row;
        memcpy(&index, at, sizeof index);
        memcpy(&row, at + sizeof index, sizeof row);
        at += sizeof index + sizeof row;
        tally_take(tally, index, &row, at);
        at += strlen(at) + 1;
    }
}

typedef struct Gathered {
    Tally *tally;
    const int64_t *used;
} Gathered;

static void visit(void *context, int rank, const void *piece)
{
    const Gathered *g = context;
    unpack(g->tally, piece, g->used[rank]);
}

static void gather_parcels(Group *world, Parcel *mine, Tally *tally)
{
    bool main = world->rank == 0;
    int64_t *used = main ? allocate((size_t)world->size * sizeof *used) : NULL, most = 0;
    gather(world, CONTROL, &mine->used, sizeof mine->used, used, 0);
    for (int r = 0; main && r < world->size; r++) most = used[r] > most ? used[r] : most;
    tree_broadcast(world, CONTROL, &most, sizeof most, 0);
    char *padded = allocate_zeroed((size_t)most, 1);
    if (mine->used) memcpy(padded, mine->bytes, (size_t)mine->used);
    Gathered gathered = {tally, used};
    gather_each(world, CONTROL, padded, (size_t)most, visit, &gathered, 0);
    free(padded);
    free(used);
}

/* Neighbours cost alike, and what turns fastest would fall to the same ranks: combinations are dealt far apart. */
static int64_t stride_of(int64_t count)
{
    int64_t stride = (int64_t)((double)count * 0.6180339887);
    while (stride > 1 && divisor_common(stride, count) != 1) stride--;
    return stride > 1 ? stride : 1;
}

void spread_try(const Trials *trials, Comm *comm, Tally *tally)
{
    Group *world = group_world(comm, CHANNEL_CONTROL);
    Parcel parcel = {.used = 0};
    int64_t count = trials->space->count, stride = stride_of(count);
    for (int64_t i = world->rank; i < count; i += world->size) {
        Error why = {""};
        int64_t index = i * stride % count;
        SweepRow row = trial_run(trials, index, &why);
        const char *reason = row.state == SWEEP_REFUSED ? why.text : "";
        put(&parcel, &index, sizeof index);
        put(&parcel, &row, sizeof row);
        put(&parcel, reason, strlen(reason) + 1);
        if (world->rank == 0) tally_show(tally, i + 1);
    }
    gather_parcels(world, &parcel, tally);
    free(parcel.bytes);
    group_free(world);
}
