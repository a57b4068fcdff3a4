/* report.c - the closing report of a run, and `sim report RUN.h5`: both read the file. */
#include "sim/report/report.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/file/h5.h"
#include "sim/file/layout.h"
#include "sim/report/quoted.h"
#include "sim/report/time.h"
#include "sim/file/run_shape.h"
#include "sim/base/words.h"

typedef struct Table {
    char **name; /* of the columns */
    size_t columns, ranks;
    double *counted, *formula; /* [ranks][columns] */
} Table;

/* The least and the most of a column over ranks, as one text. */
static void range_text(const double *values, size_t ranks, size_t columns, size_t column, char *text,
                       size_t size)
{
    double least = values[column], most = least;
    char from[32], to[32];
    for (size_t r = 1; r < ranks; r++) {
        least = fmin(least, values[r * columns + column]);
        most = fmax(most, values[r * columns + column]);
    }
    words_bytes(least, from, sizeof from);
    words_bytes(most, to, sizeof to);
    if (strcmp(from, to) == 0)
        snprintf(text, size, "%s", to);
    else
        snprintf(text, size, "%s .. %s", from, to);
}

static const char *verdict(const Table *t, size_t column)
{
    bool known = false;
    for (size_t r = 0; r < t->ranks; r++) {
        double formula = t->formula[r * t->columns + column];
        if (isnan(formula)) continue;
        known = true;
        if (t->counted[r * t->columns + column] != formula) return "DIFFERS";
    }
    return known ? "equal on every rank" : "";
}

static void print_table(const Table *t, const char *title)
{
    printf("\n  %-24s %-26s %-26s\n", title, "counted", "formula");
    for (size_t c = 0; c < t->columns; c++) {
        bool any = false;
        for (size_t r = 0; r < t->ranks; r++)
            any |= t->counted[r * t->columns + c] > 0 || t->formula[r * t->columns + c] > 0;
        if (!any) continue;
        char counted[80], formula[80];
        range_text(t->counted, t->ranks, t->columns, c, counted, sizeof counted);
        range_text(t->formula, t->ranks, t->columns, c, formula, sizeof formula);
        printf("    %-22s %-26s %-26s %s\n", t->name[c], counted, formula, verdict(t, c));
    }
}

static void free_table(Table *t)
{
    if (t->name) h5_free_names(t->name, t->columns);
    free(t->counted);
    free(t->formula);
}

/* The bytes of the last finished step. */
static bool read_comm(H5 *file, size_t step, Table *t, Error *error)
{
    size_t dims[H5_MAX_RANK], steps;
    int rank;
    double *all = h5_read_numbers(file, "/comm/bytes_sent", &rank, dims, error);
    if (!all) return false;
    steps = dims[0];
    t->ranks = dims[1];
    t->columns = dims[2];
    size_t cells = t->ranks * t->columns, names = 0;
    if (step < steps) {
        t->counted = allocate(cells * sizeof *all);
        memcpy(t->counted, all + step * cells, cells * sizeof *all);
    }
    free(all);
    if (!t->counted)
        return error_set(error, "/comm/bytes_sent has %zu rows, /steps names step %zu", steps, step);
    t->name = h5_read_names(file, "/comm/purpose", &names, error);
    t->formula = h5_read_numbers(file, "/comm/theory_bytes", &rank, dims, error);
    return t->name && t->formula;
}

static bool read_memory(H5 *file, Table *t, Error *error)
{
    size_t dims[H5_MAX_RANK], names = 0;
    int rank;
    t->counted = h5_read_numbers(file, "/memory/peak", &rank, dims, error);
    if (!t->counted) return false;
    t->ranks = dims[0];
    t->columns = dims[1];
    t->name = h5_read_names(file, "/memory/category", &names, error);
    t->formula = h5_read_numbers(file, "/memory/theory", &rank, dims, error);
    return t->name && t->formula;
}

static double column_at(H5 *file, const char *path, size_t row)
{
    size_t dims[H5_MAX_RANK];
    int rank;
    Error ignored;
    double *values = h5_read_numbers(file, path, &rank, dims, &ignored), value = (double)NAN;
    if (values && row < dims[0]) value = values[row];
    free(values);
    return value;
}

/* Mean of the last tenth of a column's first `rows`: one step is noisy. */
static double tail_mean(H5 *file, const char *path, size_t rows)
{
    size_t dims[H5_MAX_RANK], count = rows >= 10 ? rows / 10 : 1;
    int rank;
    Error ignored;
    double *values = h5_read_numbers(file, path, &rank, dims, &ignored), sum = 0;
    for (size_t i = rows - count; values && i < rows; i++) sum += values[i] / (double)count;
    bool known = values != NULL;
    free(values);
    return known ? sum : (double)NAN;
}

/* Of a run whose gradients can overflow. */
static void print_skipped(H5 *file, size_t finished)
{
    char precision[16] = "";
    if (!h5_get_text(file, "/", "precision", precision, sizeof precision) || strcmp(precision, "fp16") != 0)
        return;
    size_t dims[H5_MAX_RANK], count = 0;
    int rank;
    Error ignored;
    double *skipped = h5_read_numbers(file, "/steps/skipped", &rank, dims, &ignored);
    for (size_t i = 0; skipped && i < finished; i++) count += skipped[i] > 0;
    if (skipped)
        printf("  overflows   %zu of %zu steps skipped, loss scale %.10g at the end\n", count, finished,
               column_at(file, "/steps/loss_scale", finished - 1));
    free(skipped);
}

/* How far the losses are from those of output.baseline, as far as that run went. */
static void print_difference(H5 *file, const char *baseline, size_t finished)
{
    size_t dims[H5_MAX_RANK], shared = 0;
    int rank;
    Error ignored;
    double *apart = h5_read_numbers(file, "/steps/loss_difference", &rank, dims, &ignored), most = 0;
    for (; apart && shared < finished && isfinite(apart[shared]); shared++)
        most = fmax(most, fabs(apart[shared]));
    free(apart);
    if (!shared) return;
    double mean = tail_mean(file, "/steps/loss_difference", shared),
           loss = tail_mean(file, "/steps/loss", shared);
    printf(
        "\n  baseline    %s, %zu steps: loss %+.2g in the last tenth (%+.2g %%), never more than %.2g apart",
        baseline, shared, mean, 100 * mean / (loss - mean), most);
}

static void print_loss(H5 *file, size_t finished)
{
    double entropy;
    printf("  loss        %.4f at the first step, %.4f at the last", column_at(file, "/steps/loss", 0),
           column_at(file, "/steps/loss", finished - 1));
    if (h5_get_number(file, "/", "entropy", &entropy)) {
        double tail = tail_mean(file, "/steps/loss", finished);
        printf("; floor %.4f (the data's entropy), last tenth %+.1f %% from it", entropy,
               100 * (tail / entropy - 1));
    }
    char quantized[32], baseline[512];
    if (run_shape_text(file, "parallel.quantize", quantized, sizeof quantized) &&
        strcmp(quantized, "none") != 0)
        printf("\n  quantised   %s, in 8 bits between replicas", quantized);
    if (run_shape_text(file, "output.baseline", baseline, sizeof baseline) && baseline[0])
        print_difference(file, baseline, finished);
    printf("\n  speed       %.0f tokens/s, %.1f ms a step (last tenth)\n",
           tail_mean(file, "/steps/tokens_per_second", finished),
           1e3 * tail_mean(file, "/steps/wall_time", finished));
}

static void print_totals(H5 *file, bool dry)
{
    static const struct {
        const char *path, *label;
    } rows[] = {{"/memory/peak_total", "peak of the sum"}, {"/memory/rss_peak", "process (RSS)"}};
    for (size_t i = 0; i < (dry ? 1 : sizeof rows / sizeof *rows); i++) {
        size_t dims[H5_MAX_RANK];
        int rank;
        char text[80];
        Error ignored;
        double *values = h5_read_numbers(file, rows[i].path, &rank, dims, &ignored);
        if (!values) continue;
        range_text(values, dims[0], 1, 0, text, sizeof text);
        printf("    %-22s %s\n", rows[i].label, text);
        free(values);
    }
}

static size_t finished_steps(H5 *file, Error *error)
{
    size_t dims[H5_MAX_RANK], finished = 0;
    int rank;
    double *step = h5_read_numbers(file, "/steps/step", &rank, dims, error);
    while (step && finished < dims[0] && step[finished] >= 0) finished++;
    free(step);
    return finished;
}

static bool report_file(H5 *file, const char *path, Error *error)
{
    double dry = 0, complete = 0, ranks = 0;
    char schema[LAYOUT_SCHEMA], strategy[32] = "";
    if (!layout_is_run(file, schema))
        return error_set(error, "%s is not a run file of sim (its schema is '%s')", path, schema);
    h5_get_number(file, "/", "dry", &dry);
    h5_get_number(file, "/", "complete", &complete);
    h5_get_number(file, "/", "ranks", &ranks);
    h5_get_text(file, "/config", "parallel.data", strategy, sizeof strategy);
    size_t finished = finished_steps(file, error);

    printf("\n%s: %s on %.0f ranks, %s\n", path, strategy, ranks,
           dry > 0        ? "dry: one step walked without numbers"
           : complete > 0 ? "complete"
                          : "not complete (running or stopped)");
    if (!report_grid(file, (int)ranks, error)) return false;
    if (finished == 0) {
        printf("  no finished step\n");
        return true;
    }
    if (dry == 0) {
        print_loss(file, finished);
        print_skipped(file, finished);
    }

    Table comm = {0}, memory = {0};
    bool ok = read_comm(file, finished - 1, &comm, error) && read_memory(file, &memory, error);
    if (ok) {
        print_table(&comm, "bytes sent a rank, step");
        print_table(&memory, "peak memory a rank");
        print_totals(file, dry > 0);
        report_quoted(file, (int)ranks);
        ok = report_breakdown(file, error);
    }
    if (ok) printf("\n  draw it     sim plot %s\n", path);
    free_table(&comm);
    free_table(&memory);
    return ok;
}

bool report_run(const char *path, Error *error)
{
    H5 *file = h5_open(path, error);
    if (!file) return false;
    bool ok = report_file(file, path, error);
    h5_close(file, NULL);
    fflush(stdout);
    return ok;
}
