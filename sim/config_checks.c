/* config_checks.c - values that are fine alone and do not go together. */
#include <stdlib.h>
#include <string.h>
#include "sim/config_rows.h"
#include "sim/pipeline.h"
#include "sim/words.h"

static int64_t at_least(int64_t value, int64_t least)
{
    return value > least ? value : least;
}

/* Which of two keys to blame: the one the user wrote, and of two the first. */
static const char *blame(const Config *config, const char *first, const char *second)
{
    int a = config->origin[config_row_named(first)], b = config->origin[config_row_named(second)];
    bool a_written = a != ORIGIN_DEFAULT && a != ORIGIN_PRESET;
    bool b_written = b != ORIGIN_DEFAULT && b != ORIGIN_PRESET;
    return b_written && !a_written ? second : first;
}

/* Divisors of `n`, ascending, as "1, 2, 4 or 8": those up to 16 nearest to `wanted`. */
static void list_divisors(int64_t n, int64_t wanted, char *text, size_t size)
{
    enum { MOST = 8, TRIED = 1 << 20 };
    int64_t found[MOST];
    int count = 0;
    for (int64_t d = 1; d <= n && d <= TRIED; d++) {
        if (n % d) continue;
        if (count < MOST) {
            found[count++] = d;
        } else if (llabs(d - wanted) < llabs(found[0] - wanted)) { /* nearer than the smallest one kept */
            memmove(found, found + 1, (MOST - 1) * sizeof *found);
            found[MOST - 1] = d;
        } else {
            break;
        }
    }
    text[0] = '\0';
    for (int i = 0; i < count; i++)
        words_append(text, size, "%s%lld", i == 0 ? "" : i + 1 == count ? " or " : ", ", (long long)found[i]);
}

static bool check_model(const Config *config, Error *error)
{
    const GptShape *s = &config->model.shape;
    bool markov = strcmp(config->data.source, "markov") == 0;
    if (s->hidden % s->heads) {
        char heads[256];
        list_divisors(s->hidden, s->heads, heads, sizeof heads);
        return config_refuse(config, blame(config, "model.heads", "model.hidden"), error,
                             "heads must divide hidden, and %lld / %lld = %.2f; try model.heads = %s",
                             (long long)s->hidden, (long long)s->heads, (double)s->hidden / (double)s->heads,
                             heads);
    }
    if (s->heads % s->kv_heads) {
        char heads[256];
        list_divisors(s->heads, s->kv_heads, heads, sizeof heads);
        return config_refuse(config, blame(config, "model.kv_heads", "model.heads"), error,
                             "kv_heads must divide heads, and %lld / %lld = %.2f; try model.kv_heads = %s",
                             (long long)s->heads, (long long)s->kv_heads,
                             (double)s->heads / (double)s->kv_heads, heads);
    }
    if (s->position == POSITION_ROPE && s->hidden / s->heads % 2)
        return config_refuse(
            config, blame(config, "model.position", "model.heads"), error,
            "rope turns pairs, and a head of hidden / heads = %lld / %lld = %lld numbers has "
            "no whole number of them; try model.hidden = %lld",
            (long long)s->hidden, (long long)s->heads, (long long)(s->hidden / s->heads),
            (long long)(s->hidden + s->heads));
    if (markov && s->vocab < 4)
        return config_refuse(
            config, "model.vocab", error,
            "the markov source has four tokens that can follow each; try model.vocab = 4 or more");
    if (!markov && s->vocab < 256)
        return config_refuse(config, blame(config, "model.vocab", "data.source"), error,
                             "a text is read as bytes, which are 256 tokens, and model.vocab = %lld; "
                             "try model.vocab = 256, or data.source = markov",
                             (long long)s->vocab);
    double L = (double)s->layers, h = (double)s->hidden, f = (double)s->ffn, V = (double)s->vocab;
    double matrices = L * (4 * h * h + 2 * h * f) + 2 * V * h + (double)s->sequence * h;
    if (matrices > 1e17) /* 16 bytes of each must fit into 2^63 with room to spare */
        return config_refuse(
            config, blame(config, "model.layers", "model.hidden"), error,
            "about %.1e parameters (%lld layers, hidden %lld, ffn %lld, vocab %lld), more than bytes "
            "can be counted for; try model.preset = gpt2-1558m for a large one",
            matrices, (long long)s->layers, (long long)s->hidden, (long long)s->ffn, (long long)s->vocab);
    return true;
}

/* BLAS counts rows and columns in 32 bits; the widest rows are 3 hidden, ffn or vocab. */
static bool check_matrices(const Config *config, int64_t microbatch, Error *error)
{
    const GptShape *s = &config->model.shape;
    int64_t tokens = microbatch * s->sequence,
            width = at_least(at_least(3 * s->hidden, inner_width(s)), s->vocab);
    if (tokens <= INT32_MAX && width <= INT32_MAX) return true;
    return config_refuse(
        config, blame(config, "train.microbatch", "model.sequence"), error,
        "%lld samples of %lld tokens at once are matrices of %lld x %lld, and BLAS counts to %d; "
        "try train.microbatch = %lld",
        (long long)microbatch, (long long)s->sequence, (long long)tokens, (long long)width, INT32_MAX,
        (long long)at_least(INT32_MAX / s->sequence / 16, 1));
}

static bool check_train(const Config *config, Error *error)
{
    if (config->train.precision != PRECISION_FP32 && sizeof(real) > sizeof(float))
        return config_refuse(config, "train.precision", error,
                             "this build computes and keeps everything in " REAL_NAME
                             "; try train.precision = fp32, or a build without REAL=double");
    int64_t steps = config->train.steps, batch = config->train.global_batch;
    if (steps > 0 && config->train.warmup > steps)
        return config_refuse(config, blame(config, "train.warmup", "train.steps"), error,
                             "warmup must fit into steps, and %lld > %lld; try train.warmup = %lld",
                             (long long)config->train.warmup, (long long)steps, (long long)(steps / 10));
    if (!check_matrices(config, config->train.microbatch, error)) return false;
    if ((double)steps * (double)batch * (double)config->model.shape.sequence > 9e18)
        return config_refuse(
            config, blame(config, "train.steps", "train.global_batch"), error,
            "%lld steps of %lld samples are more tokens than can be counted; try train.steps = 1000",
            (long long)steps, (long long)batch);
    return true;
}

/* What a run writes may not be what it reads, nor one file twice. */
static bool check_files(const Config *config, Error *error)
{
    const char *const keys[] = {"output.file", "output.weights",    "output.gradients", "model.init",
                                "data.source", "parallel.schedule", "output.baseline"};
    const char *const paths[] = {config->output.file,    config->output.weights, config->output.gradients,
                                 config->model.init,     config->data.source,    config->pipeline.schedule,
                                 config->output.baseline};
    for (int a = 0; a < 3; a++)
        for (int b = a + 1; b < 7; b++)
            if (*paths[a] && strcmp(paths[a], paths[b]) == 0)
                return config_refuse(config, blame(config, keys[a], keys[b]), error,
                                     "%s and %s are the same file; try another name for %s", keys[a], keys[b],
                                     keys[a]);
    return true;
}

static bool check_tensor(const Config *config, Error *error)
{
    const GptShape *s = &config->model.shape;
    const struct {
        const char *key;
        int64_t size;
        bool applies;
    } cut[] = {{"model.heads", s->heads, true},
               {"model.kv_heads", s->kv_heads, true},
               {"model.ffn", s->ffn, true},
               {"model.sequence", s->sequence, config->tensor.sequence_parallel}};
    for (size_t i = 0; i < sizeof cut / sizeof *cut; i++) {
        if (!cut[i].applies || cut[i].size % config->tensor.size == 0) continue;
        char list[256];
        list_divisors(cut[i].size, config->tensor.size, list, sizeof list);
        return config_refuse(config, blame(config, "parallel.tp", cut[i].key), error,
                             "tp = %lld does not divide %s = %lld; try parallel.tp = %s",
                             (long long)config->tensor.size, cut[i].key, (long long)cut[i].size, list);
    }
    if (config->tensor.sequence_parallel && config->tensor.size == 1)
        return config_refuse(
            config, "parallel.sequence_parallel", error,
            "there is no tensor parallelism to go with it, parallel.tp = 1; try parallel.tp = 2");
    return true;
}

static bool check_pipeline(const Config *config, Error *error)
{
    int64_t pp = config->pipeline.size, v = config->pipeline.virtual_stages, stages = pp * v;
    ScheduleKind kind = pipeline_kind(config);
    if (kind == SCHEDULE_KINDS && !pipeline_is_file(config)) {
        const char *names[SCHEDULE_KINDS + 1] = {NULL};
        char list[128];
        for (int k = 0; k < SCHEDULE_KINDS; k++) names[k] = schedule_name[k];
        words_join(list, sizeof list, names);
        const char *nearest = words_nearest(config->pipeline.schedule, names);
        return config_refuse(config, "parallel.schedule", error,
                             "not one of %s, nor the path of a file that ends in .csv; try %s", list,
                             nearest ? nearest : schedule_name[SCHEDULE_1F1B]);
    }
    Error why;
    Shape any = {.v = (int)v, .p = 1, .m = 1}; /* whether the kind takes so many stages a rank */
    if (kind != SCHEDULE_KINDS && !schedule_possible(kind, any, &why))
        return config_refuse(config, blame(config, "parallel.virtual_stages", "parallel.schedule"), error,
                             "%s", why.text);
    if (config->model.shape.layers < stages)
        return config_refuse(
            config, blame(config, v > 1 ? "parallel.virtual_stages" : "parallel.pp", "model.layers"), error,
            "%lld layers cannot fill pp x virtual_stages = %lld x %lld = %lld stages; "
            "try model.layers = %lld, or fewer stages",
            (long long)config->model.shape.layers, (long long)pp, (long long)v, (long long)stages,
            (long long)stages);
    if (config->parallel.reduce == REDUCE_MICROBATCH && config->parallel.kind < DATA_ZERO2)
        return config_refuse(
            config, blame(config, "parallel.reduce", "parallel.data"), error,
            "%s holds whole gradients, so they are summed once a step and sent once; try parallel.reduce = "
            "step, or parallel.data = zero2",
            config_data_name(config->parallel.kind));
    return true;
}

/* A key that changes nothing is a mistake. */
static bool check_quantize(const Config *config, Error *error)
{
    int kind = config->parallel.kind, quantize = config->parallel.quantize;
    const char *key = blame(config, "parallel.quantize", "parallel.data");
    if (kind == DATA_DP && quantize != QUANTIZE_NONE)
        return config_refuse(
            config, key, error,
            "dp copies from and to the main rank, nothing of it in 8 bits; try parallel.quantize = "
            "none, or parallel.data = ddp");
    if (kind == DATA_DDP && quantize == QUANTIZE_PARAMETERS)
        return config_refuse(
            config, key, error,
            "ddp holds whole parameters and sends none; try parallel.quantize = gradients, or "
            "parallel.data = zero1");
    return true;
}

bool config_check(const Config *config, Error *error)
{
    return check_model(config, error) && check_tensor(config, error) && check_pipeline(config, error) &&
           check_quantize(config, error) && check_train(config, error) && check_files(config, error);
}

/* Ranks that hold the model once. */
static int64_t replica_size(const Config *config)
{
    return config->pipeline.size * config->tensor.size;
}

int config_replicas(const Config *config, int ranks)
{
    return (int)(ranks / replica_size(config));
}

int config_microbatches(const Config *config, int ranks)
{
    return (int)(config->train.global_batch / (config_replicas(config, ranks) * config->train.microbatch));
}

/* What would fit instead: other batches, microbatches and rank counts, in words. */
static void list_fits(const Config *config, int ranks, char *text, size_t size)
{
    int64_t batch = config->train.global_batch, micro = at_least(config->train.microbatch, 1);
    int64_t at_once = ranks * micro, below = batch / at_once * at_once;
    char list[256];
    text[0] = '\0';
    words_append(text, size, "train.global_batch = ");
    if (below > 0) words_append(text, size, "%lld or ", (long long)below);
    words_append(text, size, "%lld", (long long)(below + at_once));
    if (!config->train.whole_share && batch % ranks == 0) {
        list_divisors(batch / ranks, micro, list, sizeof list);
        words_append(text, size, ", train.microbatch = %s", list);
    }
    if (batch % micro == 0) {
        list_divisors(batch / micro, ranks, list, sizeof list);
        const char *who = replica_size(config) > 1 ? "replica" : "rank";
        words_append(text, size, ", or %s %s%s", list, who, batch == micro ? "" : "s");
    }
}

static bool check_groups(const Config *config, int ranks, Error *error)
{
    int64_t group = replica_size(config), replicas = ranks / group;
    char product[96] = "", fewer[32] = "";
    if (ranks % group == 0) return true;
    if (replicas > 0) snprintf(fewer, sizeof fewer, "%lld or ", (long long)(replicas * group));
    if (config->pipeline.size > 1 && config->tensor.size > 1)
        snprintf(product, sizeof product, " (pp x tp = %lld x %lld)", (long long)config->pipeline.size,
                 (long long)config->tensor.size);
    const char *key = config->pipeline.size > 1 ? "parallel.pp" : "parallel.tp";
    return config_refuse(config, key, error,
                         "%d rank%s not divide into groups of %lld%s; try %s%lld ranks, or another %s", ranks,
                         ranks == 1 ? " does" : "s do", (long long)group, product, fewer,
                         (long long)(replicas + 1) * group, key);
}

/* That the batch divides; sets the microbatch where it is a whole share. */
static bool check_batch(Config *config, int ranks, Error *error)
{
    int replicas = config_replicas(config, ranks);
    if (config->train.whole_share) config->train.microbatch = 0;
    int64_t batch = config->train.global_batch, micro = config->train.microbatch;
    int64_t at_once = replicas * at_least(micro, 1);
    if (batch % at_once == 0) {
        if (config->train.whole_share) config->train.microbatch = batch / replicas;
        return true;
    }
    char fits[768], who[128], pp[48] = "", tp[48] = "";
    double microbatches = (double)batch / (double)at_once;
    list_fits(config, replicas, fits, sizeof fits);
    if (config->pipeline.size > 1)
        snprintf(pp, sizeof pp, ", parallel.pp = %lld", (long long)config->pipeline.size);
    if (config->tensor.size > 1)
        snprintf(tp, sizeof tp, ", parallel.tp = %lld", (long long)config->tensor.size);
    const char *s = replicas == 1 ? "" : "s";
    if (*pp || *tp)
        snprintf(who, sizeof who, "%d replica%s (%d ranks%s%s)", replicas, s, ranks, pp, tp);
    else
        snprintf(who, sizeof who, "%d rank%s", ranks, s);
    if (config->train.whole_share)
        return config_refuse(config, "train.global_batch", error,
                             "%lld samples do not divide over %s, %lld / %d = %.4g; try %s", (long long)batch,
                             who, (long long)batch, replicas, microbatches, fits);
    return config_refuse(config, blame(config, "train.global_batch", "train.microbatch"), error,
                         "%s with a microbatch of %lld take%s %lld samples at a time, and a step would need "
                         "%lld / (%d x %lld) = %.4g microbatches; try %s",
                         who, (long long)micro, replicas == 1 ? "s" : "", (long long)at_once,
                         (long long)batch, replicas, (long long)micro, microbatches, fits);
}

/* What makes as many microbatches as a schedule takes: whole groups of the pipeline's ranks. */
static void list_groups(const Config *config, ScheduleKind kind, Shape shape, int replicas, char *text,
                        size_t size)
{
    int64_t batch = config->train.global_batch, p = shape.p;
    text[0] = '\0';
    if (config->train.whole_share) { /* there is one, however large the batch */
        int64_t share = batch / replicas, fits = (share + p - 1) / p * p;
        if (fits > share)
            words_append(text, size, "train.global_batch = %lld and ", (long long)(fits * replicas));
        words_append(text, size, "train.microbatch = %lld", (long long)(fits / p));
        return;
    }
    int below = shape.m - shape.m % shape.p;
    for (int m = below; m <= below + shape.p; m += shape.p) {
        Shape fits = {.v = shape.v, .p = shape.p, .m = m};
        if (schedule_possible(kind, fits, NULL))
            words_append(text, size, "%s%lld",
                         text[0] ? " or " : "train.global_batch = ", (long long)(batch / shape.m * m));
    }
    if (!text[0]) words_append(text, size, "a larger train.microbatch");
}

/* A file is checked when it is read: pipeline_plan. */
static bool check_schedule(const Config *config, int ranks, Error *error)
{
    ScheduleKind kind = pipeline_kind(config);
    int replicas = config_replicas(config, ranks), m = config_microbatches(config, ranks);
    Shape shape = {.v = (int)config->pipeline.virtual_stages, .p = (int)config->pipeline.size, .m = m};
    Error why;
    if (kind == SCHEDULE_KINDS || schedule_possible(kind, shape, &why)) return true;
    char fits[160];
    list_groups(config, kind, shape, replicas, fits, sizeof fits);
    if (kind == SCHEDULE_INTERLEAVED)
        words_append(fits, sizeof fits, ", or parallel.schedule = 1f1b and parallel.virtual_stages = 1");
    return config_refuse(
        config, "parallel.schedule", error,
        "train.global_batch / (replicas x train.microbatch) = %lld / (%d x %lld) = %d: %s; try %s",
        (long long)config->train.global_batch, replicas, (long long)config->train.microbatch, m, why.text,
        fits);
}

bool config_check_ranks(Config *config, int ranks, Error *error)
{
    if (ranks < 1) return error_set(error, "%s: %d ranks; try 1 or more", config->name, ranks);
    return check_groups(config, ranks, error) && check_batch(config, ranks, error) &&
           check_matrices(config, config->train.microbatch, error) && check_schedule(config, ranks, error);
}
