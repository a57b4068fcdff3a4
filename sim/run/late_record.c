/* late_record.c - each sender has counted its own. */
#include "sim/run/late_record.h"
#include <stdlib.h>
#include "models/machine/error.h"
#include "parallel/collectives/collectives.h"

LateCount late_record_sum(Group *world)
{
    const Comm *comm = world->comm;
    const int reports = group_walks(world);
    LateCount mine = {0, 0}, sum = {0, 0}, *all = NULL;
    if (world->rank == 0) all = allocate((size_t)reports * sizeof *all);
    for (int i = 0; i < comm->lates; i++) {
        mine.messages += comm->late[i].messages;
        mine.late += comm->late[i].late;
    }
    gather(world, CONTROL, &mine, sizeof mine, all, 0);
    for (int i = 0; all && i < reports; i++) {
        sum.messages += all[i].messages;
        sum.late += all[i].late;
    }
    free(all);
    return sum;
}
