/* checkpoint_check.c - whether a file, which anyone may have made, can be gone on from: what it says it is, the
 * keys that must be as they were, then the shape of every tensor. What no sim would have written so is damage; the rest
 * that does not fit is another run's. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/real.h"
#include "sim/base/words.h"
#include "sim/config/rows.h"
#include "sim/config/tokens.h"
#include "sim/file/checkpoint_file.h"
#include "sim/file/schema.h"

enum { VALUE = CONFIG_VALUE };

static bool is_checkpoint(H5 *file, Error *error)
{
    char said[SCHEMA_TEXT];
    if (!h5_check_object(file, "/", error)) return false;
    return schema_of(file, said) == SCHEMA_CHECKPOINT ||
           error_set(error,
                     "%s: not a checkpoint: its attribute schema is not \"%s\"; try a file that "
                     "output.checkpoint wrote",
                     h5_path(file), schema_name[SCHEMA_CHECKPOINT]);
}

static bool is_of_this_sim(H5 *file, Error *error)
{
    char said[SCHEMA_TEXT];
    return schema_is(file, SCHEMA_CHECKPOINT, said) ||
           error_set(error,
                     "%s: a checkpoint of another sim: its attribute schema is \"%s\", not \"%s\"; try "
                     "the sim that wrote it",
                     h5_path(file), said, schema_name[SCHEMA_CHECKPOINT]);
}

static bool read_kind(H5 *file, H5Kind *kind, Error *error)
{
    char precision[16] = "";
    if (!h5_get_text(file, "/", "precision", precision, sizeof precision) ||
        (strcmp(precision, "fp32") != 0 && strcmp(precision, "fp64") != 0))
        return error_set(error, "%s: its attribute precision is neither fp32 nor fp64; is the file damaged?",
                         h5_path(file));
    *kind = strcmp(precision, "fp64") ? H5_F32 : H5_F64;
    return true;
}

/* Values are carried as they are. */
static bool check_build(H5 *file, H5Kind kind, Error *error)
{
    return kind == h5_real || error_set(error,
                                        "%s: its values are %s, and this sim computes in " REAL_NAME
                                        "; try the build that wrote it",
                                        h5_path(file), kind == H5_F32 ? "fp32" : "fp64");
}

/* A whole number from 0 up. */
static bool read_count(H5 *file, const char *name, int64_t *count, Error *error)
{
    double number;
    if (h5_get_number(file, "/", name, &number) && number >= 0 && number <= 9e18 && number == floor(number)) {
        *count = (int64_t)number;
        return true;
    }
    return error_set(error, "%s: its attribute %s is missing or no count; is the file damaged?",
                     h5_path(file), name);
}

static bool read_state(H5 *file, CheckpointState *s, Error *error)
{
    char data[32] = "", *end;
    int64_t scaled = 0;
    if (!read_count(file, "step", &s->step, error) || !read_count(file, "updates", &s->updates, error) ||
        !read_count(file, "next_sample", &s->next_sample, error) ||
        !read_count(file, "loss_scale_fine", &s->fine, error) ||
        !read_count(file, "loss_scaled", &scaled, error))
        return false;
    s->scaled = scaled > 0;
    bool ok = h5_get_number(file, "/", "loss_scale", &s->loss_scale) && s->loss_scale > 0 &&
              isfinite(s->loss_scale) && h5_get_text(file, "/", "run", s->run, sizeof s->run) &&
              h5_get_text(file, "/", "data", data, sizeof data);
    s->data = strtoull(data, &end, 16);
    return (ok && end > data && !*end && s->updates <= s->step) ||
           error_set(error, "%s: its attributes are not a checkpoint's; is the file damaged?", h5_path(file));
}

/* ---- tensors ---- */

typedef struct Check {
    H5 *file;
    const Config *config;
    Error *error;
} Check;

static bool check_tensor(const Parameter *p, const char *path, int tensor, void *context)
{
    (void)tensor;
    const Check *c = context;
    size_t dims[H5_MAX_RANK];
    int rank = checkpoint_shape(p, dims);
    if (!h5_exists(c->file, path))
        return error_set(c->error, "%s: it has no tensor %s; is the file damaged?", h5_path(c->file), path);
    return h5_check_array(c->file, path, h5_real, rank, dims, c->error);
}

/* ---- keys ---- */

static bool is_one_of(const char *key, const char *const *keys, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(key, keys[i]) == 0) return true;
    return false;
}

/* Of [model] all but what sets others, what only begins a run, and what computes the same in another way; of [moe] what
 * a token meets, as capacities, losses and biases are of training, and ways of dispatch compute the same. */
static bool must_be_as_it_was(const char *key)
{
    static const char *const free_keys[] = {"model.preset", "model.init", "model.attention", "model.dropout"};
    static const char *const met[] = {"moe.experts",        "moe.top_k",           "moe.ffn",
                                      "moe.shared_experts", "moe.first_dense",     "moe.every",
                                      "moe.router",         "moe.normalise_top_k", "moe.route_scale",
                                      "moe.groups",         "moe.groups_limited"};
    if (is_one_of(key, free_keys, sizeof free_keys / sizeof *free_keys)) return false;
    return strncmp(key, "model.", 6) == 0 || is_one_of(key, met, sizeof met / sizeof *met) ||
           (config_decides_tokens(key) && strcmp(key, "data.source") != 0);
}

static bool has_keys(const Check *c)
{
    char key[64], mine[VALUE], theirs[VALUE];
    for (int i = 0; config_row(c->config, i, key, sizeof key, mine, sizeof mine); i++)
        if (must_be_as_it_was(key) && !h5_get_text(c->file, "/config", key, theirs, sizeof theirs))
            return error_set(c->error, "%s: it does not say with which %s it was made; is the file damaged?",
                             h5_path(c->file), key);
    return true;
}

/* A shape's numbers say nothing where there is nothing of that shape, and who chose that is a key of its own. */
static bool is_idle(const Config *config, int row, const char *key)
{
    return (strncmp(key, "model.", 6) == 0 || strncmp(key, "moe.", 4) == 0) &&
           !config_row_applies(config_row_at(row), config);
}

static bool check_keys(const Check *c)
{
    char key[64], mine[VALUE], theirs[VALUE], shown[96];
    for (int i = 0; config_row(c->config, i, key, sizeof key, mine, sizeof mine); i++) {
        if (!must_be_as_it_was(key) || is_idle(c->config, i, key)) continue;
        h5_get_text(c->file, "/config", key, theirs, sizeof theirs);
        if (strcmp(mine, theirs) == 0) continue;
        words_show(shown, sizeof shown, theirs);
        return error_set(c->error, "%s: it was made with %s = %s, and this run has %s; try %s = %s",
                         h5_path(c->file), key, shown, mine, key, shown);
    }
    return true;
}

/* Whether there is what this run's optimizer goes on with, where it was made with another. */
static bool check_optimizer(const Check *c)
{
    char group[CHECKPOINT_PATH], mine[VALUE], theirs[32];
    config_row_format(config_row_at(config_row_named("train.optimizer")), c->config, mine, sizeof mine);
    if (!h5_get_text(c->file, "/config", "train.optimizer", theirs, sizeof theirs)) strcpy(theirs, mine);
    for (int part = 1; part < checkpoint_parts(c->config) && strcmp(mine, theirs) != 0; part++) {
        checkpoint_group(c->config, part, group);
        if (!h5_exists(c->file, group))
            return error_set(c->error, "%s: it has no %s, as it was made with train.optimizer = %s; try that",
                             h5_path(c->file), group, theirs);
    }
    return true;
}

/* What experts are balanced by goes on with the biases that are in the file, or has none. */
static bool check_balance(const Check *c)
{
    char mine[VALUE], theirs[VALUE] = "none", shown[96];
    const bool biases = h5_exists(c->file, "/buffers"), wanted = has_expert_bias(&c->config->model.shape);
    if (biases == wanted) return true;
    config_row_format(config_row_at(config_row_named("moe.balance")), c->config, mine, sizeof mine);
    h5_get_text(c->file, "/config", "moe.balance", theirs, sizeof theirs);
    words_show(shown, sizeof shown, theirs);
    return error_set(c->error,
                     "%s: it was made with moe.balance = %s and has %s of experts, and this run has %s; "
                     "try moe.balance = %s",
                     h5_path(c->file), shown, biases ? "biases" : "no biases", mine, shown);
}

static bool check_data(const Check *c, const CheckpointState *s, uint64_t data)
{
    char source[CONFIG_PATH] = "";
    h5_get_text(c->file, "/config", "data.source", source, sizeof source);
    bool markov = strcmp(source, "markov") == 0;
    if (markov != data_is_markov(&c->config->data) || s->data != data) {
        char shown[96];
        words_show(shown, sizeof shown, source);
        return error_set(c->error,
                         "%s: it was trained on data.source = %s, %s%s; try the text it was trained on",
                         h5_path(c->file), shown,
                         markov != data_is_markov(&c->config->data)
                             ? "and this run has "
                             : "which holds another text now than then, or this is another: ",
                         c->config->data.source);
    }
    return true;
}

/* Samples follow from the step: those of this config must go on where the file's end. */
static bool check_place(const Check *c, const CheckpointState *s)
{
    int64_t batch = c->config->train.global_batch;
    return (s->step <= INT64_MAX / batch && s->step * batch == s->next_sample) ||
           error_set(
               c->error,
               "%s: %lld steps of %lld samples are done, and its next sample is %lld; is the file damaged?",
               h5_path(c->file), (long long)s->step, (long long)batch, (long long)s->next_sample);
}

bool checkpoint_state(H5 *file, CheckpointState *state, H5Kind *kind, Error *error)
{
    return is_checkpoint(file, error) && is_of_this_sim(file, error) && read_kind(file, kind, error) &&
           read_state(file, state, error);
}

CheckpointFit checkpoint_check(H5 *file, const Gpt *gpt, const Config *config, uint64_t data,
                               CheckpointState *state, Error *error)
{
    Check c = {file, config, error};
    H5Kind kind = h5_real;
    if (!is_checkpoint(file, error)) return CHECKPOINT_DAMAGED;
    if (!is_of_this_sim(file, error)) return CHECKPOINT_REFUSED;
    if (!read_kind(file, &kind, error) || !read_state(file, state, error) || !has_keys(&c))
        return CHECKPOINT_DAMAGED;
    if (!check_build(file, kind, error) || !check_keys(&c) || !check_data(&c, state, data) ||
        !check_optimizer(&c) || !check_balance(&c))
        return CHECKPOINT_REFUSED;
    state->unused = checkpoint_parts(config) == 1 && h5_exists(file, "/optimizer");
    bool whole = check_place(&c, state) && checkpoint_each(gpt, config, check_tensor, &c);
    return whole ? CHECKPOINT_FITS : CHECKPOINT_DAMAGED;
}
