/* bars_write.c - the bars of a stacked chart as gnuplot text. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "sim/plot/bars.h"
#include "sim/base/units.h"
#include "sim/base/words.h"

bool plot_dark(const char *colour)
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
    fprintf(out, "'%d'", bars->bar[i].run->rank[bars->bar[i].rank]);
}

static void stage_label(FILE *out, const PlotBars *bars, int i)
{
    (void)bars;
    fprintf(out, "'%d'", i);
}

static void run_label(FILE *out, const PlotBars *bars, int i)
{
    plot_quote(out, bars->bar[i].run->label);
}

static void run_note(FILE *out, const PlotBars *bars, int i)
{
    const PlotBar *bar = &bars->bar[i];
    fprintf(out, "'rank %d of %d%s'", bar->run->rank[bar->rank], bar->run->ranks,
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
    fputs(plot_dark(bars->part[i].colour) ? "'#ffffff'" : "'#222222'", out);
}

static void write_parts(FILE *out, const PlotBars *bars, const PlotKind *kind)
{
    fprintf(out, "PARTS = %zu\narray PART[%zu] = [", bars->parts, bars->parts);
    for (size_t p = 0; p < bars->parts; p++) {
        const PlotPart *part = &bars->part[p];
        char title[PLOT_LABEL], most[32];
        plot_shorten(part->title, title);
        if (part->highest < 0.006 * bars->highest) { /* too thin to see: said in the legend */
            unit_show(most, sizeof most, part->highest, kind->unit);
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
    const Unit unit = kind->unit(bars->highest);
    const double first = kind->shown(bars->bar[0].stack, bars->bar[0].rank);
    const bool brackets = compare && bars->count > 1 && first > 0 && !bars->bar[0].stack->beside;
    plot_set_text(out, "UNIT", unit.name);
    plot_set_number(out, "SCALE", unit.scale);
    plot_set_number(out, "HIGHEST", bars->highest / unit.scale);
    plot_set_number(out, "FIRST", first / unit.scale);
    fprintf(out, "COMPARE = %d\nBRACKETS = %d\nBARS = %d\n", compare, brackets, bars->count);
    const bool stages = !compare && plot_bars_are_stages(kind, bars->bar->run);
    plot_set_text(out, "XLABEL",
                  compare                                    ? ""
                  : !stages                                  ? "rank"
                  : bars->bar->run->shape.virtual_stages > 1 ? "pipeline rank"
                                                             : "stage");
    write_texts(out, "LABEL", bars->count, compare ? run_label : stages ? stage_label : rank_label, bars);
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

bool plot_bars_write(FILE *out, PlotBars *bars, const PlotKind *kind, bool compare, PlotWords words)
{
    char line[512];
    fprintf(out, "NAME = '%s'\n", words.name);
    snprintf(line, sizeof line, "%s%s%s", words.title, compare ? "" : ": ",
             compare ? "" : bars->bar[0].run->label);
    plot_set_text(out, "TITLE", line);
    plot_set_text(out, "SUBTITLE1", words.first);
    plot_set_text(out, "SUBTITLE2", words.second);
    write_bars(out, bars, kind, compare);
    free(bars->part);
    return true;
}

void plot_bars_begin(char *line, size_t size, const PlotBars *bars, const PlotRun *runs, int count)
{
    plot_describe(runs, count, line, size);
    if (line[0]) words_append(line, size, ". ");
    if (count == 1 && runs->dry)
        words_append(line, size, "Dry run: counted without computing. ");
    else if (count == 1 && !runs->complete)
        words_append(line, size, "Unfinished: %zu step%s. ", runs->steps, words_s((int64_t)runs->steps));
    words_append(line, size, "%s", bars->sampled);
}
