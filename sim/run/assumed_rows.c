/* assumed_rows.c - read, held against the load, and laid out as passes want them. */
#include "sim/run/assumed_rows.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "models/kernels/capacity.h"
#include "sim/config/refuse.h"
#include "sim/config/rows.h"

/* ---- whether they fit ---- */

static bool same_key(const Config *config, const RunFile *run, const char *name)
{
    char key[64], mine[CONFIG_VALUE], theirs[CONFIG_VALUE];
    config_row(config, config_row_named(name), key, sizeof key, mine, sizeof mine);
    return run_file_config(run, name, theirs, sizeof theirs) && strcmp(mine, theirs) == 0;
}

bool assumed_rows_fit(const Config *config, int ranks, const RunFile *run)
{
    bool capacity = config->model.shape.experts.capacity > 0;
    return run_file_has(run, "/moe/rows") && run->replicas == (size_t)config_mesh(config, ranks).dp &&
           run->microbatches == (size_t)config_microbatches(config, ranks) &&
           same_key(config, run, "train.global_batch") && same_key(config, run, "model.sequence") &&
           same_key(config, run, "moe.top_k") && same_key(config, run, "moe.capacity_factor") &&
           (!capacity || same_key(config, run, "moe.balance_scope"));
}

/* ---- whether they can be ---- */

/* What an expert takes of a microbatch at most. */
static double most_of(const Config *config)
{
    const GptShape *shape = &config->model.shape;
    const ExpertsShape *e = &shape->experts;
    int64_t tokens = config->train.microbatch * shape->sequence,
            scopes = load_scopes(&config->model.shape, config->train.microbatch);
    Capacity c = {.experts = e->count, .top_k = e->top_k, .tokens = tokens / scopes, .factor = e->capacity};
    return e->capacity > 0 ? fmin((double)tokens, (double)(scopes * capacity_taken(&c))) : (double)tokens;
}

/* `rows` of a replica's microbatch (E) are added to `sum`. */
static bool check_place(const Config *config, const double *rows, double most, double *sum, Error *error)
{
    const ExpertsShape *e = &config->model.shape.experts;
    double all = 0, choices = (double)(config->train.microbatch * config->model.shape.sequence * e->top_k);
    for (int64_t i = 0; i < e->count; i++) {
        if (!(rows[i] >= 0 && rows[i] <= most))
            return error_set(
                error,
                "its /moe/rows has %g rows of expert %lld in a microbatch, of which it takes 0 to "
                "%.0f; is the file damaged?",
                rows[i], (long long)i, most);
        all += rows[i];
        sum[i] += rows[i];
    }
    return all == choices || (e->capacity > 0 && all < choices) ||
           error_set(
               error,
               "its /moe/rows has %.0f rows of a microbatch, whose choices are %.0f; is the file damaged?",
               all, choices);
}

static bool all_equal(const double *value, int64_t count)
{
    for (int64_t i = 1; i < count; i++)
        if (value[i] != value[0]) return false;
    return true;
}

/* All of a layer's against its load. A dry run's even one is a mean, and its rows are whole: of each place and scope, which
 * are no more than the batch has samples, one more or less. */
static bool check_sum(const Config *config, const RunFile *run, size_t layer, const double *sum,
                      const double *load, Error *error)
{
    const ExpertsShape *e = &config->model.shape.experts;
    const double apart = run->dry && all_equal(load, e->count) ? (double)config->train.global_batch : 0;
    for (int64_t i = 0; i < e->count; i++)
        if (sum[i] > load[i] + apart || (e->capacity == 0 && sum[i] < load[i] - apart))
            return error_set(error,
                             "its /moe/rows has %.0f rows of expert %lld in layer %zu with experts, and its "
                             "/moe/load %.0f choices; is the file damaged?",
                             sum[i], (long long)i, layer + 1, load[i]);
    return true;
}

/* rows [layer][replica][microbatch][expert] */
static bool check(const Config *config, const RunFile *run, const double *rows, const double *load,
                  Error *error)
{
    const size_t E = run->experts, places = run->replicas * run->microbatches;
    const double most = most_of(config);
    double *sum = allocate(E * sizeof *sum);
    bool ok = true;
    for (size_t y = 0; y < run->layers && ok; y++) {
        memset(sum, 0, E * sizeof *sum);
        for (size_t p = 0; p < places && ok; p++)
            ok = check_place(config, rows + (y * places + p) * E, most, sum, error);
        ok = ok && check_sum(config, run, y, sum, load + y * E, error);
    }
    free(sum);
    return ok;
}

/* ---- as passes want them ---- */

static void lay_out(const Config *config, const RunFile *run, const double *rows, const double *load,
                    AssumedLoad *assumed)
{
    const GptShape *shape = &config->model.shape;
    const size_t E = run->experts, dp = run->replicas, m = run->microbatches, L = (size_t)shape->layers;
    assumed->rows = allocate_zeroed(m * dp * L * E, sizeof *assumed->rows);
    assumed->chosen = allocate_zeroed(L * E, sizeof *assumed->chosen);
    for (size_t layer = 0, y = 0; layer < L; layer++) {
        if (!has_experts(shape, (int64_t)layer + 1)) continue;
        memcpy(assumed->chosen + layer * E, load + y * E, E * sizeof *load);
        for (size_t i = 0; i < dp * m * E; i++) {
            size_t replica = i / (m * E), microbatch = i / E % m;
            assumed->rows[((microbatch * dp + replica) * L + layer) * E + i % E] =
                (int32_t)rows[y * dp * m * E + i];
        }
        y++;
    }
}

bool assumed_rows(const Config *config, const RunFile *run, size_t row, const double *load,
                  AssumedLoad *assumed, Error *error)
{
    Error why;
    double *rows = allocate(run->layers * run->replicas * run->microbatches * run->experts * sizeof *rows);
    bool ok = run_file_rows(run, "/moe/rows", row, 1, rows, &why) && check(config, run, rows, load, &why);
    if (ok)
        lay_out(config, run, rows, load, assumed);
    else
        config_refuse(config, "moe.load", error, "%s", why.text);
    free(rows);
    return ok;
}
