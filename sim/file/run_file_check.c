/* run_file_check.c - of all that a run file claims, before a value of it is looked at. */
#include "sim/file/run_file_check.h"
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "sim/file/checksums.h"
#include "sim/file/h5.h"
#include "sim/file/layout.h"
#include "sim/file/run_file_rows.h"
#include "sim/file/schema.h"

enum {
    RANKS_MOST = 1 << 24,
    NAMES_MOST = 256,
    NAME_BYTES = 64,
    INI_BYTES = 1 << 24,
};

static bool check_schema(RunFile *run, Error *error)
{
    char said[SCHEMA_TEXT];
    if (schema_is(run->file, SCHEMA_RUN, said)) return true;
    if (!said[0])
        return error_set(
            error,
            "%s: not a run file of this sim: its attribute schema is missing, or of variable length "
            "as in files before %s; record the run again",
            run->path, schema_name[SCHEMA_RUN]);
    switch (schema_of(run->file, said)) {
    case SCHEMA_RUN:
        return error_set(
            error,
            "%s: recorded by another version of sim: its attribute schema is \"%s\", not \"%s\"; "
            "record the run again",
            run->path, said, schema_name[SCHEMA_RUN]);
    case SCHEMA_SWEEP:
        return error_set(error, "%s: a sweep's table, not a run's file; try sim sweep %s", run->path,
                         run->path);
    case SCHEMA_GOODPUT:
        return error_set(error, "%s: a table of sim goodput, not a run's file; its chart lies beside it",
                         run->path);
    default:
        return error_set(
            error,
            "%s: not a run file of this sim: its attribute schema is \"%s\", not \"%s\"; give a file that "
            "a run recorded",
            run->path, said, schema_name[SCHEMA_RUN]);
    }
}

/* A whole number from `least` to `most`. */
static bool check_number(RunFile *run, const char *object, const char *name, double least, double most,
                         double *number, Error *error)
{
    if (!h5_get_number(run->file, object, name, number))
        return error_set(error, "%s: the attribute %s of %s is missing or no number; is the file damaged?",
                         run->path, name, object);
    if (*number >= least && *number <= most && *number == floor(*number)) return true;
    return error_set(error, "%s: the attribute %s of %s is %g, not %.0f to %.0f; is the file damaged?",
                     run->path, name, object, *number, least, most);
}

/* Unknown of a text. */
static bool check_entropy(RunFile *run, Error *error)
{
    if (!h5_get_number(run->file, "/", "entropy", &run->entropy)) run->entropy = (double)NAN;
    return isnan(run->entropy) || (run->entropy >= 0 && isfinite(run->entropy)) ||
           error_set(error, "%s: the attribute entropy of / is %g, which no data has; is the file damaged?",
                     run->path, run->entropy);
}

bool run_file_text(const RunFile *run, const char *object, const char *name, char *text, size_t size)
{
    char *raw = allocate(size);
    bool is = h5_get_text(run->file, object, name, raw, size);
    error_show(text, size, raw, is ? strlen(raw) : 0);
    free(raw);
    return is;
}

static bool check_attributes(RunFile *run, Error *error)
{
    double complete, dry, ranks, step, given;
    if (!check_number(run, "/", "complete", 0, 1, &complete, error) ||
        !check_number(run, "/", "dry", 0, 1, &dry, error) ||
        !check_number(run, "/", "given_rows", 0, 1, &given, error) ||
        !check_number(run, "/", "ranks", 1, RANKS_MOST, &ranks, error) ||
        !check_number(run, "/", "parameters", 0, 0x1p63, &run->parameters, error) ||
        !check_number(run, "/timeline", "step", -1, 0x1p53, &step, error))
        return false;
    run->complete = complete > 0;
    run->dry = dry > 0;
    run->given_rows = given > 0;
    run->ranks = (int)ranks;
    run->timed_step = step >= 0 ? step : (double)NAN;
    run->late_link_messages = run->late_messages = (double)NAN;
    h5_get_number(run->file, "/comm", "late_link_messages", &run->late_link_messages);
    h5_get_number(run->file, "/comm", "late_messages", &run->late_messages);
    run_file_text(run, "/", "precision", run->precision, sizeof run->precision);
    run_file_text(run, "/", "host", run->host, sizeof run->host);
    bool several = run_file_text(run, "/", "hosts", run->hosts, sizeof run->hosts);
    if (run_file_text(run, "/", "hosts_later", run->hosts_later, sizeof run->hosts_later) || several) {
        double across;
        if (!check_number(run, "/", "tensor_groups_across_hosts", 0, ranks, &across, error)) return false;
        run->across = (int)across;
    }
    return check_entropy(run, error);
}

/* How long an axis is whose scale alone says so. */
static bool length_of(RunFile *run, const char *scale, size_t *length, Error *error)
{
    int rank;
    size_t dims[H5_MAX_RANK];
    if (!h5_shape(run->file, scale, &rank, dims, error)) return false;
    if (rank != 1)
        return error_set(error, "%s: %s has %d dimensions, not 1; is the file damaged?", run->path, scale,
                         rank);
    *length = dims[0];
    return true;
}

static bool is_plain(const char *name)
{
    const char *at = name;
    while (isgraph((unsigned char)*at)) at++;
    return at > name && !*at;
}

static bool read_names(RunFile *run, const LayoutNames *names, char ***name, size_t *count, Error *error)
{
    if (!h5_check_texts(run->file, names->path, 1, NAMES_MOST, NAME_BYTES, count, error)) return false;
    *name = h5_read_names(run->file, names->path, count, error);
    for (size_t i = 0; *name && i < *count; i++)
        if (!is_plain((*name)[i]))
            return error_set(error,
                             "%s: name %zu of %s is empty or not of plain letters; is the file damaged?",
                             run->path, i, names->path);
    return *name != NULL;
}

/* How many layers have experts, and of how many, where the configuration says that there are any. */
static bool read_experts(RunFile *run, Error *error)
{
    char text[32] = "";
    h5_get_text(run->file, "/config", "moe.experts", text, sizeof text);
    if (strtol(text, NULL, 10) <= 0) return true;
    return length_of(run, layout_axis_scale('y'), &run->layers, error) &&
           length_of(run, layout_axis_scale('e'), &run->experts, error) &&
           (!run_file_has(run, layout_axis_scale('d')) ||
            length_of(run, layout_axis_scale('d'), &run->replicas, error)) &&
           (!run_file_has(run, layout_axis_scale('m')) ||
            length_of(run, layout_axis_scale('m'), &run->microbatches, error));
}

static bool check_datasets(RunFile *run, Error *error)
{
    const LayoutSizes sizes = run_file_sizes(run);
    size_t one;
    for (int i = 0; i < layout_count(&sizes); i++) {
        const LayoutDataset *d = &layout_datasets[i];
        size_t dims[H5_MAX_RANK];
        const int rank = layout_shape(d, &sizes, dims);
        if (layout_is_optional(d) && !run_file_has(run, d->path)) continue;
        if (!h5_check_array(run->file, d->path, d->kind, rank, dims, error)) return false;
    }
    return h5_check_table(run->file, layout_actions, layout_action_row(run->dry), run->actions, error) &&
           h5_check_texts(run->file, "/config/ini", 0, 1, INI_BYTES, &one, error);
}

static bool read_ranks(RunFile *run, Error *error)
{
    double *rank = run_file_first(run, layout_axis_scale('r'), (size_t)run->recorded, error);
    if (!rank) return false;
    run->rank = allocate((size_t)run->recorded * sizeof *run->rank);
    bool ok = true;
    for (int i = 0; ok && i < run->recorded; i++) {
        double least = i ? rank[i - 1] + 1 : 0, most = i ? run->ranks - 1 : 0;
        ok = rank[i] >= least && rank[i] <= most;
        run->rank[i] = ok ? (int)rank[i] : 0;
        if (!ok)
            error_set(error, "%s: row %d is of rank %g, not %.0f to %.0f; is the file damaged?", run->path, i,
                      rank[i], least, most);
    }
    free(rank);
    return ok;
}

/* The finished steps are the first rows that have a number, each one more than that before. */
static bool count_steps(RunFile *run, Error *error)
{
    double *step = run_file_first(run, layout_step, run->rows, error);
    bool good = step != NULL;
    while (good && run->steps < run->rows && step[run->steps] >= 0) {
        if (run->steps == 0) run->first = (int64_t)fmin(step[0], 0x1p53);
        good = step[run->steps] == (double)run->first + (double)run->steps;
        if (!good)
            error_set(error, "%s: row %zu of %s is %g; is the file damaged?", run->path, run->steps,
                      layout_step, step[run->steps]);
        run->steps++;
    }
    free(step);
    return good;
}

static bool check_sums(const RunFile *run, Error *error)
{
    return run->complete ? checksums_check(run->file, run->path, error) : checksums_try(run->file, error);
}

bool run_file_check(RunFile *run, bool sums, Error *error)
{
    Error split;
    size_t recorded = 0;
    if (!h5_check_object(run->file, "/", error) || !check_schema(run, error) ||
        !h5_check_object(run->file, "/config", error) || !h5_check_object(run->file, "/timeline", error) ||
        !check_attributes(run, error) || !length_of(run, layout_step, &run->rows, error) ||
        !length_of(run, layout_axis_scale('a'), &run->actions, error) ||
        !length_of(run, layout_axis_scale('h'), &run->held, error) ||
        !length_of(run, layout_axis_scale('r'), &recorded, error))
        return false;
    if (recorded < 1 || recorded > (size_t)run->ranks || (!run->dry && recorded < (size_t)run->ranks))
        return error_set(error, "%s: %zu rank%s recorded of %d; is the file damaged?", run->path, recorded,
                         recorded == 1 ? " is" : "s are", run->ranks);
    run->recorded = (int)recorded;
    for (int i = 0; i < LAYOUT_NAMES; i++) {
        const LayoutNames *n = &layout_names[i];
        const struct {
            char axis, ***name;
            size_t *count;
        } of[LAYOUT_NAMES] = {{'p', &run->purpose, &run->purposes},
                              {'c', &run->category, &run->categories},
                              {'b', &run->part, &run->parts},
                              {'k', &run->kind, &run->kinds},
                              {'l', &run->route, &run->routes}};
        for (int k = 0; k < LAYOUT_NAMES; k++)
            if (of[k].axis == n->axis && !read_names(run, n, of[k].name, of[k].count, error)) return false;
    }
    if (!read_experts(run, error) || !check_datasets(run, error) || (sums && !check_sums(run, error)))
        return false;
    if (!run_shape_read(&run->shape, run->file, run->ranks, &split))
        return error_set(error, "%s: %s; is the file damaged?", run->path, split.text);
    return read_ranks(run, error) && count_steps(run, error);
}
