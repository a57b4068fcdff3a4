/* tally.c - rows and their reasons, one by one. */
#include "sim/sweep/tally.h"
#include <stdlib.h>

void tally_begin(Tally *t, Sweep *sweep, bool aside)
{
    sweep->row = allocate_zeroed((size_t)sweep->space.count, sizeof *sweep->row);
    *t = (Tally){.sweep = sweep, .texts = sweep_texts_new()};
    if (aside)
        progress_begin_aside(&t->progress, (double)sweep->space.count);
    else
        progress_begin(&t->progress, (double)sweep->space.count, PROGRESS_QUIET);
}

void tally_take(Tally *t, int64_t index, const SweepRow *row, const char *why)
{
    SweepRow *own = &t->sweep->row[index];
    *own = *row;
    own->reason = row->state == SWEEP_REFUSED ? sweep_texts_add(t->texts, why) : -1;
    t->done++;
}

void tally_show(Tally *t, int64_t done)
{
    if (done > 0 && progress_due(&t->progress, (double)done))
        progress_show(&t->progress, "%lld of %lld", (long long)done, (long long)t->sweep->space.count);
}

void tally_end(Tally *t)
{
    progress_end(&t->progress);
    sweep_finish(t->sweep, t->texts);
    t->texts = NULL;
}

void tally_forget(Tally *t)
{
    progress_end(&t->progress);
    if (t->texts) sweep_texts_free(t->texts);
    t->texts = NULL;
}
