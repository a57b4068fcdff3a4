/* recorder.c - the run file "sim-run/1": its layout as a table, and the order
 * of writes that keeps every finished step readable. */
#include "sim/recorder.h"
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include "models/tensor.h"
#include "sim/files.h"
#include "sim/h5.h"
#include "sim/version.h"

enum {
    BLOCK_ROWS = 1024,     /* allocated at first, unless fewer steps are planned */
    BLOCK_BYTES = 64 << 20 /* or a row is so large that this holds fewer */
};

static const char SCHEMA[] = "sim-run/1";

struct Recorder {
    H5 *file; /* NULL between the old file and its larger copy */
    char *path;
    int ranks, actions;
    size_t planned, rows, done; /* steps: asked for, allocated, written */
    dev_t device;               /* which file ours is: to notice when another takes its name */
    ino_t inode;
};

/* ---- the layout ---- */

/* Axes: s = step, r = rank, p = purpose, c = category, a = action. What has s as its axis grows. */
typedef struct Dataset {
    const char *path, *axes;
    H5Kind kind;
    const char *units, *long_name;
} Dataset;

/* netCDF looks for scales beside or above a dataset, so they stand at the root. */
static const Dataset step_scale = {"/step", "s", H5_I64, "1", "training step, from 0; -1: not finished"};
static const Dataset rank_scale = {"/rank", "r", H5_I32, "1", "MPI rank"};
static const Dataset action_scale = {"/action", "a", H5_I32, "1", "row of /timeline/actions"};

static const Dataset datasets[] = {
    {"/steps/loss", "s", H5_F64, "1", "mean cross-entropy, nats per token"},
    {"/steps/grad_norm", "s", H5_F64, "1", "global gradient norm before clipping"},
    {"/steps/learning_rate", "s", H5_F64, "1", "learning rate of the step"},
    {"/steps/tokens", "s", H5_I64, "1", "tokens trained on in the step, all ranks"},
    {"/steps/wall_time", "s", H5_F64, "s", "measured wall time of the step, slowest rank"},
    {"/steps/tokens_per_second", "s", H5_F64, "s-1", "measured throughput of the step, all ranks"},
    {"/comm/bytes_sent", "srp", H5_U64, "byte", "payload handed to the network by a rank in a step"},
    {"/comm/messages", "srp", H5_U64, "1", "messages sent by a rank in a step"},
    {"/comm/theory_bytes", "rp", H5_F64, "byte", "payload a rank sends in one step by the formula"},
    {"/comm/bytes_outside", "rp", H5_U64, "byte", "payload sent before the first step and after the last"},
    {"/comm/messages_outside", "rp", H5_U64, "1", "messages sent before the first step and after the last"},
    {"/memory/peak", "rc", H5_U64, "byte", "most bytes allocated at a time, by category"},
    {"/memory/peak_total", "r", H5_U64, "byte", "most bytes allocated at a time, all categories together"},
    {"/memory/theory", "rc", H5_F64, "byte", "peak by the formula; NaN: there is none"},
    {"/memory/rss_peak", "r", H5_U64, "byte", "peak resident set size of the rank's process"},
};
enum { DATASETS = sizeof datasets / sizeof *datasets };

static const H5Field action_fields[] = {
    {"rank", offsetof(TimelineRow, rank), false, H5_I32, 0},
    {"action", offsetof(TimelineRow, action), true, 0, sizeof((TimelineRow *)0)->action},
    {"stage", offsetof(TimelineRow, stage), false, H5_I32, 0},
    {"microbatch", offsetof(TimelineRow, microbatch), false, H5_I32, 0},
    {"lane", offsetof(TimelineRow, lane), true, 0, sizeof((TimelineRow *)0)->lane},
    {"measured_start", offsetof(TimelineRow, measured_start), false, H5_F64, 0},
    {"measured_end", offsetof(TimelineRow, measured_end), false, H5_F64, 0},
};
enum { ACTION_FIELDS = sizeof action_fields / sizeof *action_fields };

static size_t axis_length(const Recorder *r, char axis)
{
    switch (axis) {
    case 's': return r->rows;
    case 'r': return (size_t)r->ranks;
    case 'p': return PURPOSES;
    case 'a': return (size_t)r->actions;
    default: return MEMORY_CATEGORIES;
    }
}

static const char *axis_scale(char axis)
{
    switch (axis) {
    case 's': return "/step";
    case 'r': return "/rank";
    case 'p': return "/purpose";
    case 'a': return "/action";
    default: return "/category";
    }
}

static bool make_dataset(Recorder *r, const Dataset *d, bool is_scale, Error *error)
{
    H5Array array = {.path = d->path, .units = d->units, .long_name = d->long_name, .kind = d->kind};
    array.rank = (int)strlen(d->axes);
    array.grows = d->axes[0] == 's';
    array.fill = d->kind == H5_U64 ? 0 : -1;
    for (int i = 0; i < array.rank; i++) {
        array.dims[i] = axis_length(r, d->axes[i]);
        array.scales[i] = is_scale ? NULL : axis_scale(d->axes[i]);
    }
    return h5_array(r->file, &array, error) && (!is_scale || h5_make_scale(r->file, d->path, error));
}

/* ---- the skeleton ---- */

static bool write_header(Recorder *r, const RunInfo *info, const Config *config, Error *error)
{
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
        {"schema", SCHEMA},       {"sim_version", SIM_VERSION},
        {"created", created},     {"command_line", info->command_line},
        {"precision", REAL_NAME}, {"Conventions", "CF-1.10"},
        {"title", title},         {"source", "sim " SIM_VERSION},
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
        ok = h5_set_text(r->file, "/", texts[i].name, texts[i].text, error);
    for (size_t i = 0; i < sizeof integers / sizeof *integers && ok; i++)
        ok = h5_set_integer(r->file, "/", integers[i].name, integers[i].value, error);
    if (ok && !isnan(info->entropy)) ok = h5_set_number(r->file, "/", "entropy", info->entropy, error);
    free(history);
    return ok;
}

static bool write_config(Recorder *r, const Config *config, Error *error)
{
    char key[128], value[CONFIG_PATH + 64];
    for (int i = 0; config_row(config, i, key, sizeof key, value, sizeof value); i++)
        if (!h5_set_text(r->file, "/config", key, value, error)) return false;
    return h5_write_text(r->file, "/config/ini", "the ini file as given", config->text, error);
}

/* A scale that counts 0, 1, 2, ... */
static bool make_numbered(Recorder *r, const Dataset *scale, Error *error)
{
    size_t count = axis_length(r, scale->axes[0]);
    int32_t *numbers = allocate(count * sizeof *numbers);
    for (size_t i = 0; i < count; i++) numbers[i] = (int32_t)i;
    bool ok = make_dataset(r, scale, true, error) &&
              h5_write(r->file, scale->path, 0, count, H5_I32, numbers, error);
    free(numbers);
    return ok;
}

static bool make_scales(Recorder *r, Error *error)
{
    if (!make_dataset(r, &step_scale, true, error) || !make_numbered(r, &rank_scale, error) ||
        !make_numbered(r, &action_scale, error) ||
        !h5_names(r->file, "/purpose", "why bytes were sent", purpose_name, PURPOSES, error) ||
        !h5_names(r->file, "/category", "what memory was for", memory_category_name, MEMORY_CATEGORIES,
                  error))
        return false;
    /* second names for the same datasets, where a reader of one group looks */
    return h5_link(r->file, "/step", "/steps/step", error) &&
           h5_link(r->file, "/purpose", "/comm/purpose", error) &&
           h5_link(r->file, "/category", "/memory/category", error);
}

static bool make_timeline(Recorder *r, Error *error)
{
    size_t rows = (size_t)r->actions;
    if (!h5_table(r->file, "/timeline/actions", "s",
                  "one step's actions; starts and ends since the rank began the step; rank -1: unused row",
                  action_scale.path, action_fields, ACTION_FIELDS, sizeof(TimelineRow), rows, error) ||
        !h5_set_integer(r->file, "/timeline", "step", -1, error))
        return false;
    const TimelineRow nothing = {
        .rank = -1, .stage = -1, .microbatch = -1, .measured_start = NAN, .measured_end = NAN};
    TimelineRow *unused = allocate(rows * sizeof *unused);
    for (size_t i = 0; i < rows; i++) unused[i] = nothing;
    bool ok = h5_table_write(r->file, "/timeline/actions", action_fields, ACTION_FIELDS, sizeof nothing, rows,
                             unused, error);
    free(unused);
    return ok;
}

static bool make_skeleton(Recorder *r, const RunInfo *info, const Config *config, Error *error)
{
    static const char *const groups[] = {"/config", "/steps", "/comm", "/memory", "/timeline"};
    bool ok = write_header(r, info, config, error);
    for (size_t i = 0; i < sizeof groups / sizeof *groups && ok; i++)
        ok = h5_group(r->file, groups[i], error);
    ok = ok && write_config(r, config, error) && make_scales(r, error) && make_timeline(r, error);
    for (int i = 0; i < DATASETS && ok; i++) ok = make_dataset(r, &datasets[i], false, error);
    size_t ranks = (size_t)r->ranks;
    return ok && h5_write(r->file, "/comm/theory_bytes", 0, ranks, H5_F64, info->theory_bytes, error) &&
           h5_write(r->file, "/memory/theory", 0, ranks, H5_F64, info->theory_memory, error);
}

/* ---- opening ---- */

/* Everything but an empty file and a run that never finished a step. */
static bool worth_keeping(const char *path)
{
    struct stat there;
    if (stat(path, &there)) return !lstat(path, &there); /* a dangling link is kept too */
    if (!there.st_size) return false;
    H5 *file = h5_open(path, NULL);
    if (!file) return true;
    char schema[32];
    double complete;
    int rank;
    size_t dims[H5_MAX_RANK];
    double *steps = NULL;
    bool keep = !h5_get_text(file, "/", "schema", schema, sizeof schema) || strcmp(schema, SCHEMA) != 0 ||
                !h5_get_number(file, "/", "complete", &complete) || complete != 0 ||
                !(steps = h5_read_numbers(file, "/steps/step", &rank, dims, NULL)) ||
                (rank == 1 && dims[0] > 0 && steps[0] >= 0);
    free(steps);
    h5_close(file, NULL);
    return keep;
}

static bool publish(Recorder *r, Error *error)
{
    if (!h5_publish(r->file, error)) return false;
    struct stat ours;
    if (stat(r->path, &ours)) return error_set(error, "%s: has vanished as soon as it was written", r->path);
    r->device = ours.st_dev;
    r->inode = ours.st_ino;
    return true;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t first_rows(const Recorder *r)
{
    size_t row_bytes = 2 * (size_t)r->ranks * PURPOSES * sizeof(uint64_t);
    size_t rows = least(BLOCK_ROWS, BLOCK_BYTES / row_bytes);
    return rows > 0 ? rows : 1;
}

Recorder *recorder_open(const RunInfo *info, const Config *config, char *kept, size_t kept_size, Error *error)
{
    kept[0] = '\0';
    if (!files_prepare(info->path, error)) return NULL;
    Recorder *r = allocate_zeroed(1, sizeof *r);
    size_t path_size = strlen(info->path) + 1;
    r->path = memcpy(allocate(path_size), info->path, path_size);
    r->ranks = info->ranks;
    r->actions = info->actions;
    r->planned = (size_t)config->train.steps;
    if (info->dry) r->planned = least(r->planned, 1); /* a dry run walks one */
    r->rows = least(r->planned, first_rows(r));

    bool keep = worth_keeping(r->path);
    bool ok = (r->file = h5_create(r->path, error)) && make_skeleton(r, info, config, error) &&
              h5_flush(r->file, error) && (!keep || files_keep(r->path, kept, kept_size, error)) &&
              publish(r, error);
    if (ok) return r;
    recorder_abandon(r);
    return NULL;
}

/* ---- while it runs ---- */

/* Gives the columns `rows` rows, in a copy that replaces the file when it is
 * whole. Growing in place would rewrite the indices of all columns: a kill or
 * a full disk in between would cost the run. */
static bool resize(Recorder *r, size_t rows, Error *error)
{
    struct stat there;
    if (stat(r->path, &there) || there.st_dev != r->device || there.st_ino != r->inode)
        return error_set(error,
                         "%s: was moved, removed or replaced while this run recorded its first %zu steps in "
                         "it; give each run a file of its own with --output",
                         r->path, r->done);
    H5 *file = r->file;
    r->file = NULL;
    if (!h5_close(file, error) || !(r->file = h5_edit(r->path, error))) return false;
    r->rows = rows;
    bool ok = h5_extend(r->file, step_scale.path, rows, error);
    for (int i = 0; i < DATASETS && ok; i++)
        if (datasets[i].axes[0] == 's') ok = h5_extend(r->file, datasets[i].path, rows, error);
    return ok && publish(r, error);
}

bool recorder_step(Recorder *r, const StepRow *row, const uint64_t *bytes, const uint64_t *messages,
                   Error *error)
{
    if (r->done == r->rows) {
        size_t rows = 2 * r->rows > first_rows(r) ? 2 * r->rows : first_rows(r);
        if (r->planned > r->rows) rows = least(rows, r->planned);
        if (!resize(r, rows, error)) return false;
    }
    const double tokens_per_second = row->wall_time > 0 ? (double)row->tokens / row->wall_time : NAN;
    const struct {
        const char *path;
        H5Kind kind;
        const void *value;
    } cells[] = {
        {"/steps/loss", H5_F64, &row->loss},
        {"/steps/grad_norm", H5_F64, &row->grad_norm},
        {"/steps/learning_rate", H5_F64, &row->learning_rate},
        {"/steps/tokens", H5_I64, &row->tokens},
        {"/steps/wall_time", H5_F64, &row->wall_time},
        {"/steps/tokens_per_second", H5_F64, &tokens_per_second},
        {"/comm/bytes_sent", H5_U64, bytes},
        {"/comm/messages", H5_U64, messages},
    };
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
        if (!h5_write(r->file, cells[i].path, r->done, 1, cells[i].kind, cells[i].value, error)) return false;
    /* the step's number last: who sees it finds the rest of the row in the file */
    bool ok = h5_flush(r->file, error) &&
              h5_write(r->file, step_scale.path, r->done, 1, H5_I64, &row->step, error) &&
              h5_flush(r->file, error);
    if (ok) r->done++;
    return ok;
}

bool recorder_memory(Recorder *r, const uint64_t *peak, const uint64_t *peak_total, const uint64_t *rss,
                     Error *error)
{
    size_t ranks = (size_t)r->ranks;
    return h5_write(r->file, "/memory/peak", 0, ranks, H5_U64, peak, error) &&
           h5_write(r->file, "/memory/peak_total", 0, ranks, H5_U64, peak_total, error) &&
           h5_write(r->file, "/memory/rss_peak", 0, ranks, H5_U64, rss, error) && h5_flush(r->file, error);
}

bool recorder_timeline(Recorder *r, int64_t step, const TimelineRow *rows, int count, Error *error)
{
    if (count > r->actions)
        return error_set(error, "%s: %d actions in step %lld, room was made for %d", r->path, count,
                         (long long)step, r->actions);
    return h5_table_write(r->file, "/timeline/actions", action_fields, ACTION_FIELDS, sizeof *rows,
                          (size_t)count, rows, error) &&
           h5_flush(r->file, error) && h5_set_integer(r->file, "/timeline", "step", step, error) &&
           h5_flush(r->file, error);
}

bool recorder_outside(Recorder *r, const uint64_t *bytes, const uint64_t *messages, Error *error)
{
    size_t ranks = (size_t)r->ranks;
    return h5_write(r->file, "/comm/bytes_outside", 0, ranks, H5_U64, bytes, error) &&
           h5_write(r->file, "/comm/messages_outside", 0, ranks, H5_U64, messages, error) &&
           h5_flush(r->file, error);
}

/* ---- the end ---- */

static void forget(Recorder *r)
{
    free(r->path);
    free(r);
}

bool recorder_finish(Recorder *r, Error *error)
{
    if (r->done < r->rows && !resize(r, r->done, error)) return false;
    if (!h5_set_integer(r->file, "/", "complete", 1, error)) return false;
    H5 *file = r->file;
    r->file = NULL;
    if (!h5_close(file, error)) return false;
    forget(r);
    return true;
}

void recorder_abandon(Recorder *r)
{
    if (!r) return;
    h5_abandon(r->file);
    forget(r);
}
