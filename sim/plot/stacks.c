/* stacks.c - the bar charts: what stands in them and the words over them. Bytes by
 * purpose and by axis, memory by category, time by action and by part, bubbles. */
#include <math.h>
#include "sim/plot/bars.h"
#include "sim/plot/simulated.h"
#include "sim/base/units.h"
#include "sim/base/words.h"

static double total(const PlotStack *stack, int rank)
{
    return plot_stack_total(stack, rank);
}

static double mark(const PlotStack *stack, int rank)
{
    return stack->mark[rank];
}

static double busy(const PlotStack *stack, int rank)
{
    return plot_stack_total(stack, rank) -
           stack->value[(size_t)(rank + 1) * stack->parts - 1]; /* the rest is last */
}

/* Gathers a chart's bars and begins its `first` line; false, with the reason in `why`, when no run has any. What
 * some lack is in `why` too. */
static bool start(PlotBars *bars, const PlotKind *kind, const PlotRun *runs, int count, char first[512],
                  char *why, size_t size)
{
    const bool any = plot_bars_make(bars, kind, runs, count);
    snprintf(why, size, "%s", bars->left_out);
    if (any) plot_bars_begin(first, 512, bars, runs, count);
    return any;
}

/* ---- bytes ---- */

static const PlotStack *comm_of(const PlotRun *run)
{
    return &run->comm;
}

static const PlotStack *axes_of(const PlotRun *run)
{
    return &run->axes;
}

/* How the counted bytes stand to the formulas, in words. */
static void compare_bytes(char *line, size_t size, const PlotBars *bars, const PlotRun *runs, int count)
{
    const PlotRun *worst = NULL;
    for (int i = 0; i < count; i++)
        if (!runs[i].comm.why[0] && !isnan(runs[i].comm_off) &&
            (!worst || runs[i].comm_off > worst->comm_off))
            worst = &runs[i];
    if (!worst) {
        words_append(line, size, "The file has no formulas");
        return;
    }
    if (worst->comm_off == 0)
        words_append(line, size, "Equal to the formula on every rank, in every step%s, to the byte",
                     count > 1 ? " of every run" : "");
    else {
        char off[32];
        unit_show(off, sizeof off, worst->comm_off, unit_of_bytes);
        words_append(line, size, "Off the formula by up to %s (%s%srank %d, %s)", off,
                     count > 1 ? worst->label : "", count > 1 ? ", " : "", worst->comm_off_rank,
                     worst->comm.name[worst->comm_off_part]);
    }
    const char *separator = "; no formula for ";
    for (size_t p = 0; p < bars->parts; p++) {
        if (bars->part[p].covered) continue;
        words_append(line, size, "%s%s", separator, bars->part[p].name);
        separator = ", ";
    }
}

/* `words`: name and title. */
static bool write_bytes(FILE *out, const PlotKind *kind, PlotWords words, const PlotRun *runs, int count,
                        char *why, size_t size)
{
    PlotBars bars;
    char first[512], second[512] = "";
    if (!start(&bars, kind, runs, count, first, why, size)) return false;
    words_append(first, sizeof first,
                 count > 1 ? "The busiest rank of each run" : "Payload bytes handed to the network");
    if (count == 1 && runs->steps > 1)
        words_append(second, sizeof second,
                     runs->comm_alike ? "All %zu steps alike. " : "Mean of %zu steps. ", runs->steps);
    compare_bytes(second, sizeof second, &bars, runs, count);
    plot_set_text(out, "FORMULA", "formula");
    plot_set_text(out, "YLABEL", " sent per rank and step");
    words.first = first;
    words.second = second;
    return plot_bars_write(out, &bars, kind, count > 1, words);
}

bool plot_comm(FILE *out, const PlotRun *runs, int count, char *why, size_t size)
{
    static const PlotKind kind = {comm_of, total, total, unit_of_bytes, false};
    return write_bytes(out, &kind, (PlotWords){.name = "comm", .title = "Bytes sent per rank and step"}, runs,
                       count, why, size);
}

bool plot_bytes_by_axis(FILE *out, const PlotRun *runs, int count, char *why, size_t size)
{
    static const PlotKind kind = {axes_of, total, total, unit_of_bytes, false};
    const PlotWords words = {.name = "bytes_by_axis",
                             .title = "Bytes sent per rank and step, by axis of the grid"};
    return write_bytes(out, &kind, words, runs, count, why, size);
}

/* ---- memory ---- */

static const PlotStack *memory_of(const PlotRun *run)
{
    return &run->memory;
}

/* Whether each category with a formula is as it says, on every rank of every run. */
static bool states_equal(const PlotRun *runs, int count)
{
    bool any = false;
    for (int i = 0; i < count; i++) {
        const PlotStack *memory = &runs[i].memory;
        for (size_t cell = 0; !memory->why[0] && cell < (size_t)runs[i].recorded * memory->parts; cell++) {
            if (isnan(memory->theory[cell])) continue;
            any = true;
            if (memory->value[cell] != memory->theory[cell]) return false;
        }
    }
    return any;
}

bool plot_memory(FILE *out, const PlotRun *runs, int count, char *why, size_t size)
{
    static const PlotKind kind = {memory_of, mark, mark, unit_of_bytes, false};
    PlotBars bars;
    char first[512];
    if (!start(&bars, &kind, runs, count, first, why, size)) return false;
    words_append(first, sizeof first,
                 count > 1 ? "The rank with the highest peak of each run"
                           : "Tensors allocated, in bytes counted");
    if (states_equal(runs, count))
        words_append(first, sizeof first, ". Model states equal the formula everywhere");
    plot_set_text(out, "FORMULA", "formula: model states");
    return plot_bars_write(
        out, &bars, &kind, count > 1,
        (PlotWords){
            "memory", "Peak memory per rank", first,
            "Stacked: each category's own peak. These fall at different moments, so the peak of the sum "
            "(dot, number) can be lower"});
}

static const PlotStack *activations_of(const PlotRun *run)
{
    return &run->activations;
}

bool plot_activations(FILE *out, const PlotRun *runs, int count, char *why, size_t size)
{
    static const PlotKind kind = {activations_of, total, total, unit_of_bytes, false};
    PlotBars bars;
    if (count == 1) {
        snprintf(why, size, "one run; give several, by technique");
        return false;
    }
    char first[512];
    if (!start(&bars, &kind, runs, count, first, why, size)) return false;
    words_append(first, sizeof first, "The rank with the most in each run");
    plot_set_text(out, "FORMULA", "formula");
    plot_set_text(out, "YLABEL", " of activations per rank");
    return plot_bars_write(out, &bars, &kind, true,
                           (PlotWords){"activations", "Activations kept for backward, per rank", first, ""});
}

/* ---- time ---- */

static const PlotStack *time_of(const PlotRun *run)
{
    return &run->time;
}

/* Which step the bars are of: "Median of 40 steps, divided as step 38 was (3.53 ms)". */
static void tell_step(char *line, size_t size, const PlotRun *run)
{
    char took[32];
    const bool divided = run->steps > 1 && !isnan(run->step_seconds);
    if (divided) words_append(line, size, "Median of %zu steps, divided as ", run->steps);
    if (isnan(run->timed_step))
        words_append(line, size, divided ? "one step" : "One step");
    else
        words_append(line, size, "%s %.0f", divided ? "step" : "Step", run->timed_step);
    unit_show(took, sizeof took, run->timed_seconds, unit_of_seconds);
    words_append(line, size, "%s (%s)", divided ? " was" : "", took);
}

bool plot_step_time(FILE *out, const PlotRun *runs, int count, char *why, size_t size)
{
    static const PlotKind kind = {time_of, busy, total, unit_of_seconds, false};
    PlotBars bars;
    char first[512];
    if (!start(&bars, &kind, runs, count, first, why, size)) return false;
    if (count > 1)
        words_append(first, sizeof first, "The busiest rank of each run, divided as one recorded step was");
    else {
        tell_step(first, sizeof first, runs);
        words_append(first, sizeof first, ". Above a bar: the share outside any action");
    }
    return plot_bars_write(out, &bars, &kind, count > 1,
                           (PlotWords){"step_time", "Time of the median step", first,
                                       "Wall clock: an action holds its own waiting, and where ranks share "
                                       "cores, the time of the others"});
}

static const PlotStack *breakdown_of(const PlotRun *run)
{
    return &run->breakdown;
}

bool plot_breakdown(FILE *out, const PlotRun *runs, int count, char *why, size_t size)
{
    const PlotKind kind = {breakdown_of, mark, total, runs->shape.ideal ? unit_of_forwards : unit_of_seconds,
                           .by_stage = true};
    PlotBars bars;
    if (!plot_one_clock(runs, count, why, size)) return false;
    char first[512], second[256] = "Waits count what computing does not hide";
    if (!start(&bars, &kind, runs, count, first, why, size)) return false;
    plot_explain_unit(runs, second, sizeof second);
    if (runs->shape.ideal) words_append(second, sizeof second, "; messages are free");
    words_append(first, sizeof first,
                 count > 1 ? "The rank that computes most in each run"
                           : "Above a bar: the share of the step in which the rank computes");
    return plot_bars_write(out, &bars, &kind, count > 1,
                           (PlotWords){"breakdown", "Simulated time of a step by part", first, second});
}

/* ---- bubbles ---- */

static const PlotStack *bubble_of(const PlotRun *run)
{
    return &run->bubble;
}

static Unit percent(double highest)
{
    (void)highest;
    return (Unit){"%", 0.01};
}

/* Of no dry run. */
static bool is_measured(const PlotRun *runs, int count)
{
    for (int i = 0; i < count; i++)
        for (int rank = 0; rank < runs[i].recorded; rank++)
            if (runs[i].bubble.value[(size_t)rank * runs[i].bubble.parts + 1] > 0) return true;
    return false;
}

bool plot_bubble(FILE *out, const PlotRun *runs, int count, char *why, size_t size)
{
    static const PlotKind kind = {bubble_of, total, total, percent, false};
    PlotBars bars;
    char first[512], formula[128] = "formula";
    if (!start(&bars, &kind, runs, count, first, why, size)) return false;
    if (count > 1)
        words_append(first, sizeof first, "The rank with the largest bubble of each run");
    else {
        char letters[64];
        run_shape_letters(&runs->shape, letters, sizeof letters);
        words_append(first, sizeof first, "%s%s%s", runs->schedule, runs->schedule[0] ? ", " : "", letters);
        if (run_shape_formula(&runs->shape)[0])
            words_append(formula, sizeof formula, " %s", run_shape_formula(&runs->shape));
    }
    plot_set_text(out, "FORMULA", formula);
    char second[128] = "The share of a step in which a rank has nothing to do";
    if (is_measured(runs, count))
        words_append(second, sizeof second, ". Measured: from CPU times, as if each rank had a core");
    return plot_bars_write(out, &bars, &kind, count > 1,
                           (PlotWords){"bubble", "Pipeline bubble per rank", first, second});
}
