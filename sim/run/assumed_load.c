/* assumed_load.c - shares of a law or of a file, as whole numbers of choices. */
#include "sim/run/assumed_load.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "sim/config/refuse.h"
#include "sim/file/run_file.h"

/* ---- whole numbers ---- */

/* What is above the most goes to the others by their shares, which may bring more of them there; those without a share
 * have one where nobody else has room. Leaves real numbers in `part`. */
static void pour(const double *share, int64_t experts, double all, double most, double *part)
{
    double shares = 0;
    bool *full = allocate_zeroed((size_t)experts, sizeof *full), more = true;
    for (int64_t i = 0; i < experts; i++) shares += share[i];
    while (more) {
        int64_t open = 0;
        more = false;
        for (int64_t i = 0; i < experts; i++) open += !full[i];
        for (int64_t i = 0; i < experts; i++)
            if (!full[i]) part[i] = shares > 0 ? all * (share[i] / shares) : all / (double)open;
        for (int64_t i = 0; i < experts; i++) {
            if (full[i] || part[i] < most) continue;
            more = full[i] = true;
            all -= part[i] = most;
        }
        shares = 0;
        for (int64_t i = 0; i < experts; i++) shares += full[i] ? 0 : share[i];
    }
    free(full);
}

/* What is left of an expert's part beyond whole numbers. */
typedef struct Rest {
    double part;
    int64_t expert;
} Rest;

static int by_rest(const void *x, const void *y)
{
    const Rest *a = x, *b = y;
    if (a->part != b->part) return a->part < b->part ? 1 : -1;
    return a->expert < b->expert ? -1 : 1;
}

/* One each to those with most left, until none is. */
static void deal(Rest *rest, int64_t experts, int64_t left, int64_t most, int64_t *count)
{
    qsort(rest, (size_t)experts, sizeof *rest, by_rest);
    while (left > 0)
        for (int64_t i = 0; i < experts && left > 0; i++) {
            int64_t *mine = &count[rest[i].expert];
            if (*mine == most) continue;
            ++*mine;
            left--;
        }
}

void assumed_counts(const double *share, int64_t experts, int64_t all, int64_t most, int64_t *count)
{
    double *part = allocate((size_t)experts * sizeof *part);
    Rest *rest = allocate((size_t)experts * sizeof *rest);
    int64_t left = all;
    pour(share, experts, (double)all, (double)most, part);
    for (int64_t i = 0; i < experts; i++) {
        count[i] = part[i] < (double)most ? (int64_t)part[i] : most;
        left -= count[i];
        rest[i] = (Rest){part[i] - (double)count[i], i};
    }
    deal(rest, experts, left, most, count);
    free(rest);
    free(part);
}

/* ---- whose ---- */

static void fill_layer(const Config *config, const double *share, int64_t layer, int64_t *load)
{
    const ExpertsShape *e = &config->model.shape.experts;
    int64_t tokens = config->train.microbatch * config->model.shape.sequence;
    assumed_counts(share, e->count, tokens * e->top_k, tokens, load + (layer - 1) * e->count);
}

static bool refuse_load(const Config *config, Error *error, const char *why)
{
    return config_refuse(config, "moe.load", error, "%s; try the file of a run with the same [moe]", why);
}

static bool same_experts(const Config *config, const RunFile *run, Error *error)
{
    char why[192];
    const GptShape *shape = &config->model.shape;
    int64_t layers = layers_with_experts(shape, 1, shape->layers);
    if ((int64_t)run->experts == shape->experts.count && (int64_t)run->layers == layers) return true;
    snprintf(why, sizeof why, "it is of %zu experts in %zu layers, and this model has %lld in %lld",
             run->experts, run->layers, (long long)shape->experts.count, (long long)layers);
    return refuse_load(config, error, why);
}

/* Which row is asked for: people count steps from 1. */
static bool row_of(const Config *config, const RunFile *run, size_t *row, Error *error)
{
    int64_t step = config->assumed.step, last = run->first + (int64_t)run->steps;
    if (run->steps == 0) return refuse_load(config, error, "it has no steps");
    *row = (size_t)((step ? step : last) - run->first - 1);
    if (step == 0 || (step > run->first && step <= last)) return true;
    return config_refuse(config, "moe.load_step", error,
                         "moe.load has steps %lld to %lld; try one of them, or 0", (long long)run->first + 1,
                         (long long)last);
}

static bool read_shares(const Config *config, const RunFile *run, size_t row, double *shares, Error *error)
{
    Error why;
    if (!run_file_rows(run, "/moe/load", row, 1, shares, &why)) return refuse_load(config, error, why.text);
    for (size_t y = 0; y < run->layers; y++) {
        double sum = 0;
        for (size_t e = 0; e < run->experts; e++) {
            double share = shares[y * run->experts + e];
            sum += share >= 0 ? share : (double)NAN;
        }
        if (!(sum > 0 && isfinite(sum)))
            return refuse_load(config, error, "it has no load of all experts in that step");
    }
    return true;
}

/* Of a file's step the rows, where they fit, or else the shares, NULL where it is refused. */
static double *recorded(const Config *config, int ranks, AssumedLoad *assumed, Error *error)
{
    Error why;
    size_t row = 0;
    RunFile *run = run_file_open(config->assumed.load, &why);
    double *shares = NULL;
    if (!run) return config_refuse(config, "moe.load", error, "%s", why.text), NULL;
    shares = allocate((run->layers * run->experts + 1) * sizeof *shares);
    bool ok = same_experts(config, run, error) && row_of(config, run, &row, error) &&
              read_shares(config, run, row, shares, error);
    if (ok && assumed_rows_fit(config, ranks, run))
        ok = assumed_rows(config, run, row, shares, assumed, error);
    if (!ok) free(shares), shares = NULL;
    run_file_close(run);
    return shares;
}

bool assumes_load(const Config *config)
{
    return config->assumed.load[0] || config->assumed.skew > 0;
}

static void fill_shares(const Config *config, const double *recorded, AssumedLoad *assumed)
{
    const GptShape *shape = &config->model.shape;
    size_t E = (size_t)shape->experts.count, with = 0;
    double *zipf = allocate(E * sizeof *zipf);
    for (size_t i = 0; i < E; i++) zipf[i] = pow((double)(i + 1), -config->assumed.skew);
    assumed->load = allocate_zeroed((size_t)shape->layers * E, sizeof *assumed->load);
    for (int64_t layer = 1; layer <= shape->layers; layer++)
        if (has_experts(shape, layer))
            fill_layer(config, recorded ? recorded + E * with++ : zipf, layer, assumed->load);
    free(zipf);
}

bool assumed_load(const Config *config, int ranks, AssumedLoad *assumed, Error *error)
{
    double *shares = NULL;
    *assumed = (AssumedLoad){.load = NULL};
    if (!assumes_load(config)) return true;
    if (config->assumed.load[0] && !(shares = recorded(config, ranks, assumed, error))) return false;
    if (!assumed->rows) fill_shares(config, shares, assumed);
    free(shares);
    return true;
}

void assumed_load_free(AssumedLoad *assumed)
{
    free(assumed->load);
    free(assumed->rows);
    free(assumed->chosen);
}
