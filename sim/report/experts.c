/* experts.c - parameters in all and met by a token; loads, drops and losses, at first and at the end. */
#include "sim/report/experts.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/layers/gpt_count.h"
#include "sim/base/tail.h"
#include "sim/report/run_config.h"

static void add_parameters(Sheet *sheet, const RunFile *run)
{
    Config *config = run_config_new(run);
    if (!config) return;
    const GptShape *shape = &config->model.shape;
    double all = (double)gpt_parameter_count(shape), met = (double)gpt_active_parameter_count(shape),
           unit = all >= 1e9 ? 1e9 : 1e6;
    const char *letter = all >= 1e9 ? "G" : "M";
    char shared[48] = "";
    if (shape->experts.shared > 0)
        snprintf(shared, sizeof shared, ", and %lld shared", (long long)shape->experts.shared);
    sheet_line(sheet, SHEET_FACT, "experts");
    sheet_cell(sheet,
               "%zu of which a token goes to %lld%s, in %zu of %lld layers; %.4g %s parameters, of which it "
               "meets %.4g %s",
               run->experts, (long long)shape->experts.top_k, shared, run->layers, (long long)shape->layers,
               all / unit, letter, met / unit, letter);
    if (config->expert.size > 1)
        sheet_more(sheet, "; of a layer's experts each of %lld ranks holds %lld",
                   (long long)config->expert.size, (long long)(shape->experts.count / config->expert.size));
    if (config->expert.size > 1 && config->expert.way == DISPATCH_ALL_GATHER) {
        sheet_line(sheet, SHEET_FACT, "dispatch");
        sheet_cell(sheet,
                   "all tokens go to all %lld ranks (moe.dispatch = all_gather): moe.dispatch sends each "
                   "choice's expert and gate with them, moe.combine the gates' gradients back",
                   (long long)config->expert.size);
    }
    run_config_free(config);
}

/* Of each step the mean over layers of [steps][layers]; freed by the caller. NULL with why. */
static double *mean_of(const RunFile *run, const char *dataset, Error *error)
{
    double *all = run_file_first(run, dataset, run->steps, error);
    for (size_t s = 0; all && s < run->steps; s++) {
        double sum = 0;
        for (size_t y = 0; y < run->layers; y++) sum += all[s * run->layers + y];
        all[s] = sum / (double)run->layers; /* what was there has been added up */
    }
    return all;
}

/* Of the ranks that hold experts from `first` on of a layer, which counts from 0, the first; -1: a schedule of the user's
 * own says which. */
static int rank_of(const RunFile *run, const Config *config, int64_t layer, int replica)
{
    const MeshShape mesh = run->shape.mesh;
    int stages = mesh.pp * run->shape.virtual_stages, stage = -1;
    if (config_schedule_is_file(config)) return -1;
    for (int64_t end = 0; end <= layer && stage + 1 < stages;)
        end += stage_blocks(config->model.shape.layers, stages, config_layers_per_stage(config, stages),
                            ++stage);
    return mesh_rank(mesh, (MeshPlace){.pipe = stage % mesh.pp, .data = replica});
}

/* Of the experts of a layer (experts) the one that has most, and, where replicas share them, which of these has. */
static void add_most(Sheet *sheet, const RunFile *run, const Config *config, int64_t layer,
                     const double *load)
{
    size_t most = 0, fullest = 0, ep = (size_t)run->shape.mesh.ep, held = run->experts / ep;
    double sum = 0, *rows = allocate_zeroed(ep, sizeof *rows);
    for (size_t i = 0; i < run->experts; i++) {
        if (load[i] > load[most]) most = i;
        rows[i / held] += load[i];
        sum += load[i];
    }
    for (size_t r = 1; r < ep; r++)
        if (rows[r] > rows[fullest]) fullest = r;
    sheet_more(sheet, "; fullest: expert %zu of layer %lld, %.2f times the mean", most, (long long)layer,
               load[most] / sum * (double)run->experts);
    int rank = rank_of(run, config, layer, (int)fullest);
    if (ep > 1 && rank >= 0)
        sheet_more(sheet, ", and rank %d with %zu of them, %.2f times", rank, held,
                   rows[fullest] / sum * (double)ep);
    free(rows);
}

/* Of the layer where one expert has most of any. */
static bool add_fullest(Sheet *sheet, const RunFile *run, Error *error)
{
    double *load = run_file_first(run, "/moe/load", 1, error),
           *layer = run_file_first(run, "/moe/layer", run->layers, error);
    Config *config = run_config_new(run);
    bool ok = load && layer;
    size_t most = 0;
    for (size_t i = 0; ok && i < run->layers * run->experts; i++)
        if (load[i] > load[most]) most = i;
    most /= run->experts;
    if (ok && config) add_most(sheet, run, config, (int64_t)layer[most], load + most * run->experts);
    run_config_free(config);
    free(load);
    free(layer);
    return ok;
}

static bool add_assumed(Sheet *sheet, const RunFile *run, Error *error)
{
    char file[512], skew[64];
    bool given = run_file_config(run, "moe.load", file, sizeof file) && file[0],
         even = !run_file_config(run, "moe.skew", skew, sizeof skew) || strcmp(skew, "0") == 0;
    if (!given && even) {
        sheet_cell(sheet, "assumed to be even: a dry run routes no tokens");
        return true;
    }
    if (run->given_rows)
        sheet_cell(sheet, "each replica's and microbatch's own, as moe.load = %s recorded them", file);
    else
        sheet_cell(sheet, "assumed, as a dry run routes no tokens: moe.%s = %s%s", given ? "load" : "skew",
                   given ? file : skew, given ? ", shares of it alike in every microbatch and replica" : "");
    return add_fullest(sheet, run, error);
}

static bool add_load(Sheet *sheet, const RunFile *run, const double *imbalance, const double *dropped,
                     const double *entropy, Error *error)
{
    sheet_line(sheet, SHEET_FACT, "load");
    if (run->dry) {
        if (!add_assumed(sheet, run, error)) return false;
    } else
        sheet_cell(
            sheet,
            "the fullest expert has %.2f times the mean at the first step, %.2f at the end (mean of layers, "
            "last tenth); entropy of scores %.2f, even %.2f nats",
            imbalance[0], tail_mean(imbalance, run->steps), tail_mean(entropy, run->steps),
            log((double)run->experts));
    double share = tail_mean(dropped, run->steps);
    if (share > 0) sheet_more(sheet, "; %.2g %% of choices dropped", 100 * share);
    return true;
}

static void add_losses(Sheet *sheet, const RunFile *run, const double *balance, const double *z)
{
    double b = tail_mean(balance, run->steps), of_z = tail_mean(z, run->steps);
    if (run->dry || b + of_z == 0) return;
    sheet_line(sheet, SHEET_FACT, "their losses");
    if (b > 0) sheet_cell(sheet, "balance %.3g", b);
    if (of_z > 0) (b > 0 ? sheet_more : sheet_cell)(sheet, "%sz %.3g", b > 0 ? ", " : "", of_z);
    sheet_more(sheet, " (last tenth), no part of the loss");
}

bool report_experts(const RunFile *run, Sheet *sheet, Error *error)
{
    if (!run->experts) return true;
    double *imbalance = mean_of(run, "/moe/imbalance", error), *dropped = mean_of(run, "/moe/dropped", error),
           *entropy = mean_of(run, "/moe/entropy", error),
           *balance = run_file_first(run, "/moe/balance_loss", run->steps, error),
           *z = run_file_first(run, "/moe/z_loss", run->steps, error);
    bool ok = imbalance && dropped && entropy && balance && z;
    if (ok) {
        add_parameters(sheet, run);
        ok = add_load(sheet, run, imbalance, dropped, entropy, error);
        add_losses(sheet, run, balance, z);
    }
    double *all[] = {imbalance, dropped, entropy, balance, z};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    return ok;
}
