/* faults.c - a run's steps with its faults and without. */
#include "sim/report/faults.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/lanes.h"
#include "sim/base/quantile.h"
#include "sim/base/units.h"
#include "sim/base/words.h"
#include "sim/config/faults_read.h"

static void show(const RunFile *run, double seconds, bool measured, char *text, size_t size)
{
    unit_show(text, size, seconds, run->shape.ideal && !measured ? unit_of_forwards : unit_of_seconds);
}

/* The median of the values of steps that faults hold in, or of the others; and how many there are. */
static double median_of(const RunFile *run, const Faults *faults, const double *values, bool hold, int *count)
{
    double *some = allocate((run->steps + 1) * sizeof *some);
    *count = 0;
    for (size_t i = 0; i < run->steps; i++)
        if (faults_hold(faults, run->first + (int64_t)i) == hold) some[(*count)++] = values[i];
    double median = *count ? quantile_of(some, *count, 0.5) : (double)NAN;
    free(some);
    return median;
}

/* What all steps took more than as many of the shortest, which no fault held in, or the least. Of seconds that the same
 * program takes again. */
static void add_extra(const RunFile *run, Sheet *sheet, const double *values)
{
    char more[32], least[32];
    double shortest = INFINITY, sum = 0, steps = (double)run->steps;
    if (run->shape.measured) return;
    for (size_t i = 0; i < run->steps; i++) {
        shortest = fmin(shortest, values[i]);
        sum += values[i];
    }
    if (!(shortest > 0) || sum <= steps * shortest) return;
    show(run, sum - steps * shortest, false, more, sizeof more);
    show(run, shortest, false, least, sizeof least);
    sheet_more(sheet, "; %s more in all than %zu of the shortest, %s (%+.1f %%)", more, run->steps, least,
               100 * (sum / (steps * shortest) - 1));
}

static void compare(const RunFile *run, Sheet *sheet, const Faults *faults, const double *values,
                    bool measured)
{
    int with, without;
    double slow = median_of(run, faults, values, true, &with),
           well = median_of(run, faults, values, false, &without);
    char time[32];
    if (!(slow > 0)) return;
    show(run, slow, measured, time, sizeof time);
    sheet_line(sheet, SHEET_FACT, measured ? "measured" : "cost");
    sheet_cell(sheet, "%s a step%s with faults (median of %d)", time, measured ? "" : ", simulated,", with);
    if (well > 0) {
        show(run, well, measured, time, sizeof time);
        sheet_more(sheet, ", %s without (of %d): %+.1f %%", time, without, 100 * (slow / well - 1));
    }
    if (!measured) add_extra(run, sheet, values);
}

static double sum_of(const RunFile *run, const double *values, int64_t from)
{
    double sum = 0;
    for (size_t i = 0; i < run->steps; i++)
        if (run->first + (int64_t)i >= from) sum += values[i];
    return sum;
}

/* Steps that the newest checkpoint has which was in its place by the last; those before the run's first, where it went on
 * from one. */
static int64_t kept_of(const RunFile *run)
{
    int64_t kept = run->first;
    double *written = run_file_first(run, "/steps/checkpoint_written", run->steps, NULL);
    for (size_t i = 0; written && i < run->steps; i++)
        if (written[i] > 0) kept = run->first + (int64_t)i + 1;
    free(written);
    return kept;
}

/* Of a run that ended early: what is to be done again. */
static void tell_lost(const RunFile *run, Sheet *sheet, const double *values, bool measured)
{
    char checkpoint[512], every[32], time[32];
    int64_t done = run->first + (int64_t)run->steps, between = 0, kept = 0;
    if (run_file_config(run, "output.checkpoint", checkpoint, sizeof checkpoint) && *checkpoint &&
        run_file_config(run, "output.checkpoint_every", every, sizeof every))
        between = strtoll(every, NULL, 10);
    if (measured)
        kept = kept_of(run);
    else if (between > 0)
        kept = done - done % between;
    show(run, sum_of(run, values, kept), measured, time, sizeof time);
    if (kept > 0)
        sheet_more(sheet, "the checkpoint after step %lld has %lld of them, and ", (long long)kept,
                   (long long)kept);
    else
        sheet_more(sheet, "there is no checkpoint, and ");
    sheet_more(sheet, "%lld step%s, %s, are to be done again", (long long)(done - kept), words_s(done - kept),
               time);
}

static void tell_end(const RunFile *run, Sheet *sheet, const Faults *faults, const double *values,
                     bool measured)
{
    int64_t done = run->first + (int64_t)run->steps;
    bool died = faults->die_step == done + 1, full = !died && faults->full_step == done + 1;
    if (!died && !full) return;
    sheet_line(sheet, SHEET_FACT, died ? "death" : "full disk");
    if (died)
        sheet_cell(sheet, "rank %d at step %lld, after %lld: ", faults->die_rank, (long long)done + 1,
                   (long long)done);
    else
        sheet_cell(sheet, "at step %lld, after %lld: ", (long long)done + 1, (long long)done);
    tell_lost(run, sheet, values, measured);
}

/* ---- by rank ---- */

static bool is_computing(const char *part)
{
    return !strcmp(part, part_name[PART_COMPUTE]) || !strcmp(part, part_name[PART_RECOMPUTE]) ||
           !strcmp(part, part_name[PART_OPTIMIZER]);
}

typedef struct Spent {
    double computing, waiting;
} Spent;

static Spent spent_of(const RunFile *run, const double *seconds, int row)
{
    Spent spent = {0, 0};
    for (size_t i = 0; i < run->parts; i++) {
        double part = seconds[(size_t)row * run->parts + i];
        if (is_computing(run->part[i]))
            spent.computing += part;
        else
            spent.waiting += part;
    }
    return spent;
}

static void add_row(const RunFile *run, Sheet *sheet, const char *label, Spent spent)
{
    char computing[32], waiting[32];
    show(run, spent.computing, false, computing, sizeof computing);
    show(run, spent.waiting, false, waiting, sizeof waiting);
    sheet_line(sheet, SHEET_ROW, label);
    sheet_cell(sheet, "%s", computing);
    sheet_cell(sheet, "%s", waiting);
    sheet_cell(sheet, "%.1f %% of the step", 100 * spent.waiting / (spent.computing + spent.waiting));
}

/* All of them where they are few; else those that are slow, and the mean of the others. */
static void add_ranks(const RunFile *run, Sheet *sheet, const Faults *faults, const double *seconds)
{
    enum { FEW = 16 };
    Spent others = {0, 0};
    int count = 0;
    char label[64];
    if (isnan(run->timed_step) || !(spent_of(run, seconds, 0).computing > 0)) return;
    snprintf(label, sizeof label, "step %.0f, simulated", run->timed_step + 1);
    sheet_line(sheet, SHEET_HEAD, label);
    sheet_cell(sheet, "computing");
    sheet_cell(sheet, "waiting");
    for (int row = 0; row < run->recorded; row++) {
        Spent spent = spent_of(run, seconds, row);
        double slower = faults_slower(faults, run->rank[row], (int64_t)run->timed_step);
        if (run->recorded > FEW && !(slower > 0)) {
            others.computing += spent.computing;
            others.waiting += spent.waiting;
            count++;
            continue;
        }
        snprintf(label, sizeof label, "rank %d", run->rank[row]);
        if (slower > 0) words_append(label, sizeof label, " (x%.4g)", 1 + slower);
        add_row(run, sheet, label, spent);
    }
    if (count)
        add_row(run, sheet, "the others, mean", (Spent){others.computing / count, others.waiting / count});
}

/* ---- the whole ---- */

/* False where there are none, or none that can be read. */
static bool read_faults(const RunFile *run, FaultTexts *texts, Faults *faults)
{
    const char *ignored;
    char why[256], step[32];
    run_file_config(run, "faults.slow", texts->slow, sizeof texts->slow);
    run_file_config(run, "faults.die", texts->die, sizeof texts->die);
    run_file_config(run, "faults.late", texts->late, sizeof texts->late);
    run_file_config(run, "faults.disk_full", step, sizeof step);
    texts->disk_full = strtoll(step, NULL, 10);
    return faults_read(texts, faults, &ignored, why, sizeof why) && faults_any(faults);
}

static bool add_facts(const RunFile *run, Sheet *sheet, const FaultTexts *texts, const Faults *faults,
                      Error *error)
{
    double *simulated = run_file_first(run, "/steps/simulated_time", run->steps, error),
           *wall = simulated ? run_file_first(run, "/steps/wall_time", run->steps, error) : NULL;
    bool read = wall != NULL;
    if (read && texts->slow[0]) {
        sheet_line(sheet, SHEET_FACT, "slow");
        sheet_cell(sheet, "%s", texts->slow);
    }
    if (read && texts->late[0]) {
        sheet_line(sheet, SHEET_FACT, "late");
        sheet_cell(sheet, "%s", texts->late);
        if (!isnan(run->late_messages))
            sheet_more(sheet, ": %.0f of %.0f messages", run->late_messages, run->late_link_messages);
    }
    if (read) {
        compare(run, sheet, faults, simulated, false);
        if (!run->dry) compare(run, sheet, faults, wall, true);
        tell_end(run, sheet, faults, run->dry ? simulated : wall, !run->dry);
    }
    free(simulated);
    free(wall);
    return read;
}

bool report_faults(const RunFile *run, Sheet *sheet, Error *error)
{
    FaultTexts texts;
    Faults faults;
    return !read_faults(run, &texts, &faults) || add_facts(run, sheet, &texts, &faults, error);
}

bool report_waiting(const RunFile *run, Sheet *sheet, Error *error)
{
    FaultTexts texts;
    Faults faults;
    if (!read_faults(run, &texts, &faults) || faults.slows + faults.lates == 0) return true;
    double *parts = run_file_first(run, "/breakdown/simulated", (size_t)run->recorded, error);
    if (parts) add_ranks(run, sheet, &faults, parts);
    free(parts);
    return parts != NULL;
}
