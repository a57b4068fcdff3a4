/* initialise.c - a unit after another, and the table of the vocabulary. */
#include "sim/run/initialise.h"
#include "sim/base/progress.h"

void initialise_weights(Trainer *t, bool tells)
{
    DataParallel *d = t->data_parallel;
    Progress progress;
    progress_begin(&progress, d->gpt->units, PROGRESS_QUIET);
    for (int u = 0; u < d->gpt->units; u++) {
        data_parallel_initialise_unit(d, u, t->config->train.seed);
        if (tells && progress_due(&progress, u + 1))
            progress_show(&progress, "weights of %d of %d layers drawn", u + 1, d->gpt->units);
    }
    progress_end(&progress);
}

static void show(void *context, int64_t done)
{
    Progress *progress = context;
    if (progress_due(progress, (double)done))
        progress_show(progress, "%.0f %% of the table of %.0f tokens made",
                      100 * progress->done / progress->total, progress->total / 2);
}

void initialise_data(Trainer *t, bool tells)
{
    Progress progress;
    if (t->device.dry || !(t->gpt->stage[0].held || t->gpt->stage[t->plan->stages - 1].held)) return;
    progress_begin(&progress, 2 * (double)t->config->model.shape.vocab, PROGRESS_QUIET);
    data_prepare(t->data, tells ? show : NULL, &progress);
    progress_end(&progress);
}
