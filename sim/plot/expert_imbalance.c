/* expert_imbalance.c - the data of the fullest expert's load over the mean, by step: a line a layer, or a run. */
#include <math.h>
#include <stdlib.h>
#include "sim/plot/chart.h"
#include "sim/plot/routing.h"
#include "sim/plot/text.h"
#include "sim/base/words.h"

enum { LAYERS_MOST = 8 };

typedef struct Line {
    const PlotRun *run;
    size_t first, end; /* of its layers with experts, those of which it shows the largest imbalance */
    char name[PLOT_LABEL];
} Line;

static double imbalance_of(const Line *line, size_t column)
{
    const PlotRouting *r = &line->run->routing;
    double most = NAN;
    for (size_t y = line->first; y < line->end; y++) most = fmax(most, r->imbalance[column * r->layers + y]);
    return most; /* fmax skips NaN */
}

/* Of one run up to eight layers from the first to the last, of several each one's most uneven at a time. */
static int choose(const PlotRun *runs, int count, Line line[PLOT_RUNS_MAX], char *why, size_t size)
{
    const char *reason[PLOT_RUNS_MAX] = {NULL};
    int lines = 0;
    for (int i = 0; i < count; i++) {
        reason[i] = runs[i].routing.why;
        if (reason[i][0]) continue;
        line[lines] = (Line){.run = &runs[i], .end = runs[i].routing.layers};
        snprintf(line[lines++].name, PLOT_LABEL, "%s", runs[i].label);
    }
    plot_reasons(runs, count, reason, why, size);
    if (lines == 0 || count > 1) return lines;
    const PlotRouting *r = &runs->routing;
    const size_t shown = r->layers < LAYERS_MOST ? r->layers : LAYERS_MOST;
    for (size_t i = 0; i < shown; i++) {
        const size_t y = plot_spread(i, shown, r->layers);
        line[i] = (Line){.run = runs, .first = y, .end = y + 1};
        snprintf(line[i].name, PLOT_LABEL, "layer %.0f", r->layer[y]);
    }
    return (int)shown;
}

static void write_words(FILE *out, const PlotRun *runs, int count, int lines)
{
    char first[512], second[512] = "1: all experts have the same load", title[PLOT_LABEL + 32];
    plot_describe(runs, count, first, sizeof first);
    if (count > 1) words_append(second, sizeof second, ". Of each run the layer that is then most uneven");
    plot_routing_words(second, sizeof second, runs, count, lines, "point");
    snprintf(title, sizeof title, "Imbalance of experts%s%s", count > 1 ? "" : ": ",
             count > 1 ? "" : runs->label);
    fputs("NAME = 'expert_imbalance'\n", out);
    plot_set_text(out, "TITLE", title);
    plot_set_text(out, "SUBTITLE1", first);
    plot_set_text(out, "SUBTITLE2", second);
}

/* A line of $D: step, imbalance. */
static void write_points(FILE *out, const Line *line)
{
    for (size_t column = 0; column < line->run->routing.columns; column++) {
        fprintf(out, "%.17g ", plot_routing_step(line->run, column));
        plot_number(out, imbalance_of(line, column));
        fputc('\n', out);
    }
}

bool plot_expert_imbalance(FILE *out, const PlotRun *runs, int count, char *why, size_t size)
{
    Line line[PLOT_RUNS_MAX];
    const int lines = choose(runs, count, line, why, size);
    if (lines == 0) return false;
    double low = INFINITY, high = 0, most = 1;
    size_t columns = 0;
    for (int i = 0; i < lines; i++) {
        const PlotRun *run = line[i].run;
        low = fmin(low, run->step[0]);
        high = fmax(high, run->step[run->steps - 1]);
        columns = run->routing.columns > columns ? run->routing.columns : columns;
        for (size_t c = 0; c < run->routing.columns; c++) most = fmax(most, imbalance_of(&line[i], c));
    }
    write_words(out, runs, count, lines);
    fprintf(out, "LINES = %d\narray NAMES[%d] = [", lines, lines);
    for (int i = 0; i < lines; i++) {
        if (i) fputs(", ", out);
        plot_quote(out, line[i].name);
    }
    fprintf(out, "]\nCOLUMNS = %zu\n", columns);
    plot_set_number(out, "STEP_FIRST", low);
    plot_set_number(out, "STEP_LAST", high);
    plot_set_number(out, "HIGHEST", most);
    fputs("# step, the largest load over the mean; a block a line\n$D << EOD\n", out);
    for (int i = 0; i < lines; i++) {
        if (i) fputs("\n\n", out);
        write_points(out, &line[i]);
    }
    fputs("EOD\n", out);
    return true;
}
