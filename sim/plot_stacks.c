/* plot_stacks.c - the stacked charts' data for gnuplot: bytes by purpose, memory
 * by category, time by action. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "sim/plot_bars.h"
#include "sim/plot_time.h"
#include "sim/words.h"

static bool dark(const char *colour)
{
    const long rgb = strtol(colour + 1, NULL, 16);
    return 0.299 * (double)(rgb >> 16) + 0.587 * (double)(rgb >> 8 & 255) + 0.114 * (double)(rgb & 255) < 140;
}

static void write_texts(FILE *out, const char *array, int count, void (*text)(FILE *, const PlotBars *, int),
                        const PlotBars *bars)
{
    fprintf(out, "array %s[%d] = [", array, count);
    for (int i = 0; i < count; i++) {
        if (i) fputs(", ", out);
        text(out, bars, i);
    }
    fputs("]\n", out);
}

static void rank_label(FILE *out, const PlotBars *bars, int i)
{
    fprintf(out, "'%d'", bars->bar[i].rank);
}

static void run_label(FILE *out, const PlotBars *bars, int i)
{
    plot_quote(out, bars->bar[i].run->label);
}

static void run_note(FILE *out, const PlotBars *bars, int i)
{
    const PlotBar *bar = &bars->bar[i];
    fprintf(out, "'rank %d of %d%s'", bar->rank, bar->run->ranks,
            bar->run->dry         ? ", dry"
            : !bar->run->complete ? ", unfinished"
                                  : "");
}

static void part_colour(FILE *out, const PlotBars *bars, int i)
{
    fprintf(out, "'%s'", bars->part[i].colour);
}

static void part_ink(FILE *out, const PlotBars *bars, int i)
{
    fputs(dark(bars->part[i].colour) ? "'#ffffff'" : "'#222222'", out);
}

static void write_parts(FILE *out, const PlotBars *bars, const PlotKind *kind)
{
    fprintf(out, "PARTS = %zu\narray PART[%zu] = [", bars->parts, bars->parts);
    for (size_t p = 0; p < bars->parts; p++) {
        const PlotPart *part = &bars->part[p];
        char title[PLOT_LABEL], most[32];
        snprintf(title, sizeof title, "%s", part->title);
        plot_shorten(title);
        if (part->highest < 0.006 * bars->highest) { /* too thin to see: said in the legend */
            plot_show(most, sizeof most, part->highest, kind->unit);
            words_append(title, sizeof title, " (max %s)", most);
        }
        if (p) fputs(", ", out);
        plot_quote(out, title);
    }
    fputs("]\n", out);
    write_texts(out, "COLOUR", (int)bars->parts, part_colour, bars);
    write_texts(out, "ON", (int)bars->parts, part_ink, bars);
}

static void write_bars(FILE *out, const PlotBars *bars, const PlotKind *kind, bool compare)
{
    const PlotUnit unit = kind->unit(bars->highest);
    plot_set_text(out, "UNIT", unit.name);
    plot_set_number(out, "SCALE", unit.scale);
    plot_set_number(out, "HIGHEST", bars->highest / unit.scale);
    plot_set_number(out, "FIRST", kind->shown(bars->bar[0].stack, bars->bar[0].rank) / unit.scale);
    fprintf(out, "COMPARE = %d\nBARS = %d\n", compare, bars->count);
    plot_set_text(out, "XLABEL", compare ? "" : "rank");
    write_texts(out, "LABEL", bars->count, compare ? run_label : rank_label, bars);
    if (compare) write_texts(out, "NOTE", bars->count, run_note, bars);
    write_parts(out, bars, kind);
    fputs("# the highest thing in the bar, formula, mark, then the parts from the bottom up\n$D << EOD\n",
          out);
    for (int b = 0; b < bars->count; b++) {
        plot_number(out, plot_bar_crest(&bars->bar[b]));
        fputc(' ', out);
        plot_number(out, plot_bar_formula(&bars->bar[b]));
        fputc(' ', out);
        plot_number(out, bars->bar[b].stack->mark[bars->bar[b].rank]);
        for (size_t p = 0; p < bars->parts; p++) {
            fputc(' ', out);
            plot_number(out, plot_bar_value(&bars->bar[b], bars->part[p].name));
        }
        fputc('\n', out);
    }
    fputs("EOD\n", out);
}

/* Title, the two lines under it, and the bars; frees what `bars` holds. */
static bool write_chart(FILE *out, PlotBars *bars, const PlotKind *kind, bool compare, const char *name,
                        const char *title, const char *first_line, const char *second_line)
{
    char line[512];
    fprintf(out, "NAME = '%s'\n", name);
    snprintf(line, sizeof line, "%s%s%s", title, compare ? "" : ": ", compare ? "" : bars->bar[0].run->label);
    plot_set_text(out, "TITLE", line);
    plot_set_text(out, "SUBTITLE1", first_line);
    plot_set_text(out, "SUBTITLE2", second_line);
    write_bars(out, bars, kind, compare);
    free(bars->part);
    return true;
}

/* "8 ranks, 0.84 M parameters, fp32. " and what a reader must know of an odd run. */
static void begin_line(char *line, size_t size, const PlotBars *bars, const PlotRun *runs, int count)
{
    plot_describe(runs, count, line, size);
    if (line[0]) words_append(line, size, ". ");
    if (count == 1 && runs->dry)
        words_append(line, size, "Dry run: counted without computing. ");
    else if (count == 1 && !runs->complete)
        words_append(line, size, "Unfinished: %zu steps. ", runs->steps);
    words_append(line, size, "%s", bars->sampled);
}

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

/* ---- bytes ---- */

static const PlotStack *comm_of(const PlotRun *run)
{
    return &run->comm;
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
        plot_show(off, sizeof off, worst->comm_off, plot_byte_unit);
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

bool plot_comm(FILE *out, const PlotRun *runs, int count, char *why, size_t size)
{
    static const PlotKind kind = {comm_of, total, total, plot_byte_unit};
    PlotBars bars;
    const bool any = plot_bars_make(&bars, &kind, runs, count);
    snprintf(why, size, "%s", bars.left_out);
    if (!any) return false;

    char first[512], second[512] = "";
    begin_line(first, sizeof first, &bars, runs, count);
    words_append(first, sizeof first,
                 count > 1 ? "The busiest rank of each run" : "Payload bytes handed to the network");
    if (count == 1 && runs->steps > 1)
        words_append(second, sizeof second,
                     runs->comm_alike ? "All %zu steps alike. " : "Mean of %zu steps. ", runs->steps);
    compare_bytes(second, sizeof second, &bars, runs, count);
    plot_set_text(out, "FORMULA", "formula");
    return write_chart(out, &bars, &kind, count > 1, "comm", "Bytes sent per rank and step", first, second);
}

/* ---- memory ---- */

static const PlotStack *memory_of(const PlotRun *run)
{
    return &run->memory;
}

bool plot_memory(FILE *out, const PlotRun *runs, int count, char *why, size_t size)
{
    static const PlotKind kind = {memory_of, mark, mark, plot_byte_unit};
    PlotBars bars;
    const bool any = plot_bars_make(&bars, &kind, runs, count);
    snprintf(why, size, "%s", bars.left_out);
    if (!any) return false;

    char first[512];
    begin_line(first, sizeof first, &bars, runs, count);
    words_append(first, sizeof first,
                 count > 1 ? "The rank with the highest peak of each run"
                           : "Tensors allocated, in bytes counted");
    plot_set_text(out, "FORMULA", "formula: model states");
    return write_chart(
        out, &bars, &kind, count > 1, "memory", "Peak memory per rank", first,
        "Stacked: each category's own peak. These fall at different moments, so the peak of the sum "
        "(dot, number) can be lower");
}

/* ---- time ---- */

static const PlotStack *time_of(const PlotRun *run)
{
    return &run->time;
}

bool plot_step_time(FILE *out, const PlotRun *runs, int count, char *why, size_t size)
{
    static const PlotKind kind = {time_of, busy, total, plot_time_unit};
    PlotBars bars;
    const bool any = plot_bars_make(&bars, &kind, runs, count);
    snprintf(why, size, "%s", bars.left_out);
    if (!any) return false;

    char first[512];
    begin_line(first, sizeof first, &bars, runs, count);
    if (count > 1)
        words_append(first, sizeof first, "The recorded step of each run, its busiest rank");
    else if (isnan(runs->timed_step))
        words_append(first, sizeof first, "One step. Above a bar: the share of it outside any action");
    else
        words_append(first, sizeof first, "Step %.0f. Above a bar: the share of it outside any action",
                     runs->timed_step);
    plot_set_text(out, "MARK", "median of all steps");
    return write_chart(
        out, &bars, &kind, count > 1, "step_time", "Time of a step", first,
        "Wall clock: an action holds its own waiting, and where ranks share cores, the time of the others");
}
