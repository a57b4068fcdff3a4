/* time.c - the report's part on the grid of ranks, the bubble, and where simulated time went. */
#include "sim/report/time.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/lanes.h"
#include "sim/base/quantile.h"
#include "sim/base/units.h"

/* What differs by less is the same to a reader: the first rank is named. */
static const double SAME = 1e-9;

typedef struct Bubble {
    double worst, mean; /* NaN when a rank's is unknown */
    int rank;           /* where the worst is */
} Bubble;

static bool read_bubble(const RunFile *run, const char *dataset, Bubble *bubble, Error *error)
{
    double *share = run_file_first(run, dataset, (size_t)run->recorded, error);
    if (!share) return false;
    *bubble = (Bubble){.worst = share[0]};
    for (int r = 0; r < run->recorded; r++) {
        bubble->mean += share[r] * run_file_stands_for(run, r) / run->ranks;
        if (share[r] <= bubble->worst + SAME) continue;
        bubble->worst = share[r];
        bubble->rank = run->rank[r];
    }
    free(share);
    return true;
}

/* Where durations are given, the rate as papers quote it: of the longest span from a stage's first action to its last,
 * what is not computing (Qi et al. 2401.10241, section 4). */
static bool add_rate(const RunFile *run, Sheet *sheet, Error *error)
{
    char profile[512];
    if (!run_file_config(run, "hardware.profile", profile, sizeof profile) || strcmp(profile, "given") != 0)
        return true;
    TimelineRow *rows = run_file_actions(run, error);
    if (!rows) return false;
    double longest = 0, work = 0;
    for (int r = 0; r < run->recorded; r++) {
        double first = INFINITY, last = 0, computes = 0;
        for (size_t i = 0; i < run->actions; i++) {
            const TimelineRow *row = &rows[i];
            if (row->rank != run->rank[r] || row->microbatch < 0 || strcmp(row->lane, "compute") != 0)
                continue;
            first = fmin(first, row->simulated_start);
            last = fmax(last, row->simulated_end);
            computes += row->simulated_end - row->simulated_start - row->communication;
        }
        if (!(last - first > longest)) continue;
        longest = last - first;
        work = computes;
    }
    if (longest > 0) sheet_more(sheet, "; rate %.4f of the longest stage's span", 1 - work / longest);
    free(rows);
    return true;
}

static bool add_bubble(const RunFile *run, Sheet *sheet, Error *error)
{
    Bubble simulated, measured;
    double formula;
    if (!read_bubble(run, "/pipeline/bubble_ratio_simulated", &simulated, error) ||
        !read_bubble(run, "/pipeline/bubble_ratio_measured", &measured, error) ||
        !run_file_rows(run, "/pipeline/bubble_ratio_theory", 0, 1, &formula, error))
        return false;
    if (isnan(simulated.mean)) return true;
    sheet_line(sheet, SHEET_FACT, "bubble");
    sheet_cell(sheet, "%.1f %% of the step idle", 100 * simulated.mean);
    if (simulated.worst > simulated.mean + SAME)
        sheet_more(sheet, " on average, %.1f %% at worst (rank %d)", 100 * simulated.worst, simulated.rank);
    else
        sheet_more(sheet, " on every rank");
    if (!isnan(formula))
        sheet_more(sheet, "; formula %.1f %%%s", 100 * formula,
                   run->shape.ideal ? "" : " (of equal stages, free messages)");
    if (!isnan(measured.mean))
        sheet_more(sheet, "; from measured CPU times %.1f %% on average", 100 * measured.mean);
    return add_rate(run, sheet, error);
}

bool report_grid(const RunFile *run, Sheet *sheet, Error *error)
{
    const RunShape *shape = &run->shape;
    sheet_line(sheet, SHEET_FACT, "grid");
    sheet_cell(sheet, "pp %d x dp %d x tp %d", shape->mesh.pp, shape->mesh.dp, shape->mesh.tp);
    if (shape->mesh.ep > 1) sheet_more(sheet, ", ep %d", shape->mesh.ep);
    if (shape->schedule[0]) sheet_more(sheet, "; %s", shape->schedule);
    if (shape->virtual_stages > 1) sheet_more(sheet, ", %d stages a rank", shape->virtual_stages);
    if (shape->microbatches)
        sheet_more(sheet, "; %d microbatch%s a step", shape->microbatches,
                   shape->microbatches == 1 ? "" : "es");
    return shape->mesh.pp == 1 || add_bubble(run, sheet, error);
}

void report_hosts(const RunFile *run, Sheet *sheet)
{
    if (!run->hosts[0] && !run->hosts_later[0]) return;
    sheet_line(sheet, SHEET_FACT, "hosts");
    sheet_cell(sheet, "ranks on %s", run->hosts[0] ? run->hosts : run->host);
    if (run->hosts_later[0]) sheet_more(sheet, "; %s", run->hosts_later);
    if (run->across == 0) return;
    sheet_line(sheet, SHEET_FACT, "");
    sheet_cell(
        sheet,
        "tensor groups on several of them: %d of %d; try ranks side by side (mpirun --map-by slot), as "
        "many a host as parallel.tp = %d divides",
        run->across, run->ranks / run->shape.mesh.tp, run->shape.mesh.tp);
}

/* The median of the steps' wall times. */
static bool read_measured(const RunFile *run, double *seconds, Error *error)
{
    double *steps = run_file_first(run, "/steps/wall_time", run->steps, error);
    if (!steps) return false;
    *seconds = quantile_of(steps, (int)run->steps, 0.5);
    free(steps);
    return true;
}

/* Whether the machine is the one that all of the run trained on: then its step was foretold, not another's. */
static bool was_here(const RunFile *run)
{
    char host[sizeof run->host];
    return run->host[0] && !run->hosts_later[0] && run_file_config(run, "node.host", host, sizeof host) &&
           !strcmp(host, run->host);
}

/* The seconds that each recorded rank computed in the step whose actions are recorded, as its CPU's clock has them. */
static double *read_computed(const RunFile *run, Error *error)
{
    TimelineRow *action = run_file_actions(run, error);
    if (!action) return NULL;
    double *seconds = allocate_zeroed((size_t)run->recorded, sizeof *seconds);
    for (size_t i = 0; i < run->actions; i++) {
        int row = action[i].action[0] ? run_file_row(run, action[i].rank) : -1;
        if (row >= 0) seconds[row] += action[i].measured_compute;
    }
    free(action);
    return seconds;
}

/* What is left of a step, where much more of it was not computing than should be. */
static void add_waiting(Sheet *sheet, int ranks, double measured, double foretold, double step)
{
    enum { PERCENT = 20 };
    char took[32], told[32] = "none";
    if (!(measured - foretold > PERCENT / 100.0 * step)) return;
    unit_show(took, sizeof took, measured, unit_of_seconds);
    if (foretold > SAME * step) unit_show(told, sizeof told, foretold, unit_of_seconds);
    sheet_line(sheet, SHEET_FACT, "waiting");
    sheet_cell(sheet, "%s of it, measured %s: %sfor a core that others had", told, took,
               ranks > 1 ? "ranks waited for each other, or " : "");
}

/* What of a step, of so many seconds foretold and measured, was foretold to be computing, and of which rank it is most. */
static bool add_computed(const RunFile *run, double predicted, double measured, Sheet *sheet, Error *error)
{
    static const Part computes[] = {PART_COMPUTE, PART_RECOMPUTE, PART_OPTIMIZER};
    if (isnan(run->timed_step)) return true;
    double *part = run_file_first(run, "/breakdown/simulated", (size_t)run->recorded, error);
    double *here = part ? read_computed(run, error) : NULL, foretold = 0;
    char told[32], took[32];
    int most = 0;
    for (int r = 1; here && r < run->recorded; r++)
        if (here[r] > here[most]) most = r;
    for (size_t k = 0; here && k < sizeof computes / sizeof *computes; k++)
        for (size_t i = 0; i < run->parts; i++)
            if (!strcmp(run->part[i], part_name[computes[k]]))
                foretold += part[(size_t)most * run->parts + i];
    if (here && here[most] > 0 && foretold > 0) {
        unit_show(told, sizeof told, foretold, unit_of_seconds);
        unit_show(took, sizeof took, here[most], unit_of_seconds);
        sheet_line(sheet, SHEET_FACT, "computing");
        sheet_cell(sheet, "%s of it, measured %s of CPU time in step %.0f on rank %d (%+.1f %%)", told, took,
                   run->timed_step + 1, run->rank[most], 100 * (foretold / here[most] - 1));
        add_waiting(sheet, run->ranks, measured - here[most], predicted - foretold, measured);
    }
    bool read = here != NULL;
    free(here);
    free(part);
    return read;
}

bool report_simulated(const RunFile *run, Sheet *sheet, Error *error)
{
    double seconds, tokens, measured = (double)NAN;
    char machine[512], time[32], here[32];
    if (!run->shape.machine || !run_file_config(run, "hardware.profile", machine, sizeof machine))
        return true;
    if (!run_file_rows(run, "/steps/simulated_time", run->steps - 1, 1, &seconds, error) ||
        !run_file_rows(run, "/steps/tokens", run->steps - 1, 1, &tokens, error) ||
        (!run->dry && !read_measured(run, &measured, error)))
        return false;
    if (!(seconds > 0)) return true;
    unit_show(time, sizeof time, seconds, unit_of_seconds);
    if (measured > 0 && was_here(run)) {
        unit_show(here, sizeof here, measured, unit_of_seconds);
        sheet_line(sheet, SHEET_FACT, "predicted");
        sheet_cell(sheet, "%s a step by %s, measured %s in the median (%+.1f %%)", time, machine, here,
                   100 * (seconds / measured - 1));
        return add_computed(run, seconds, measured, sheet, error);
    }
    sheet_line(sheet, SHEET_FACT, "simulated");
    sheet_cell(sheet, "%s a step, %.0f tokens/s on %d of %s", time, tokens / seconds, run->ranks, machine);
    if (measured > 0) sheet_more(sheet, ", which is not the machine it trained on");
    return true;
}

/* ---- where the time went ---- */

static double total_of(const double *seconds, size_t parts)
{
    double total = 0;
    for (size_t i = 0; i < parts; i++) total += seconds[i];
    return total;
}

static double busy_of(const double *seconds, char **name, size_t parts)
{
    double busy = total_of(seconds, parts);
    for (size_t i = 0; i < parts; i++)
        if (!strcmp(name[i], part_name[PART_PP_IDLE])) busy -= seconds[i];
    return busy;
}

/* hidden: what went on beside computing, which is in no second of the step. */
static void add_breakdown(Sheet *sheet, const RunFile *run, const double *seconds, const double *hidden)
{
    const size_t ranks = (size_t)run->recorded, parts = run->parts;
    const bool ideal = run->shape.ideal;
    char **name = run->part;
    size_t slowest = 0;
    for (size_t r = 1; r < ranks; r++)
        if (busy_of(seconds + r * parts, name, parts) >
            busy_of(seconds + slowest * parts, name, parts) * (1 + SAME))
            slowest = r;
    const double *mine = seconds + slowest * parts, total = total_of(mine, parts);
    if (!(total > 0)) return; /* NaN: not recorded */
    for (size_t i = 0; i < parts; i++)
        if (mine[i] == total) return; /* nothing to tell apart */
    Unit (*unit)(double) = ideal ? unit_of_forwards : unit_of_seconds;
    char title[64], time[32];
    snprintf(title, sizeof title, "simulated step, rank %d", run->rank[slowest]);
    unit_show(time, sizeof time, total, unit);
    sheet_line(sheet, SHEET_HEAD, title);
    sheet_cell(sheet, "%s", time);
    sheet_cell(sheet, "share");
    if (ideal) sheet_cell(sheet, "F: a microbatch's forward on one rank; messages are free");
    for (size_t i = 0; i < parts; i++) {
        const double beside = hidden[slowest * parts + i];
        if (mine[i] == 0 && !(beside > 0)) continue;
        unit_show(time, sizeof time, mine[i], unit);
        sheet_line(sheet, SHEET_ROW, name[i]);
        sheet_cell(sheet, "%s", time);
        sheet_cell(sheet, "%.1f %%", 100 * mine[i] / total);
        if (!(beside > 0)) continue;
        unit_show(time, sizeof time, beside, unit);
        sheet_cell(sheet, "and %s hidden beside computing", time);
    }
}

bool report_breakdown(const RunFile *run, Sheet *sheet, Error *error)
{
    double *seconds = run_file_first(run, "/breakdown/simulated", (size_t)run->recorded, error);
    double *hidden = seconds ? run_file_first(run, "/breakdown/hidden", (size_t)run->recorded, error) : NULL;
    const bool read = hidden != NULL;
    if (read) add_breakdown(sheet, run, seconds, hidden);
    free(seconds);
    free(hidden);
    return read;
}
