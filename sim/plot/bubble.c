/* bubble.c - the data of bubbles against microbatches: a line a schedule, a point a run. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "sim/plot/chart.h"
#include "sim/plot/simulated.h"
#include "sim/plot/text.h"
#include "sim/base/words.h"

/* Runs of one line differ in microbatches only. */
static bool same_line(const RunShape *a, const RunShape *b)
{
    return !strcmp(a->schedule, b->schedule) && a->mesh.pp == b->mesh.pp &&
           a->virtual_stages == b->virtual_stages;
}

static int by_line_and_microbatches(const void *a, const void *b)
{
    const RunShape *x = &(*(const PlotRun *const *)a)->shape, *y = &(*(const PlotRun *const *)b)->shape;
    const int order = strcmp(x->schedule, y->schedule);
    if (order) return order;
    if (x->mesh.pp != y->mesh.pp) return x->mesh.pp - y->mesh.pp;
    if (x->virtual_stages != y->virtual_stages) return x->virtual_stages - y->virtual_stages;
    return x->microbatches - y->microbatches;
}

/* Those that have a bubble and a number of microbatches; `why` says what the others lack. */
static int choose(const PlotRun *runs, int count, const PlotRun *chosen[PLOT_RUNS_MAX], char *why,
                  size_t size)
{
    int points = 0;
    const char *lacks[PLOT_RUNS_MAX] = {NULL};
    for (int i = 0; i < count; i++) {
        lacks[i] = runs[i].bubble.why[0]             ? runs[i].bubble.why
                   : runs[i].shape.microbatches == 0 ? "its microbatches are not known"
                                                     : "";
        if (!lacks[i][0]) chosen[points++] = &runs[i];
    }
    plot_reasons(runs, count, lacks, why, size);
    return points;
}

/* What all lines have in common stands in the second line of words, the rest in their names. */
static void write_names(FILE *out, const PlotRun **run, int points)
{
    bool one_pp = true;
    for (int i = 1; i < points; i++) one_pp = one_pp && run[i]->shape.mesh.pp == run[0]->shape.mesh.pp;
    int series = 0;
    char second[128] = "";
    if (one_pp) snprintf(second, sizeof second, "p = %d pipeline ranks. ", run[0]->shape.mesh.pp);
    words_append(second, sizeof second, "Mean of all ranks, one step, simulated");
    plot_set_text(out, "SUBTITLE2", second);
    for (int i = 0; i < points; i++) series += i == 0 || !same_line(&run[i]->shape, &run[i - 1]->shape);
    fprintf(out, "SERIES = %d\narray NAMES[%d] = [", series, series);
    for (int i = 0; i < points; i++) {
        const RunShape *shape = &run[i]->shape;
        if (i && same_line(shape, &run[i - 1]->shape)) continue;
        char name[128];
        snprintf(name, sizeof name, "%s", run[i]->schedule[0] ? run[i]->schedule : "schedule unknown");
        if (!one_pp) words_append(name, sizeof name, ", p = %d", shape->mesh.pp);
        if (shape->virtual_stages > 1) words_append(name, sizeof name, ", v = %d", shape->virtual_stages);
        if (i) fputs(", ", out);
        plot_quote(out, name);
    }
    fputs("]\n", out);
}

static int ascending(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void write_ticks(FILE *out, const PlotRun **run, int points)
{
    int tick[PLOT_RUNS_MAX] = {0}, ticks = 0;
    for (int i = 0; i < points; i++) tick[i] = run[i]->shape.microbatches;
    qsort(tick, (size_t)points, sizeof *tick, ascending);
    for (int i = 0; i < points; i++)
        if (i == 0 || tick[i] != tick[i - 1]) tick[ticks++] = tick[i];
    fprintf(out, "LOW = %d.0; HIGH = %d.0\nTICKS = %d\narray TICK[%d] = [", tick[0], tick[ticks - 1], ticks,
            ticks);
    for (int i = 0; i < ticks; i++) fprintf(out, "%s%d", i ? ", " : "", tick[i]);
    fputs("]\n", out);
}

bool plot_bubble_microbatches(FILE *out, const PlotRun *runs, int count, char *why, size_t size)
{
    const PlotRun *run[PLOT_RUNS_MAX];
    why[0] = '\0';
    if (count == 1) return false; /* a chart of several runs: not missed where there is one */
    const int points = choose(runs, count, run, why, size);
    bool differ = false;
    for (int i = 1; i < points; i++)
        differ = differ || run[i]->shape.microbatches != run[0]->shape.microbatches;
    if (!differ) {
        words_append(why, size, "%sit needs pipelined runs that differ in microbatches", why[0] ? "; " : "");
        return false;
    }
    qsort(run, (size_t)points, sizeof *run, by_line_and_microbatches);
    char first[512];
    plot_describe(runs, count, first, sizeof first);
    fputs("NAME = 'bubble_microbatches'\n", out);
    plot_set_text(out, "TITLE", "Pipeline bubble by microbatches");
    plot_set_text(out, "SUBTITLE1", first);
    write_names(out, run, points);
    write_ticks(out, run, points);
    double highest = 0;
    for (int i = 0; i < points; i++)
        highest = fmax(highest, fmax(plot_mean_bubble(run[i]), run[i]->formula)); /* fmax skips NaN */
    plot_set_number(out, "HIGHEST", 100 * highest);
    fputs("# microbatches, bubble, formula in percent\n$D << EOD\n", out);
    for (int i = 0; i < points; i++) {
        if (i && !same_line(&run[i]->shape, &run[i - 1]->shape)) fputs("\n\n", out);
        fprintf(out, "%d ", run[i]->shape.microbatches);
        plot_number(out, 100 * plot_mean_bubble(run[i]));
        fputc(' ', out);
        plot_number(out, 100 * run[i]->formula);
        fputc('\n', out);
    }
    fputs("EOD\n", out);
    return true;
}
