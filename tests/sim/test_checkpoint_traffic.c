/* test_checkpoint_traffic.c - what ranks write and read of a checkpoint, under many splits, against what is in the file. */
#include <math.h>
#include <string.h>
#include "models/machine/real.h"
#include "sim/file/checkpoint_layout.h"
#include "sim/run/checkpoint_traffic.h"
#include "sim/run/foretell.h"
#include "tests/support/check.h"
#include "tests/support/plot_place.h"

typedef struct Weighed {
    double written, read, most_read, values, layout;
} Weighed;

static bool add_dataset(const Parameter *p, const char *path, int tensor, void *context)
{
    (void)path, (void)tensor;
    size_t dims[H5_MAX_RANK] = {1, 1};
    double values = 1;
    for (int i = 0, rank = checkpoint_shape(p, dims); i < rank; i++) values *= (double)dims[i];
    *(double *)context += values * sizeof(real);
    return true;
}

static void weigh(const Trainer *t, void *context)
{
    Weighed *w = context;
    CheckpointTraffic traffic = checkpoint_traffic(t);
    w->written += traffic.written;
    w->read += traffic.read;
    w->most_read = fmax(w->most_read, traffic.read);
    if (t->comm->rank != 0) return;
    w->values = (double)checkpoint_values(t->gpt, t->config);
    checkpoint_each(t->gpt, t->config, add_dataset, &w->layout);
}

static Weighed weighed(PlotPlace *place, const char *split, int ranks)
{
    char words[256];
    const char *sets[16];
    int count = 0;
    char *rest;
    Error error;
    Weighed w = {0};
    strcpy(words, split);
    for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        sets[count++] = word;
    const char *ini =
        written_in(place, "w.ini",
                   "[model]\nhidden = 24\nheads = 4\nkv_heads = 2\nffn = 20\nlayers = 4\nvocab = 19\n"
                   "sequence = 8\n[train]\nmicrobatch = 1\nglobal_batch = 24\n");
    const RunOptions options = {.config = ini,
                                .sets = sets,
                                .set_count = count,
                                .dry = true,
                                .all_ranks = true,
                                .program_directory = place->program};
    Alike *alike = alike_new();
    if (!alike_foresee(alike, &options, ranks, &error) || !foretell_walk(alike, weigh, &w, &error))
        fail_msg("%s: %s", split, error.text);
    alike_free(alike);
    return w;
}

/* All ranks together write each value once, whatever the split. */
static void each_value_is_written_once(void **state)
{
    static const struct {
        const char *split;
        int ranks;
        double reads; /* of a checkpoint's bytes, the rank with most; 0: not that simple */
    } splits[] = {{"parallel.data=ddp", 1, 1},
                  {"parallel.data=ddp", 3, 1},
                  {"parallel.data=dp", 3, 1},
                  {"parallel.data=zero1", 4, 1 / 3. + 2 / 3. / 4},
                  {"parallel.data=zero3", 4, 1 / 4.},
                  {"parallel.tp=4", 4, 0},
                  {"parallel.pp=4", 4, 0},
                  {"parallel.pp=2 parallel.tp=2 parallel.data=zero3", 12, 0},
                  {"parallel.pp=2 parallel.tp=2 parallel.data=zero1 parallel.schedule=interleaved "
                   "parallel.virtual_stages=2",
                   8, 0},
                  {"train.optimizer=sgd parallel.data=zero2", 4, 1}};
    PlotPlace *place = *state;
    for (size_t i = 0; i < sizeof splits / sizeof *splits; i++) {
        Weighed w = weighed(place, splits[i].split, splits[i].ranks);
        if (w.written != w.layout || w.values != w.layout || w.read < w.layout)
            fail_msg("%s: %.0f bytes are written, %.0f read, of %.0f in the file (%.0f)", splits[i].split,
                     w.written, w.read, w.layout, w.values);
        double off = w.most_read / w.layout - splits[i].reads; /* a unit's padding, at most */
        if (splits[i].reads > 0 && (off < -1e-9 || off > 0.02))
            fail_msg("%s: a rank reads %.4f of it, not %.4f", splits[i].split, w.most_read / w.layout,
                     splits[i].reads);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_value_is_written_once, plot_setup, plot_teardown),
    };
    return cmocka_run_group_tests_name("checkpoint traffic", tests, NULL, NULL);
}
