/* checks.c - values that are fine alone and do not go together. */
#include "sim/config/checks.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/real.h"
#include "sim/base/posix.h"
#include "sim/base/words.h"
#include "sim/config/check_faults.h"
#include "sim/config/check_model.h"
#include "sim/config/check_moe.h"
#include "sim/config/refuse.h"
#include "sim/config/rows.h"

/* Values inside their ranges that the numbers which updates are computed in round to the end outside. */
static bool check_optimizer(const Config *config, Error *error)
{
    const OptimizerConfig *o = &config->train.optimizer;
    const struct {
        const char *key;
        double value, end;
        const char *instead;
    } rounded[] = {{"train.beta1", o->beta1, 1, "0.9"},
                   {"train.beta2", o->beta2, 1, "0.95"},
                   {"train.epsilon", o->epsilon, 0, "1e-8"},
                   {"train.momentum", o->momentum, 1, "0.9"},
                   {"train.alpha", o->alpha, 1, "0.99"}};
    for (size_t i = 0; i < sizeof rounded / sizeof *rounded; i++)
        if ((double)(real)rounded[i].value == rounded[i].end)
            return config_refuse(config, rounded[i].key, error,
                                 "it is %.0f in " REAL_NAME ", which updates are computed in; try %s = %s",
                                 rounded[i].end, rounded[i].key, rounded[i].instead);
    return true;
}

static bool check_train(const Config *config, Error *error)
{
    if (config->train.precision != PRECISION_FP32 && sizeof(real) > sizeof(float))
        return config_refuse(config, "train.precision", error,
                             "this build computes and keeps everything in " REAL_NAME
                             "; try train.precision = fp32, or a build without REAL=double");
    if (config->train.matmul == MATMUL_OWN && sizeof(real) > sizeof(float))
        return config_refuse(config, "train.matmul", error,
                             "sim's own products are of fp32, and this build computes in " REAL_NAME
                             "; try train.matmul = blas, or a build without REAL=double");
    int64_t steps = config->train.steps, batch = config->train.global_batch;
    if (steps == 0 && *config->output.gradients)
        return config_refuse(config, config_blame(config, "output.gradients", "train.steps"), error,
                             "without a step there are no gradients; try train.steps = 1");
    if (!check_optimizer(config, error) || !config_check_matrices(config, error)) return false;
    if ((double)steps * (double)batch * (double)config->model.shape.sequence > 9e18)
        return config_refuse(
            config, config_blame(config, "train.steps", "train.global_batch"), error,
            "%lld steps of %lld samples are more tokens than can be counted; try train.steps = 1000",
            (long long)steps, (long long)batch);
    return true;
}

/* How often, how many, and beside what, of none; and beside what, of the last. */
static bool check_checkpoints(const Config *config, Error *error)
{
    enum { KEYS = 3 };
    static const char *const keys[KEYS] = {"output.checkpoint_every", "output.checkpoint_keep",
                                           "output.checkpoint_async"};
    char value[CONFIG_VALUE];
    for (int i = 0; i < KEYS && !*config->output.checkpoint; i++) {
        const ConfigRow *row = config_row_at(config_row_named(keys[i]));
        config_row_format(row, config, value, sizeof value);
        if (strcmp(value, row->fallback) != 0)
            return config_refuse(config, keys[i], error,
                                 "there are no checkpoints; try output.checkpoint = results/ck.h5, or "
                                 "leaving %s out",
                                 keys[i]);
    }
    if (!config->output.checkpoint_async && !config->output.checkpoint_every)
        return config_refuse(config, "output.checkpoint_async", error,
                             "the only checkpoint is that after the last step, which is waited for; try "
                             "output.checkpoint_every = 20, or leaving output.checkpoint_async out");
    return true;
}

static bool same_text(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* What a run writes may not be what it reads, nor one file twice. `resume`: the checkpoint it goes on from, or "". */
static bool check_files(const Config *config, const char *resume, bool (*same)(const char *a, const char *b),
                        Error *error)
{
    enum { WRITTEN = 3, FILES = 10 };
    const char *const keys[FILES] = {"output.file", "output.weights",    "output.gradients", "model.init",
                                     "data.source", "parallel.schedule", "output.baseline",  "moe.load",
                                     "--config",    "--resume"};
    const char *const paths[FILES] = {config->output.file,
                                      config->output.weights,
                                      config->output.gradients,
                                      config->model.init,
                                      config->data.source,
                                      config->pipeline.schedule,
                                      config->output.baseline,
                                      config->assumed.load,
                                      config->name,
                                      resume};
    /* a default is only a name until who runs it is known: a dry run has another */
    bool named = same != same_text || config->origin[config_row_named(keys[0])] != ORIGIN_DEFAULT;
    for (int a = named ? 0 : 1; a < WRITTEN; a++)
        for (int b = a + 1; b < FILES; b++)
            if (*paths[a] && *paths[b] && same(paths[a], paths[b]))
                return config_refuse(
                    config, *keys[b] == '-' ? keys[a] : config_blame(config, keys[a], keys[b]), error,
                    "%s and %s are the same file; try another name for %s", keys[a], keys[b], keys[a]);
    return true;
}

bool config_check_files(const Config *config, const char *resume, Error *error)
{
    return check_files(config, resume, files_same, error);
}

static bool all_have_experts(const GptShape *s)
{
    return s->experts.count > 0 && s->experts.first_dense == 0 && s->experts.every == 1;
}

const char *config_uncut(const Config *config, int64_t *size)
{
    const GptShape *s = &config->model.shape;
    int64_t t = config->tensor.size;
    const struct {
        const char *key;
        int64_t size;
        bool applies;
    } cut[] = {{"model.heads", s->heads, true},
               {"model.ffn", s->ffn, !all_have_experts(s)},
               {"moe.ffn", s->experts.ffn, s->experts.count > 0},
               {"model.sequence", s->sequence, config->tensor.sequence_parallel},
               {"model.kv_heads", kv_heads(s), kv_heads(s) > 1 && t % kv_heads(s)}};
    for (size_t i = 0; i < sizeof cut / sizeof *cut; i++) {
        *size = cut[i].size;
        if (cut[i].applies && cut[i].size % t) return cut[i].key;
    }
    return NULL;
}

bool config_check_schedule(const Config *config, Error *error)
{
    if (config_schedule(config) != SCHEDULE_KINDS || config_schedule_is_file(config)) return true;
    char list[128];
    words_join(list, sizeof list, schedule_name);
    const char *nearest = words_nearest(config->pipeline.schedule, schedule_name);
    return config_refuse(config, "parallel.schedule", error,
                         "not one of %s, nor the path of a file that ends in .csv; try %s", list,
                         nearest ? nearest : schedule_name[SCHEDULE_1F1B]);
}

void config_even_layers(int64_t layers, int stages, char *text, size_t size)
{
    enum { SHOWN = 32 };
    text[0] = '\0';
    for (int i = 0; i < stages && stages <= SHOWN; i++)
        words_append(text, size, "%s%lld", i ? "," : "", (long long)stage_blocks(layers, stages, NULL, i));
}

bool config_check_layers(const Config *config, int stages, const char *what, Error *error)
{
    const NumberList *given = &config->pipeline.layers;
    int64_t layers = config->model.shape.layers, sum = 0;
    char even[256], fits[320];
    if (given->count == 0) return true;
    for (int i = 0; i < given->count; i++) sum += given->number[i];
    config_even_layers(layers, stages, even, sizeof even);
    snprintf(fits, sizeof fits, *even ? "parallel.layers_per_stage = %s" : "leaving it out", even);
    if (given->count != stages)
        return config_refuse(config, "parallel.layers_per_stage", error, "%d number%s for %s; try %s",
                             given->count, given->count == 1 ? "" : "s", what, fits);
    if (sum != layers)
        return config_refuse(config, config_blame(config, "parallel.layers_per_stage", "model.layers"), error,
                             "parallel.layers_per_stage sums to %lld, and model.layers = %lld; try %s, or "
                             "model.layers = %lld",
                             (long long)sum, (long long)layers, fits, (long long)sum);
    return true;
}

static bool check_pipeline(const Config *config, Error *error)
{
    int64_t pp = config->pipeline.size, v = config->pipeline.virtual_stages, stages = pp * v;
    ScheduleKind kind = config_schedule(config);
    Error why;
    Shape any = {.v = (int)v, .p = 1, .m = 1}; /* whether the kind takes so many stages a rank */
    if (kind != SCHEDULE_KINDS && !schedule_possible(kind, any, &why))
        return config_refuse(config, config_blame(config, "parallel.virtual_stages", "parallel.schedule"),
                             error, "%s", why.text);
    if (config->model.shape.layers < stages)
        return config_refuse(
            config, config_blame(config, v > 1 ? "parallel.virtual_stages" : "parallel.pp", "model.layers"),
            error,
            "%lld layers cannot fill pp x virtual_stages = %lld x %lld = %lld stages; "
            "try model.layers = %lld, or fewer stages",
            (long long)config->model.shape.layers, (long long)pp, (long long)v, (long long)stages,
            (long long)stages);
    char what[96];
    snprintf(what, sizeof what, "pp x virtual_stages = %lld x %lld = %lld stages", (long long)pp,
             (long long)v, (long long)stages);
    return config_schedule_is_file(config) || config_check_layers(config, (int)stages, what, error);
}

/* Half of it would have no effect. */
static bool check_quantize(const Config *config, Error *error)
{
    if (config->parallel.kind != DATA_DDP || config->parallel.quantize != QUANTIZE_BOTH) return true;
    return config_refuse(config, config_blame(config, "parallel.quantize", "parallel.data"), error,
                         "ddp holds whole parameters and sends none; try parallel.quantize = gradients, or "
                         "parallel.data = zero1");
}

/* What a chip and its node must tell has no default: a machine made of another's numbers would be neither. */
static bool check_machine(const Config *config, Error *error)
{
    char file[CONFIG_PATH + 16];
    if (config->hardware.profile != PROFILE_MACHINE) return true;
    config_profile_file(config, file, sizeof file);
    for (int i = 0; i < CONFIG_ROWS; i++) {
        const ConfigRow *row = config_row_at(i);
        bool tells = strcmp(row->section, "chip") == 0 || strcmp(row->section, "node") == 0;
        if (!tells || row->type == ROW_TEXT || *row->fallback || config->origin[i] != ORIGIN_DEFAULT)
            continue;
        return error_set(error, "%s: %s.%s: not given (%s); try %s = %s", file, row->section, row->key,
                         row->help, row->key, row->example);
    }
    return true;
}

static bool taken(Config *trial, int ranks)
{
    (void)ranks;
    int64_t size;
    if (trial->model.whole_heads) trial->model.shape.kv_heads = trial->model.shape.heads;
    return config_check(trial, NULL) && !config_uncut(trial, &size);
}

bool config_check(const Config *config, Error *error)
{
    return check_machine(config, error) && config_check_model(config, taken, error) &&
           config_check_moe(config, error) && check_pipeline(config, error) &&
           check_quantize(config, error) && check_train(config, error) && check_checkpoints(config, error) &&
           config_check_faults(config, error) && check_files(config, "", same_text, error);
}
