/* seconds.c - gathered, and compared. */
#include "tests/support/seconds.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "parallel/collectives/collectives.h"
#include "tests/support/check.h"

void seconds_look(Trainer *t, const StepResult *result, void *context)
{
    (void)result;
    Seconds *seen = context;
    if (t->step < t->config->train.steps - 1) return;
    bool main = t->comm->rank == 0;
    size_t ranks = (size_t)t->comm->size, bytes = (size_t)t->rows * sizeof(TimelineRow);
    Seconds mine = {.rows = main ? allocate(ranks * bytes) : NULL,
                    .lanes = main ? allocate(ranks * sizeof(Lanes)) : NULL,
                    .sent = main ? allocate(ranks * sizeof(SecondsSent)) : NULL,
                    .rows_each = t->rows};
    SecondsSent sent = {.busy = {comm_busy(t->comm, ROUTE_INSIDE), comm_busy(t->comm, ROUTE_ACROSS)}};
    memcpy(sent.across, t->comm->across, sizeof sent.across);
    Group *world = group_world(t->comm, CHANNEL_CONTROL);
    TimelineRow *own = allocate(bytes);
    trainer_rows(t, &t->laps, 0, t->rows, own);
    gather(world, CONTROL, own, bytes, mine.rows, 0);
    free(own);
    gather(world, CONTROL, &t->device.lanes, sizeof(Lanes), mine.lanes, 0);
    gather(world, CONTROL, &sent, sizeof sent, mine.sent, 0);
    group_free(world);
    if (main) *seen = mine;
}

void seconds_same(const Seconds *run, const Seconds *dry, int ranks)
{
    assert_int_equal(run->rows_each, dry->rows_each);
    for (int i = 0; i < ranks * run->rows_each; i++) {
        const TimelineRow *a = &run->rows[i], *b = &dry->rows[i];
        assert_string_equal(a->action, b->action);
        assert_true(a->simulated_start == b->simulated_start && a->simulated_end == b->simulated_end);
        assert_true(a->recompute == b->recompute && a->communication == b->communication);
        assert_memory_equal(a->memory, b->memory, sizeof a->memory);
        assert_true(a->memory_peak == b->memory_peak);
    }
    for (int r = 0; r < ranks; r++) {
        const Lanes *a = &run->lanes[r], *b = &dry->lanes[r];
        double sum = 0;
        for (int p = 0; p < PARTS; p++) {
            assert_true(a->spent[p] == b->spent[p]);
            sum += a->spent[p];
        }
        assert_memory_equal(&run->sent[r], &dry->sent[r], sizeof *run->sent);
        assert_true(run->sent[r].busy[0] <= a->now && run->sent[r].busy[1] <= a->now);
        assert_true(a->now == b->now && a->now > 0 && fabs(sum - a->now) < 1e-12 * a->now);
    }
}

void seconds_free(Seconds *seen)
{
    free(seen->rows);
    free(seen->lanes);
    free(seen->sent);
    *seen = (Seconds){.rows = NULL};
}
