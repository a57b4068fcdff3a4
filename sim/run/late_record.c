/* late_record.c - each sender has counted its own. */
#include "sim/run/late_record.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "models/machine/error.h"
#include "parallel/collectives/collectives.h"
#include "sim/base/words.h"

static void add(LateCount *sum, LateCount more)
{
    sum->messages += more.messages;
    sum->late += more.late;
}

LateCount *late_record_sum(Group *world)
{
    const Comm *comm = world->comm;
    const size_t links = (size_t)comm->lates, reports = (size_t)group_walks(world);
    const bool main = world->rank == 0;
    LateCount *mine = allocate(links * sizeof *mine), *all = NULL, *sum = NULL;
    if (main) all = allocate(reports * links * sizeof *all);
    for (size_t i = 0; i < links; i++) mine[i] = (LateCount){comm->late[i].messages, comm->late[i].late};
    gather(world, CONTROL, mine, links * sizeof *mine, all, 0);
    if (main) sum = allocate_zeroed(links + 1, sizeof *sum);
    for (size_t i = 0; main && i < reports * links; i++) {
        add(&sum[i % links], all[i]);
        add(&sum[links], all[i]);
    }
    free(all);
    free(mine);
    return sum;
}

void late_record_warn(const Comm *comm, const LateCount *counts)
{
    fflush(stdout);
    for (int i = 0; i < comm->lates; i++) {
        const LateLink *link = &comm->late[i].link;
        if (counts[i].late > 0) continue;
        if (counts[i].messages == 0)
            fprintf(stderr,
                    "sim: warning: faults.late: no message of training goes from rank %d to rank %d in those "
                    "steps, and it has no effect; try a rank that is next to %d in a ring or a pipeline\n",
                    link->from, link->to, link->from);
        else
            fprintf(stderr,
                    "sim: warning: faults.late: %" PRId64 " message%s went from rank %d to rank %d in those "
                    "steps, and it has no effect; try every %" PRId64 " or fewer\n",
                    counts[i].messages, words_s(counts[i].messages), link->from, link->to,
                    counts[i].messages);
    }
}
