/* report.c - the closing report of a run, and `sim report RUN.h5`: both read the file. */
#include "sim/report/report.h"
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/report/beside.h"
#include "sim/report/cache.h"
#include "sim/report/checkpoints.h"
#include "sim/report/dispatch.h"
#include "sim/report/experts.h"
#include "sim/report/faults.h"
#include "sim/report/fit.h"
#include "sim/report/links.h"
#include "sim/report/quoted.h"
#include "sim/report/time.h"
#include "sim/report/utilization.h"
#include "sim/base/tail.h"
#include "sim/base/words.h"

/* The bytes of the last finished step. */
static bool read_comm(const RunFile *run, BesideTable *t, Error *error)
{
    *t = (BesideTable){.name = run->purpose, .columns = run->purposes, .ranks = (size_t)run->recorded};
    t->counted = allocate(t->ranks * t->columns * sizeof *t->counted);
    t->formula = run_file_first(run, "/comm/theory_bytes", t->ranks, error);
    return t->formula && run_file_rows(run, "/comm/bytes_sent", run->steps - 1, 1, t->counted, error);
}

static bool read_memory(const RunFile *run, BesideTable *t, Error *error)
{
    *t = (BesideTable){.name = run->category, .columns = run->categories, .ranks = (size_t)run->recorded};
    t->counted = run_file_first(run, "/memory/peak", t->ranks, error);
    t->formula = t->counted ? run_file_first(run, "/memory/theory", t->ranks, error) : NULL;
    return t->formula != NULL;
}

/* What is told of /steps: [steps] each. */
typedef struct Columns {
    double *loss, *difference, *skipped, *loss_scale, *speed, *wall_time;
} Columns;

static void free_columns(Columns *c)
{
    double *const all[] = {c->loss, c->difference, c->skipped, c->loss_scale, c->speed, c->wall_time};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

static bool read_columns(const RunFile *run, Columns *c, Error *error)
{
    return (c->loss = run_file_first(run, "/steps/loss", run->steps, error)) &&
           (c->difference = run_file_first(run, "/steps/loss_difference", run->steps, error)) &&
           (c->skipped = run_file_first(run, "/steps/skipped", run->steps, error)) &&
           (c->loss_scale = run_file_first(run, "/steps/loss_scale", run->steps, error)) &&
           (c->speed = run_file_first(run, "/steps/tokens_per_second", run->steps, error)) &&
           (c->wall_time = run_file_first(run, "/steps/wall_time", run->steps, error));
}

/* Of a run whose gradients can overflow. */
static void add_skipped(Sheet *sheet, const RunFile *run, const Columns *c)
{
    size_t count = 0;
    if (strcmp(run->precision, "fp16") != 0) return;
    for (size_t i = 0; i < run->steps; i++) count += c->skipped[i] > 0;
    sheet_line(sheet, SHEET_FACT, "overflows");
    sheet_cell(sheet, "%zu of %zu step%s skipped, loss scale %.10g at the end", count, run->steps,
               words_s((int64_t)run->steps), c->loss_scale[run->steps - 1]);
}

/* How far the losses are from those of output.baseline, as far as that run went. */
static void add_difference(Sheet *sheet, const RunFile *run, const Columns *c, const char *baseline)
{
    size_t shared = 0;
    double most = 0;
    for (; shared < run->steps && isfinite(c->difference[shared]); shared++)
        most = fmax(most, fabs(c->difference[shared]));
    if (!shared) return;
    double mean = tail_mean(c->difference, shared), loss = tail_mean(c->loss, shared);
    sheet_line(sheet, SHEET_FACT, "baseline");
    sheet_cell(sheet, "%s, %zu step%s: loss %+.2g in the last tenth (%+.2g %%), never more than %.2g apart",
               baseline, shared, words_s((int64_t)shared), mean, 100 * mean / (loss - mean), most);
}

static void add_loss(Sheet *sheet, const RunFile *run, const Columns *c)
{
    const size_t steps = run->steps;
    sheet_line(sheet, SHEET_FACT, "loss");
    sheet_cell(sheet, "%.4f at the first step, %.4f at the last", c->loss[0], c->loss[steps - 1]);
    if (!isnan(run->entropy))
        sheet_more(sheet, "; floor %.4f (the data's entropy), last tenth %+.1f %% from it", run->entropy,
                   100 * (tail_mean(c->loss, steps) / run->entropy - 1));
    char quantized[32], baseline[512];
    if (run_file_config(run, "parallel.quantize", quantized, sizeof quantized) &&
        strcmp(quantized, "none") != 0) {
        sheet_line(sheet, SHEET_FACT, "quantised");
        sheet_cell(sheet, "%s, in 8 bits between replicas", quantized);
    }
    if (run_file_config(run, "output.baseline", baseline, sizeof baseline) && baseline[0])
        add_difference(sheet, run, c, baseline);
    sheet_line(sheet, SHEET_FACT, "speed");
    sheet_cell(sheet, "%.0f tokens/s, %.1f ms a step (last tenth)", tail_mean(c->speed, steps),
               1e3 * tail_mean(c->wall_time, steps));
}

/* Beside the largest peak, what the machine's accelerator has. */
static void add_capacity(Sheet *sheet, const RunFile *run, const double *peaks)
{
    char text[64], shown[32];
    double capacity, most = 0;
    if (!run->shape.machine || !run_file_config(run, "chip.memory_gb", text, sizeof text)) return;
    capacity = 1e9 * strtod(text, NULL);
    for (int r = 0; r < run->recorded; r++) most = fmax(most, peaks[r]);
    words_bytes(capacity, shown, sizeof shown);
    sheet_cell(sheet, "%s", "");
    sheet_cell(sheet, "%s %s", most > capacity ? "does not fit" : "fits", shown);
}

static bool add_totals(Sheet *sheet, const RunFile *run, Error *error)
{
    static const struct {
        const char *dataset, *label;
    } rows[] = {{"/memory/peak_total", "peak of the sum"}, {"/memory/rss_peak", "process (RSS)"}};
    for (size_t i = 0; i < (run->dry ? 1 : sizeof rows / sizeof *rows); i++) {
        char text[80];
        double *values = run_file_first(run, rows[i].dataset, (size_t)run->recorded, error);
        if (!values) return false;
        beside_range(values, (size_t)run->recorded, 1, 0, text, sizeof text);
        sheet_line(sheet, SHEET_ROW, rows[i].label);
        sheet_cell(sheet, "%s", text);
        if (i == 0) add_capacity(sheet, run, values);
        free(values);
    }
    return true;
}

static bool add_tables(Sheet *sheet, const RunFile *run, Error *error)
{
    BesideTable comm = {0}, memory = {0};
    bool ok = read_comm(run, &comm, error) && read_memory(run, &memory, error);
    if (ok) {
        beside_table(sheet, &comm, "bytes sent a rank, step");
        beside_table(sheet, &memory, "peak memory a rank");
    }
    free(comm.counted);
    free(comm.formula);
    free(memory.counted);
    free(memory.formula);
    return ok && add_totals(sheet, run, error) && report_copy(run, sheet, error);
}

void report_title(const RunFile *run, Sheet *sheet)
{
    char planned[64];
    sheet_line(sheet, SHEET_TITLE, run->path);
    sheet_more(sheet, ": %s on %d rank%s, ", run->shape.data, run->ranks, words_s(run->ranks));
    if (run->dry && run->steps > 1)
        sheet_more(sheet, "dry: %zu steps walked without numbers", run->steps);
    else if (run->dry)
        sheet_more(sheet, "dry: one step walked without numbers");
    else if (run->complete)
        sheet_more(sheet, "complete");
    else if (run_file_config(run, "train.steps", planned, sizeof planned))
        sheet_more(sheet, "%lld of %s step%s, running or stopped",
                   (long long)run->first + (long long)run->steps, planned,
                   words_s(strtoll(planned, NULL, 10)));
    else
        sheet_more(sheet, "%zu step%s, running or stopped", run->steps, words_s((int64_t)run->steps));
    if (run->first > 0) sheet_more(sheet, "; recorded from step %lld on", (long long)run->first + 1);
}

bool report_read(const RunFile *run, Sheet *sheet, Error *error)
{
    Columns columns = {0};
    report_title(run, sheet);
    if (!report_grid(run, sheet, error)) return false;
    report_hosts(run, sheet);
    report_cache(run, sheet);
    if (run->steps == 0) {
        sheet_line(sheet, SHEET_FACT, "no finished step");
        return true;
    }
    if (run->dry && run->shape.ideal) {
        sheet_line(sheet, SHEET_FACT, "seconds");
        sheet_cell(sheet, "none without a machine; try --set hardware.profile=h100-dgx");
    }
    if (!run->dry) {
        bool read = read_columns(run, &columns, error);
        if (read) {
            add_loss(sheet, run, &columns);
            add_skipped(sheet, run, &columns);
        }
        free_columns(&columns);
        if (!read || !report_checkpoints(run, sheet, error)) return false;
    }
    if (!report_experts(run, sheet, error) || !report_simulated(run, sheet, error) ||
        !report_faults(run, sheet, error) || !report_fit(run, sheet, error) ||
        !report_crossing(run, sheet, error) || !report_utilization(run, sheet, error) ||
        !add_tables(sheet, run, error) || !report_dispatch(run, sheet, error) ||
        !report_links(run, sheet, error))
        return false;
    report_quoted(run, sheet);
    return report_breakdown(run, sheet, error) && report_waiting(run, sheet, error);
}

static void print_command(const char *what, const char *command, const char *path)
{
    char quoted[4 * PATH_MAX];
    words_quote(quoted, sizeof quoted, path);
    printf("\n  %-10s  %s %s%s\n", what, command, path[0] == '-' ? "-- " : "", quoted);
}

bool report_run(const char *path, bool own, Error *error)
{
    RunFile *run = own ? run_file_look(path, error) : run_file_open(path, error);
    if (!run) return false;
    Sheet sheet = {.lines = 0};
    bool ok = report_read(run, &sheet, error);
    if (ok) {
        sheet_print(&sheet);
        if (run->steps) print_command("draw it", "sim plot", run->path);
    }
    sheet_free(&sheet);
    run_file_close(run);
    fflush(stdout);
    return ok;
}
