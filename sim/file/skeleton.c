/* skeleton.c - a run file before its first step: every attribute, scale and dataset, filled with nothing. */
#include "sim/file/skeleton.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/lanes.h"
#include "models/machine/tensor.h"
#include "parallel/network/network.h"
#include "parallel/wire/purpose.h"
#include "sim/base/version.h"
#include "sim/config/rows.h"
#include "sim/file/checksums.h"
#include "sim/file/config_record.h"
#include "sim/file/layout.h"
#include "sim/file/schema.h"
#include "sim/file/step_record.h"

/* The file under way, and how long its axes are. */
typedef struct Skeleton {
    H5 *file;
    const RunInfo *info;
    const Config *config;
    LayoutSizes sizes;
} Skeleton;

static bool make_dataset(const Skeleton *s, const LayoutDataset *d, bool is_scale, Error *error)
{
    H5Array array = {.path = d->path, .units = d->units, .long_name = d->long_name, .kind = d->kind};
    array.rank = layout_shape(d, &s->sizes, array.dims);
    array.grows = d->axes[0] == 's' || (d->axes[0] == 'h' && s->info->dry);
    array.fill = d->kind == H5_U64 ? 0 : -1;
    array.unfilled = array.summed = d->axes[0] == 'a';
    for (int i = 0; i < array.rank && !is_scale; i++) array.scales[i] = layout_axis_scale(d->axes[i]);
    return h5_array(s->file, &array, error) && (!is_scale || h5_make_scale(s->file, d->path, error));
}

static bool write_header(const Skeleton *s, const Config *config, Error *error)
{
    const RunInfo *info = s->info;
    char created[UTC_TEXT], title[CONFIG_PATH + 32];
    if (!schema_write(s->file, SCHEMA_RUN, created, error)) return false;
    snprintf(title, sizeof title, "sim run of %s", config->name);
    size_t history_size = strlen(created) + strlen(info->command_line) + 3;
    char *history = allocate(history_size);
    snprintf(history, history_size, "%s: %s", created, info->command_line);

    const struct {
        const char *name, *text;
    } texts[] = {
        {"command_line", info->command_line}, {"precision", config_precision_name(config)},
        {"Conventions", "CF-1.10"},           {"title", title},
        {"source", "sim " SIM_VERSION},       {"history", history},
    };
    const struct {
        const char *name;
        int64_t value;
    } integers[] = {
        {"ranks", info->ranks}, {"parameters", info->parameters},
        {"dry", info->dry},     {"given_rows", info->given_rows},
        {"complete", 0},
    };
    bool ok = true;
    for (size_t i = 0; i < sizeof texts / sizeof *texts && ok; i++)
        ok = h5_set_text(s->file, "/", texts[i].name, texts[i].text, error);
    for (size_t i = 0; i < sizeof integers / sizeof *integers && ok; i++)
        ok = h5_set_integer(s->file, "/", integers[i].name, integers[i].value, error);
    if (ok && info->products) ok = h5_set_text(s->file, "/", "products", info->products, error);
    if (ok && info->threads > 0) ok = h5_set_integer(s->file, "/", "threads", info->threads, error);
    if (ok && info->host) ok = h5_set_text(s->file, "/", "host", info->host, error);
    if (ok && info->hosts) ok = h5_set_text(s->file, "/", "hosts", info->hosts, error);
    if (ok && info->hosts)
        ok = h5_set_integer(s->file, "/", "tensor_groups_across_hosts", info->across, error);
    if (ok && !isnan(info->entropy)) ok = h5_set_number(s->file, "/", "entropy", info->entropy, error);
    free(history);
    return ok;
}

/* A scale that counts 0, 1, 2, ...; or names the ranks that are recorded, or the layers with experts. */
static bool write_numbers(const Skeleton *s, const LayoutDataset *scale, Error *error)
{
    const GptShape *shape = &s->config->model.shape;
    size_t count = layout_axis(&s->sizes, scale->axes[0]);
    int32_t *numbers = allocate(count * sizeof *numbers);
    const int *rank = scale->axes[0] == 'r' ? s->info->rank : NULL;
    for (size_t i = 0; i < count; i++) numbers[i] = rank ? rank[i] : (int32_t)i;
    size_t found = 0;
    for (int64_t layer = 1; scale->axes[0] == 'y' && layer <= shape->layers; layer++)
        if (has_experts(shape, layer)) numbers[found++] = (int32_t)(layer - 1);
    const bool any = scale->axes[0] != 's' && scale->axes[0] != 'h'; /* as they come to be used */
    bool ok = !any || h5_write(s->file, scale->path, 0, count, H5_I32, numbers, error);
    free(numbers);
    return ok;
}

static bool make_scales(const Skeleton *s, Error *error)
{
    /* second names for the same datasets, where a reader of one group looks */
    static const char *const links[][2] = {
        {layout_step, "/steps/step"},        {"/purpose", "/comm/purpose"}, {"/category", "/memory/category"},
        {"/category", "/timeline/category"}, {"/part", "/breakdown/part"},  {"/kind", "/work/kind"},
        {"/purpose", "/links/purpose"},      {"/route", "/links/route"}};
    bool ok = true;
    for (int i = 0; i < LAYOUT_SCALES && ok; i++) {
        const LayoutDataset *scale = &layout_datasets[i];
        ok = make_dataset(s, scale, true, error) && write_numbers(s, scale, error);
    }
    for (int i = 0; i < LAYOUT_NAMES && ok; i++) {
        const LayoutNames *n = &layout_names[i];
        const char **names = allocate(n->count * sizeof *names);
        for (size_t k = 0; k < n->count; k++) names[k] = n->name(k);
        ok = h5_names(s->file, n->path, n->long_name, names, n->count, error);
        free(names);
    }
    for (size_t i = 0; i < sizeof links / sizeof *links && ok; i++)
        ok = h5_link(s->file, links[i][0], links[i][1], error);
    return ok;
}

bool skeleton_no_actions(H5 *file, size_t rows, Error *error)
{
    const TimelineRow nothing = {.rank = -1,
                                 .stage = -1,
                                 .microbatch = -1,
                                 .simulated_start = NAN,
                                 .simulated_end = NAN,
                                 .recompute = NAN,
                                 .communication = NAN,
                                 .held = -1,
                                 .measured_start = NAN,
                                 .measured_end = NAN,
                                 .measured_compute = NAN};
    enum { BLOCK = 1024 }; /* rows at a time */
    TimelineRow *unused = allocate(BLOCK * sizeof *unused);
    for (size_t i = 0; i < BLOCK; i++) unused[i] = nothing;
    bool ok = h5_set_integer(file, "/timeline", "step", -1, error);
    for (size_t first = 0; ok && first < rows; first += BLOCK)
        ok = h5_table_write(file, layout_actions, layout_action_row(false), first,
                            rows - first < BLOCK ? rows - first : BLOCK, unused, error);
    free(unused);
    return ok;
}

/* A dry run has one step, or few: its rows, most of its file, are written once, as it ends. */
static bool make_timeline(const Skeleton *s, Error *error)
{
    size_t rows = (size_t)s->info->actions;
    const H5Table actions = {.path = layout_actions,
                             .units = "s",
                             .long_name = "one step's actions, times since it began; rank -1: unused row",
                             .scale = layout_axis_scale('a'),
                             .row = layout_action_row(s->info->dry),
                             .rows = rows,
                             .unfilled = true,
                             .summed = s->info->dry};
    return h5_table(s->file, &actions, error) && skeleton_no_actions(s->file, s->info->dry ? 0 : rows, error);
}

size_t skeleton_ranks(const RunInfo *info)
{
    return (size_t)(info->rank ? info->recorded : info->ranks);
}

/* Of those that tell rows of experts apart: of how many replicas, and microbatches of each. */
static void count_rows(const RunInfo *info, const Config *config, LayoutSizes *sizes)
{
    if (!step_record_rows(config, info->ranks)) return;
    sizes->replicas = (size_t)config_mesh(config, info->ranks).dp;
    sizes->microbatches = (size_t)config_microbatches(config, info->ranks);
}

size_t skeleton_rows_bytes(const RunInfo *info, const Config *config)
{
    if (!step_record_rows(config, info->ranks)) return 0;
    return step_record_rows_of_all(config, info->ranks) * sizeof(int32_t);
}

size_t skeleton_held(const RunInfo *info)
{
    enum { FEW = 128 };
    const size_t actions = (size_t)info->actions;
    return info->dry && actions > FEW ? FEW : actions;
}

/* What only a model with experts has. */
static bool make_moe(const Skeleton *s, Error *error)
{
    bool ok = h5_group(s->file, "/moe", error) && h5_link(s->file, layout_step, "/moe/step", error);
    for (int i = LAYOUT_DATASETS; i < LAYOUT_ALL && ok; i++) {
        const LayoutDataset *d = &layout_datasets[i];
        bool is_scale = i < LAYOUT_DATASETS + LAYOUT_MOE_SCALES;
        bool apart = strchr(d->axes, 'd') || strchr(d->axes, 'm');
        if (apart && !s->sizes.replicas) continue;
        ok = make_dataset(s, d, is_scale, error) && (!is_scale || write_numbers(s, d, error));
    }
    return ok;
}

bool skeleton_create(H5 *file, const RunInfo *info, const Config *config, size_t rows, Error *error)
{
    static const char *const groups[] = {"/steps",     "/comm",     "/memory", "/pipeline",
                                         "/breakdown", "/timeline", "/work",   "/links"};
    const size_t ranks = skeleton_ranks(info);
    const GptShape *shape = &config->model.shape;
    Skeleton s = {file,
                  info,
                  config,
                  {rows, ranks, (size_t)info->actions, skeleton_held(info), PURPOSES, MEMORY_CATEGORIES,
                   PARTS, WORK_KINDS, ROUTES, (size_t)layers_with_experts(shape, 1, shape->layers),
                   (size_t)shape->experts.count, 0, 0}};
    count_rows(info, config, &s.sizes);
    bool ok = write_header(&s, config, error);
    for (size_t i = 0; i < sizeof groups / sizeof *groups && ok; i++) ok = h5_group(file, groups[i], error);
    ok = ok && config_record(file, config, error) && make_scales(&s, error) && make_timeline(&s, error);
    for (int i = LAYOUT_SCALES; i < LAYOUT_DATASETS && ok; i++)
        ok = make_dataset(&s, &layout_datasets[i], false, error);
    ok = ok && (!s.sizes.experts || make_moe(&s, error));
    return ok && checksums_make(file, error) &&
           h5_write(file, "/comm/theory_bytes", 0, ranks, H5_F64, info->theory_bytes, error) &&
           h5_write(file, "/memory/theory", 0, ranks, H5_F64, info->theory_memory, error) &&
           (!info->theory_copy ||
            h5_write(file, "/memory/checkpoint_theory", 0, ranks, H5_F64, info->theory_copy, error)) &&
           (!info->theory_links ||
            h5_write(file, "/links/theory_bytes", 0, ROUTES, H5_F64, info->theory_links, error));
}

bool skeleton_extend(H5 *file, size_t rows, Error *error)
{
    bool ok = true;
    int datasets = h5_exists(file, "/moe") ? LAYOUT_ALL : LAYOUT_DATASETS;
    for (int i = 0; i < datasets && ok; i++)
        if (layout_datasets[i].axes[0] == 's' &&
            (!layout_is_optional(&layout_datasets[i]) || h5_exists(file, layout_datasets[i].path)))
            ok = h5_extend(file, layout_datasets[i].path, rows, error);
    return ok;
}
