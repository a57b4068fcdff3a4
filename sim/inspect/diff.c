/* diff.c - which files, what they say of themselves, and their configs; the rest by kind. */
#include "sim/inspect/diff.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/base/option.h"
#include "sim/base/standard.h"
#include "sim/base/words.h"
#include "sim/inspect/columns.h"
#include "sim/inspect/diff_runs.h"
#include "sim/inspect/diff_sweeps.h"
#include "sim/inspect/diff_tensors.h"
#include "sim/inspect/recorded_config.h"
#include "sim/inspect/show.h"

static const char help[] =
    "sim diff A.h5 B.h5 [--within PART] [--all]\n"
    "\n"
    "What two files of one kind differ in: runs, checkpoints, weights, gradients, sweeps or tables of\n"
    "sim goodput.\n"
    "    checkpoints, weights, gradients: the largest difference of each tensor, where it is, and how many\n"
    "              values differ; of checkpoints the step, loss scale and place in the data, too\n"
    "    runs      loss and gradient norm of the steps that both have, by step; bytes, memory, simulated\n"
    "              time: the largest difference of each dataset. Measured times are not compared, nor what\n"
    "              is sent outside the steps, which is told\n"
    "    goodput   each column; where they have the same intervals, row by row\n"
    "    sweeps    the keys; where these are the same, each column, and what fits in one alone\n"
    "Keys of the config that differ are told, and are no difference by themselves: a run in another file,\n"
    "or split in another way, may well compute the same.\n"
    "    --within PART  differences up to this part of the largest value in A are none (default 0)\n"
    "    --all          every tensor, dataset and step, also those that are equal\n"
    "\n"
    "    sim diff results/ddp.h5 results/zero3.h5\n"
    "    sim diff ck-000020.h5 other/ck-000020.h5 --within 1e-6\n"
    "Exit status: 0 no difference, 1 they differ, 2 one was refused, or both are of different kinds.\n";

typedef struct DiffRequest {
    Given given;
    DiffOptions options;
} DiffRequest;

static bool parse_within(const char *text, double *within, Error *error)
{
    char *end, shown[64];
    *within = strtod(text, &end);
    words_show(shown, sizeof shown, text);
    return (end > text && !*end && *within >= 0 && isfinite(*within)) ||
           error_set(error, "--within %s: not a number from 0 up; try --within 1e-6", shown);
}

static bool parse(DiffRequest *r, int argc, char **argv, Error *error)
{
    const char *within = NULL;
    const Option option[] = {{"--all", &r->options.all, NULL}, {"--within", NULL, &within}};
    const Given *g = &r->given;
    if (!options_read("diff", option, sizeof option / sizeof *option, argc, argv, &r->given, error) ||
        (within && !parse_within(within, &r->options.within, error)))
        return false;
    for (int i = 0; i < g->words; i++)
        if (!g->word[i][0]) return error_set(error, "a file's name is empty; try sim diff A.h5 B.h5");
    if (g->words > 2) return error_set(error, "%s: a third file; try two at a time", g->word[2]);
    return g->help || g->words == 2 ||
           error_set(error, "%s; try sim diff A.h5 B.h5, or sim diff --help",
                     g->words ? "one file alone is given" : "no files given");
}

/* ---- what they say of themselves ---- */

static const char *value_text(const char *value)
{
    return !value ? "not there" : value[0] ? value : "empty";
}

/* Keys that differ, and those that one has alone. */
static bool diff_configs(const Held *a, const Held *b, Error *error)
{
    RecordedConfig in_a = {.keys = 0}, in_b = {.keys = 0};
    Columns c = {.rows = 0};
    bool ok = recorded_config_read(&in_a, a->file, error) && recorded_config_read(&in_b, b->file, error);
    columns_row(&c, "config");
    columns_cell(&c, "in A");
    columns_cell(&c, "in B");
    for (size_t i = 0; ok && i < in_a.keys; i++) {
        const char *other = recorded_config_value(&in_b, in_a.key[i].key);
        if (other && strcmp(other, in_a.key[i].value) == 0) continue;
        columns_row(&c, "%s", in_a.key[i].key);
        columns_cell(&c, "%s", value_text(in_a.key[i].value));
        columns_cell(&c, "%s", value_text(other));
    }
    for (size_t i = 0; ok && i < in_b.keys; i++) {
        if (recorded_config_value(&in_a, in_b.key[i].key)) continue;
        columns_row(&c, "%s", in_b.key[i].key);
        columns_cell(&c, "%s", value_text(NULL));
        columns_cell(&c, "%s", value_text(in_b.key[i].value));
    }
    columns_print(&c);
    recorded_config_free(&in_a);
    recorded_config_free(&in_b);
    return ok;
}

static bool tell_number(Columns *c, const char *name, int64_t a, int64_t b)
{
    if (a == b) return false;
    columns_row(c, "%s", name);
    columns_cell(c, "%" PRId64, a);
    columns_cell(c, "%" PRId64, b);
    return true;
}

static bool tell_text(Columns *c, const char *name, const char *a, const char *b)
{
    if (strcmp(a, b) == 0) return false;
    columns_row(c, "%s", name);
    columns_cell(c, "%s", a);
    columns_cell(c, "%s", b);
    return true;
}

/* Where two checkpoints go on; whose run they are of makes no difference. */
static bool states_differ(const Held *a, const Held *b)
{
    const CheckpointState *x = &a->state, *y = &b->state;
    char scale[2][32], data[2][32];
    Columns c = {.rows = 0};
    columns_row(&c, "state");
    columns_cell(&c, "in A");
    columns_cell(&c, "in B");
    snprintf(scale[0], sizeof scale[0], "%.17g", x->loss_scale);
    snprintf(scale[1], sizeof scale[1], "%.17g", y->loss_scale);
    snprintf(data[0], sizeof data[0], "%016" PRIx64, x->data);
    snprintf(data[1], sizeof data[1], "%016" PRIx64, y->data);
    bool differ = tell_number(&c, "steps done", x->step, y->step);
    differ |= tell_number(&c, "updates", x->updates, y->updates);
    differ |= tell_number(&c, "next sample", x->next_sample, y->next_sample);
    differ |= tell_text(&c, "loss is scaled", x->scaled ? "yes" : "no", y->scaled ? "yes" : "no");
    differ |= tell_text(&c, "loss scale", scale[0], scale[1]);
    differ |= tell_number(&c, "steps since it changed", x->fine, y->fine);
    differ |= tell_text(&c, "mark of the text", data[0], data[1]);
    differ |=
        tell_text(&c, "values", a->real == H5_F64 ? "fp64" : "fp32", b->real == H5_F64 ? "fp64" : "fp32");
    columns_print(&c);
    return differ;
}

/* ---- all of it ---- */

static bool diff(const Held *a, const Held *b, const DiffOptions *options, bool *differ, Error *error)
{
    show_title(a);
    show_title(b);
    if (!diff_configs(a, b, error)) return false;
    switch (a->kind) {
    case SCHEMA_RUN: putchar('\n'); return diff_runs(a->run, b->run, options, differ, error);
    case SCHEMA_SWEEP: return diff_sweeps(a, b, options, differ, error);
    case SCHEMA_CHECKPOINT: *differ |= states_differ(a, b); return diff_tensors(a, b, options, differ, error);
    default: return diff_tensors(a, b, options, differ, error);
    }
}

static bool same_kind(const Held *a, const Held *b, Error *error)
{
    return a->kind == b->kind || error_set(error, "%s is %s, and %s is %s; try two of one kind", a->path,
                                           held_kind[a->kind], b->path, held_kind[b->kind]);
}

static int diff_files(const DiffRequest *r, Error *error)
{
    Held a = {.kind = SCHEMAS}, b = {.kind = SCHEMAS};
    bool differ = false;
    bool ok = held_open(&a, r->given.word[0], error) && held_open(&b, r->given.word[1], error) &&
              same_kind(&a, &b, error) && diff(&a, &b, &r->options, &differ, error);
    held_close(&a);
    held_close(&b);
    fflush(stdout);
    return !ok ? STATUS_BAD_REQUEST : differ ? STATUS_FAILED : STATUS_OK;
}

int diff_command(int argc, char **argv)
{
    DiffRequest request = {.given = {.help = false}};
    Error error;
    int status = parse(&request, argc, argv, &error) ? STATUS_OK : STATUS_BAD_REQUEST;
    if (status == STATUS_OK && request.given.help)
        fputs(help, stdout);
    else if (status == STATUS_OK)
        status = diff_files(&request, &error);
    if (status == STATUS_BAD_REQUEST) fprintf(stderr, "sim: diff: %s\n", error.text);
    return status;
}
