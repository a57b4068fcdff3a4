/* announce.c - the lines before the first step. */
#include "sim/run/announce.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/layers/gpt_count.h"
#include "parallel/wire/comm_mpi.h"
#include "sim/base/words.h"
#include "sim/config/ranks.h"
#include "sim/file/step_record.h"
#include "sim/theory/theory.h"

static void say_grid(const Trainer *t, char *text, size_t size)
{
    const Mesh *m = &t->mesh;
    text[0] = '\0';
    if (m->shape.pp == 1 && m->shape.tp == 1 && m->shape.ep == 1) return;
    words_append(text, size, " (");
    if (m->shape.pp > 1) words_append(text, size, "pp %d x ", m->shape.pp);
    words_append(text, size, "dp %d", m->shape.dp);
    if (m->shape.tp > 1) words_append(text, size, " x tp %d", m->shape.tp);
    if (m->shape.ep > 1) words_append(text, size, ", ep %d", m->shape.ep);
    if (t->config->tensor.sequence_parallel) words_append(text, size, ", sp");
    words_append(text, size, ")");
}

static void say_vocabulary(const Trainer *t)
{
    long long slices = t->mesh.shape.tp, V = t->config->model.shape.vocab, each = (V + slices - 1) / slices;
    if (V % slices)
        printf("  the vocabulary of %lld is padded to %lld, %lld for each of %lld ranks\n", V, each * slices,
               each, slices);
}

/* The layers that parallel.layers_per_stage gives, the beginning of them where they are many. */
static void say_given(const char *schedule, const int *layers, int stages)
{
    enum { SHOWN = 16 };
    printf("  pipeline: %s, %d stages of", schedule, stages);
    for (int i = 0; i < stages && i < SHOWN; i++) printf("%s %d", i ? "," : "", layers[i]);
    printf("%s layers\n", stages > SHOWN ? ", ..." : "");
}

static void say_stages(const Trainer *t)
{
    const Plan *plan = t->plan;
    int64_t layers = t->config->model.shape.layers;
    if (plan->stages == 1) return;
    const char *schedule = t->config->pipeline.schedule;
    const int *given = config_layers_per_stage(t->config, plan->stages);
    int64_t stages = plan->stages, least = layers / stages, longer = layers % stages;
    if (given)
        say_given(schedule, given, plan->stages);
    else if (longer == 0)
        printf("  pipeline: %s, %lld stages of %lld layer%s\n", schedule, (long long)stages, (long long)least,
               words_s(least));
    else
        printf("  pipeline: %s; %lld layers do not divide over %lld stages: %lld of %lld layers, then %lld "
               "of %lld\n",
               schedule, (long long)layers, (long long)stages, (long long)longer, (long long)(least + 1),
               (long long)(stages - longer), (long long)least);
}

/* Rank 0's bytes of gradients a step and bytes of gradients held, by the formulas, were they reduced so. */
static void cost_of(const Trainer *t, int ranks, ReduceMoment moment, double *sent, double *held)
{
    Config config = *t->config;
    double bytes[PURPOSES], memory[MEMORY_CATEGORIES];
    config.parallel.reduce = moment;
    theory_bytes(&config, t->plan, ranks, 0, bytes);
    theory_memory(&config, t->plan, ranks, 0, memory);
    *sent = bytes[ZERO_REDUCE_SCATTER] + bytes[TP_GRADIENTS];
    *held = memory[MEM_GRADIENTS];
}

static void say_reduction(const Trainer *t, int ranks)
{
    const DataParallelConfig *c = &t->config->parallel;
    if (!data_parallel_shards_gradients(c) || t->microbatches == 1) return;
    bool each = data_parallel_reduces_each_microbatch(c);
    double sent, held, sent_other, held_other;
    cost_of(t, ranks, each ? REDUCE_MICROBATCH : REDUCE_STEP, &sent, &held);
    cost_of(t, ranks, each ? REDUCE_STEP : REDUCE_MICROBATCH, &sent_other, &held_other);
    char now[2][32], other[2][32];
    words_bytes(sent, now[0], sizeof now[0]);
    words_bytes(held, now[1], sizeof now[1]);
    words_bytes(sent_other, other[0], sizeof other[0]);
    words_bytes(held_other, other[1], sizeof other[1]);
    printf("  gradients are reduced %s: rank 0 sends %s of them a step and holds %s;\n"
           "    with parallel.reduce = %s it would send %s and hold %s\n",
           each ? "after each microbatch" : "once a step", now[0], now[1], each ? "step" : "microbatch",
           other[0], other[1]);
}

/* Of a rank that no launcher started: how many it was meant to be is for who typed the line to say. */
static void say_alone(const Trainer *t, int ranks)
{
    const char *says;
    if (t->device.dry || ranks > 1 || comm_mpi_launched(&says)) return;
    for (int n = 8; n > 1; n--) {
        Config trial = *t->config;
        if (!config_check_ranks(&trial, n, NULL)) continue;
        printf(
            "  one rank: nothing is split and nothing sent; mpirun -n %d before the same line makes it %d\n",
            n, n);
        return;
    }
}

/* Of a few steps to try a config, or of too few by mistake. */
static void say_warmup(const Trainer *t)
{
    long long steps = t->config->train.steps, warmup = t->config->train.warmup;
    if (t->device.dry || steps == 0 || steps >= warmup) return;
    printf("  it ends within its warm-up, %lld of %lld steps, at %.3g of train.learning_rate = %.3g\n", steps,
           warmup, t->config->train.learning_rate * (double)steps / (double)warmup,
           t->config->train.learning_rate);
}

/* Rank 0's: on other nodes there may be others. */
static void say_threads(const Trainer *t, int ranks)
{
    long long asked = t->config->train.threads;
    if (t->device.dry) return;
    if (t->threads < asked)
        printf("  train.threads = %lld: the system gives %d\n", asked, t->threads);
    else if (t->threads > 1)
        printf("  %d threads a rank\n", t->threads);
    else if (!asked && ranks == 1 && t->comm->bound)
        printf("  1 thread, as the launcher has bound this rank to a core: mpirun --bind-to none lets it use "
               "more\n");
}

/* Where a file would be mostly of them (step_record.h). */
static void say_rows(const Trainer *t)
{
    const GptShape *shape = &t->config->model.shape;
    char all[32], most[32];
    if (t->device.dry || !shape->experts.count || t->taken) return;
    words_bytes((double)(step_record_rows_of_all(t->config, t->comm->size) * sizeof *t->taken), all,
                sizeof all);
    words_bytes(ROWS_MOST, most, sizeof most);
    printf("  rows of experts are recorded of all microbatches together: told apart they are %s a step, more "
           "than %s\n",
           all, most);
}

void announce(const Trainer *t, int ranks)
{
    const Config *c = t->config;
    char grid[64];
    double parameters = (double)gpt_parameter_count(&c->model.shape);
    bool large = parameters >= 1e9;
    say_grid(t, grid, sizeof grid);
    printf(
        "%s: %s on %d rank%s%s%s, %.3f %c parameters in %s, %lld tokens a step in %d microbatch%s a rank\n",
        c->name, config_data_names[c->parallel.kind], ranks, words_s(ranks), grid,
        t->device.dry ? " (dry)" : "", parameters / (large ? 1e9 : 1e6), large ? 'G' : 'M',
        config_precision_name(c), (long long)(c->train.global_batch * c->model.shape.sequence),
        t->microbatches, t->microbatches == 1 ? "" : "es");
    say_alone(t, ranks);
    say_stages(t);
    say_vocabulary(t);
    say_reduction(t, ranks);
    say_warmup(t);
    say_rows(t);
    say_threads(t, ranks);
    fflush(stdout);
}

void announce_folder(const char *command, const char *folder, bool drawn)
{
    char *shown = words_shown(folder);
    fflush(stdout);
    fprintf(stderr, "sim: %s: its table %s in %s\n", command, drawn ? "and chart are" : "is", shown);
    free(shown);
}

void announce_place(const char *what, const char *asked, const char *place, const char *kept)
{
    if (kept[0]) printf("  an earlier %s is kept as %s\n", what, kept);
    if (strcmp(asked, place) != 0)
        printf("  %s is still written by another run, so this %s goes to %s\n", asked, what, place);
}
