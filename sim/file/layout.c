/* layout.c - the run file "sim-run/1": its layout as a table, and its skeleton. */
#include "sim/file/layout.h"
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "models/machine/tensor.h"
#include "sim/base/version.h"
#include "sim/config/rows.h"

static const char layout_schema[] = "sim-run/1";
const char layout_step[] = "/step";

/* Axes: s = step, r = rank, p = purpose, c = category, b = part, a = action; none: one number. What has s as
 * its axis grows. */
typedef struct Dataset {
    const char *path, *axes;
    H5Kind kind;
    const char *units, *long_name;
} Dataset;

/* netCDF looks for scales beside or above a dataset, so they stand at the root. */
static const Dataset step_scale = {layout_step, "s", H5_I64, "1", "training step, from 0; -1: not finished"};
static const Dataset rank_scale = {"/rank", "r", H5_I32, "1", "MPI rank"};
static const Dataset action_scale = {"/action", "a", H5_I32, "1", "row of /timeline/actions"};

static const Dataset datasets[] = {
    {"/steps/loss", "s", H5_F64, "1", "mean cross-entropy, nats per token"},
    {"/steps/grad_norm", "s", H5_F64, "1", "global gradient norm before clipping"},
    {"/steps/learning_rate", "s", H5_F64, "1", "learning rate of the step"},
    {"/steps/tokens", "s", H5_I64, "1", "tokens trained on in the step, all ranks"},
    {"/steps/wall_time", "s", H5_F64, "s", "measured wall time of the step, slowest rank"},
    {"/steps/tokens_per_second", "s", H5_F64, "s-1", "measured throughput of the step, all ranks"},
    {"/steps/simulated_time", "s", H5_F64, "s", "simulated time of the step, until the last rank ended"},
    {"/steps/loss_scale", "s", H5_F64, "1", "what the loss was multiplied by for backward"},
    {"/steps/loss_difference", "s", H5_F64, "1",
     "loss minus that of output.baseline, nats per token; NaN: none"},
    {"/steps/skipped", "s", H5_I64, "1", "1 where a gradient overflowed and the weights stayed as they were"},
    {"/comm/bytes_sent", "srp", H5_U64, "byte", "payload handed to the network by a rank in a step"},
    {"/comm/messages", "srp", H5_U64, "1", "messages sent by a rank in a step"},
    {"/comm/theory_bytes", "rp", H5_F64, "byte", "payload a rank sends in one step by the formula"},
    {"/comm/bytes_outside", "rp", H5_U64, "byte", "payload sent before the first step and after the last"},
    {"/comm/messages_outside", "rp", H5_U64, "1", "messages sent before the first step and after the last"},
    {"/memory/peak", "rc", H5_U64, "byte", "most bytes allocated at a time, by category"},
    {"/memory/peak_total", "r", H5_U64, "byte", "most bytes allocated at a time, all categories together"},
    {"/memory/theory", "rc", H5_F64, "byte", "peak by the formula; NaN: there is none"},
    {"/memory/rss_peak", "r", H5_U64, "byte", "peak resident set size of the rank's process"},
    {"/pipeline/bubble_ratio_simulated", "r", H5_F64, "1", "share of the last step a rank idles, simulated"},
    {"/pipeline/bubble_ratio_measured", "r", H5_F64, "1",
     "the same from measured CPU times, as if each rank had a core of its own; NaN: unknown"},
    {"/pipeline/bubble_ratio_theory", "", H5_F64, "1",
     "the same by the schedule's formula; NaN: there is none"},
    {"/breakdown/simulated", "rb", H5_F64, "s", "where a rank's simulated time of the last step went"},
    {"/timeline/memory", "ac", H5_U64, "byte", "bytes the rank held as the action ended, by category"},
    {"/timeline/memory_peak", "a", H5_U64, "byte", "most bytes it held while the action ran, all categories"},
};
enum { DATASETS = sizeof datasets / sizeof *datasets };

#define NUMBER(name, kind)                                 \
    {                                                      \
#name, offsetof(TimelineRow, name), false, kind, 0 \
    }
#define TEXT(name)                                                                  \
    {                                                                               \
#name, offsetof(TimelineRow, name), true, 0, sizeof((TimelineRow *)0)->name \
    }
static const H5Field action_fields[] = {
    NUMBER(rank, H5_I32),
    TEXT(action),
    NUMBER(stage, H5_I32),
    NUMBER(microbatch, H5_I32),
    TEXT(lane),
    NUMBER(simulated_start, H5_F64),
    NUMBER(simulated_end, H5_F64),
    NUMBER(recompute, H5_F64),
    NUMBER(communication, H5_F64),
    NUMBER(measured_start, H5_F64),
    NUMBER(measured_end, H5_F64),
    NUMBER(measured_compute, H5_F64),
};
enum { ACTION_FIELDS = sizeof action_fields / sizeof *action_fields };

/* The file under way, and how long its axes are. */
typedef struct Layout {
    H5 *file;
    const RunInfo *info;
    size_t rows;
} Layout;

static size_t axis_length(const Layout *l, char axis)
{
    switch (axis) {
    case 's': return l->rows;
    case 'r': return (size_t)l->info->ranks;
    case 'p': return PURPOSES;
    case 'a': return (size_t)l->info->actions;
    case 'b': return PARTS;
    default: return MEMORY_CATEGORIES;
    }
}

static const char *axis_scale(char axis)
{
    switch (axis) {
    case 's': return layout_step;
    case 'r': return "/rank";
    case 'p': return "/purpose";
    case 'a': return "/action";
    case 'b': return "/part";
    default: return "/category";
    }
}

static bool make_dataset(const Layout *l, const Dataset *d, bool is_scale, Error *error)
{
    H5Array array = {.path = d->path, .units = d->units, .long_name = d->long_name, .kind = d->kind};
    array.rank = (int)strlen(d->axes);
    array.grows = d->axes[0] == 's';
    array.fill = d->kind == H5_U64 ? 0 : -1;
    for (int i = 0; i < array.rank; i++) {
        array.dims[i] = axis_length(l, d->axes[i]);
        array.scales[i] = is_scale ? NULL : axis_scale(d->axes[i]);
    }
    return h5_array(l->file, &array, error) && (!is_scale || h5_make_scale(l->file, d->path, error));
}

/* ---- the skeleton ---- */

static bool write_header(const Layout *l, const Config *config, Error *error)
{
    const RunInfo *info = l->info;
    char created[32], title[CONFIG_PATH + 32];
    const time_t now = time(NULL);
    struct tm utc;
    strftime(created, sizeof created, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    snprintf(title, sizeof title, "sim run of %s", config->name);
    size_t history_size = strlen(created) + strlen(info->command_line) + 3;
    char *history = allocate(history_size);
    snprintf(history, history_size, "%s: %s", created, info->command_line);

    const struct {
        const char *name, *text;
    } texts[] = {
        {"schema", layout_schema},
        {"sim_version", SIM_VERSION},
        {"created", created},
        {"command_line", info->command_line},
        {"precision", config_precision_name(config)},
        {"Conventions", "CF-1.10"},
        {"title", title},
        {"source", "sim " SIM_VERSION},
        {"history", history},
    };
    const struct {
        const char *name;
        int64_t value;
    } integers[] = {
        {"ranks", info->ranks},
        {"parameters", info->parameters},
        {"dry", info->dry},
        {"complete", 0},
    };
    bool ok = true;
    for (size_t i = 0; i < sizeof texts / sizeof *texts && ok; i++)
        ok = h5_set_text(l->file, "/", texts[i].name, texts[i].text, error);
    for (size_t i = 0; i < sizeof integers / sizeof *integers && ok; i++)
        ok = h5_set_integer(l->file, "/", integers[i].name, integers[i].value, error);
    if (ok && !isnan(info->entropy)) ok = h5_set_number(l->file, "/", "entropy", info->entropy, error);
    free(history);
    return ok;
}

static bool write_config(const Layout *l, const Config *config, Error *error)
{
    char key[128], value[CONFIG_PATH + 64];
    for (int i = 0; config_row(config, i, key, sizeof key, value, sizeof value); i++)
        if (!h5_set_text(l->file, "/config", key, value, error)) return false;
    return h5_write_text(l->file, "/config/ini", "the ini file as given", config->text, error);
}

/* A scale that counts 0, 1, 2, ... */
static bool make_numbered(const Layout *l, const Dataset *scale, Error *error)
{
    size_t count = axis_length(l, scale->axes[0]);
    int32_t *numbers = allocate(count * sizeof *numbers);
    for (size_t i = 0; i < count; i++) numbers[i] = (int32_t)i;
    bool ok = make_dataset(l, scale, true, error) &&
              h5_write(l->file, scale->path, 0, count, H5_I32, numbers, error);
    free(numbers);
    return ok;
}

static bool make_scales(const Layout *l, Error *error)
{
    const char *names[PURPOSES];
    for (int p = 0; p < PURPOSES; p++) names[p] = purpose_row[p].name;
    if (!make_dataset(l, &step_scale, true, error) || !make_numbered(l, &rank_scale, error) ||
        !make_numbered(l, &action_scale, error) ||
        !h5_names(l->file, "/purpose", "why bytes were sent", names, PURPOSES, error) ||
        !h5_names(l->file, "/part", "what simulated time was spent on", part_name, PARTS, error) ||
        !h5_names(l->file, "/category", "what memory was for", memory_category_name, MEMORY_CATEGORIES,
                  error))
        return false;
    /* second names for the same datasets, where a reader of one group looks */
    return h5_link(l->file, layout_step, "/steps/step", error) &&
           h5_link(l->file, "/purpose", "/comm/purpose", error) &&
           h5_link(l->file, "/category", "/memory/category", error) &&
           h5_link(l->file, "/category", "/timeline/category", error) &&
           h5_link(l->file, "/part", "/breakdown/part", error);
}

bool layout_is_run(H5 *file, char schema[LAYOUT_SCHEMA])
{
    schema[0] = '\0';
    return h5_get_text(file, "/", "schema", schema, LAYOUT_SCHEMA) && strcmp(schema, layout_schema) == 0;
}

bool layout_write_actions(H5 *file, const TimelineRow *rows, size_t count, Error *error)
{
    return h5_table_write(file, "/timeline/actions", action_fields, ACTION_FIELDS, sizeof *rows, count, rows,
                          error);
}

static bool make_timeline(const Layout *l, Error *error)
{
    size_t rows = (size_t)l->info->actions;
    if (!h5_table(l->file, "/timeline/actions", "s",
                  "one step's actions, times since it began; rank -1: unused row", action_scale.path,
                  action_fields, ACTION_FIELDS, sizeof(TimelineRow), rows, error) ||
        !h5_set_integer(l->file, "/timeline", "step", -1, error))
        return false;
    const TimelineRow nothing = {.rank = -1,
                                 .stage = -1,
                                 .microbatch = -1,
                                 .simulated_start = NAN,
                                 .simulated_end = NAN,
                                 .recompute = NAN,
                                 .communication = NAN,
                                 .measured_start = NAN,
                                 .measured_end = NAN,
                                 .measured_compute = NAN};
    TimelineRow *unused = allocate(rows * sizeof *unused);
    for (size_t i = 0; i < rows; i++) unused[i] = nothing;
    bool ok = layout_write_actions(l->file, unused, rows, error);
    free(unused);
    return ok;
}

bool layout_create(H5 *file, const RunInfo *info, const Config *config, size_t rows, Error *error)
{
    static const char *const groups[] = {"/config",   "/steps",     "/comm",    "/memory",
                                         "/pipeline", "/breakdown", "/timeline"};
    const Layout l = {file, info, rows};
    bool ok = write_header(&l, config, error);
    for (size_t i = 0; i < sizeof groups / sizeof *groups && ok; i++) ok = h5_group(file, groups[i], error);
    ok = ok && write_config(&l, config, error) && make_scales(&l, error) && make_timeline(&l, error);
    for (int i = 0; i < DATASETS && ok; i++) ok = make_dataset(&l, &datasets[i], false, error);
    size_t ranks = (size_t)info->ranks;
    return ok && h5_write(file, "/comm/theory_bytes", 0, ranks, H5_F64, info->theory_bytes, error) &&
           h5_write(file, "/memory/theory", 0, ranks, H5_F64, info->theory_memory, error);
}

bool layout_extend(H5 *file, size_t rows, Error *error)
{
    bool ok = h5_extend(file, layout_step, rows, error);
    for (int i = 0; i < DATASETS && ok; i++)
        if (datasets[i].axes[0] == 's') ok = h5_extend(file, datasets[i].path, rows, error);
    return ok;
}
