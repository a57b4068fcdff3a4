/* expert_load.c - the data of the heat map of experts' load: a panel a layer, or a panel a run. */
#include <math.h>
#include <stdlib.h>
#include "sim/plot/chart.h"
#include "sim/plot/routing.h"
#include "sim/plot/text.h"
#include "sim/base/words.h"

enum { LAYERS_MOST = 4, PANELS_MOST = 8 };

typedef struct Panel {
    const PlotRun *run;
    size_t layer; /* of those with experts */
} Panel;

static double load_of(const Panel *p, size_t column, size_t expert)
{
    const PlotRouting *r = &p->run->routing;
    return r->load[(column * r->layers + p->layer) * r->experts + expert];
}

/* Of one run up to four layers from the first to the last, of several each one's last. */
static int choose(const PlotRun *runs, int count, Panel panel[PLOT_RUNS_MAX], char *why, size_t size)
{
    const char *reason[PLOT_RUNS_MAX] = {NULL};
    int panels = 0;
    for (int i = 0; i < count; i++) {
        reason[i] = runs[i].routing.why;
        if (!reason[i][0]) panel[panels++] = (Panel){&runs[i], runs[i].routing.layers - 1};
    }
    plot_reasons(runs, count, reason, why, size);
    if (panels == 0 || count > 1) return panels;
    const size_t layers = runs->routing.layers, shown = layers < LAYERS_MOST ? layers : LAYERS_MOST;
    for (size_t i = 0; i < shown; i++) panel[i] = (Panel){runs, plot_spread(i, shown, layers)};
    return (int)shown;
}

/* "layer 3, 8 experts. In the end the fullest has 3.2 times the even load, the emptiest 0.00". */
static void describe(const Panel *p, char *text, size_t size)
{
    const PlotRouting *r = &p->run->routing;
    double most = 0, least = INFINITY;
    for (size_t e = 0; e < r->experts; e++) { /* fmax and fmin skip NaN */
        most = fmax(most, load_of(p, r->columns - 1, e));
        least = fmin(least, load_of(p, r->columns - 1, e));
    }
    snprintf(text, size, "layer %.0f, %zu experts", r->layer[p->layer], r->experts);
    if (isfinite(least))
        words_append(text, size, ". In the end the fullest has %.2f times the even load, the emptiest %.2f",
                     most, least);
}

static void write_words(FILE *out, const PlotRun *runs, int count, int panels)
{
    char first[512], second[512] = "1: as many tokens as when all experts have the same",
                     line[PLOT_LABEL + 32];
    plot_describe(runs, count, first, sizeof first);
    if (count > 1) words_append(second, sizeof second, ". Of each run its last layer with experts");
    plot_routing_words(second, sizeof second, runs, count, panels, "column");
    snprintf(line, sizeof line, "Load of experts%s%s", count > 1 ? "" : ": ", count > 1 ? "" : runs->label);
    fputs("NAME = 'expert_load'\n", out);
    plot_set_text(out, "TITLE", line);
    plot_set_text(out, "SUBTITLE1", first);
    plot_set_text(out, "SUBTITLE2", second);
}

/* What gnuplot needs to place a panel's cells: its experts, and the steps of its columns. */
static void write_panel(FILE *out, const Panel *p, int number, bool several)
{
    const PlotRun *run = p->run;
    char name[32], head[256];
    describe(p, head, sizeof head);
    snprintf(name, sizeof name, "HEAD[%d]", number);
    plot_set_text(out, name, head);
    snprintf(name, sizeof name, "LABEL[%d]", number);
    plot_set_text(out, name, several ? run->label : "");
    fprintf(out, "EXPERTS[%d] = %zu; FIRST[%d] = %.17g; BLOCK[%d] = %zu\n", number, run->routing.experts,
            number, run->step[0], number, run->routing.block);
}

/* A line an expert, a number a column. */
static void write_cells(FILE *out, const Panel *p)
{
    const PlotRouting *r = &p->run->routing;
    for (size_t e = 0; e < r->experts; e++)
        for (size_t column = 0; column < r->columns; column++) {
            const double load = load_of(p, column, e);
            if (isfinite(load))
                fprintf(out, "%.4g", load);
            else
                fputs("NaN", out);
            fputc(column + 1 < r->columns ? ' ' : '\n', out);
        }
}

bool plot_expert_load(FILE *out, const PlotRun *runs, int count, char *why, size_t size)
{
    Panel panel[PLOT_RUNS_MAX];
    const int panels = choose(runs, count, panel, why, size);
    if (panels > PANELS_MOST) snprintf(why, size, "%d heat maps are too many; give at most 8 runs", panels);
    if (panels == 0 || panels > PANELS_MOST) return false;
    double low = INFINITY, high = 0, most = 2;
    size_t cells = 0;
    for (int p = 0; p < panels; p++) {
        const PlotRun *run = panel[p].run;
        low = fmin(low, run->step[0]);
        high = fmax(high, run->step[run->steps - 1]);
        cells += run->routing.columns * run->routing.experts;
        for (size_t c = 0; c < run->routing.columns; c++)
            for (size_t e = 0; e < run->routing.experts; e++) most = fmax(most, load_of(&panel[p], c, e));
    }
    write_words(out, runs, count, panels);
    plot_set_number(out, "STEP_FIRST", low);
    plot_set_number(out, "STEP_LAST", high);
    plot_set_number(out, "HIGHEST", most);
    fprintf(out, "CELLS = %zu\n", cells);
    fprintf(
        out,
        "PANELS = %d\narray HEAD[%d]; array LABEL[%d]; array EXPERTS[%d]; array FIRST[%d]; array BLOCK[%d]\n",
        panels, panels, panels, panels, panels, panels);
    for (int p = 0; p < panels; p++) write_panel(out, &panel[p], p + 1, count > 1);
    fputs("# load over the even one: a line an expert, a number a column; a block a panel\n$D << EOD\n", out);
    for (int p = 0; p < panels; p++) {
        if (p) fputs("\n\n", out);
        write_cells(out, &panel[p]);
    }
    fputs("EOD\n", out);
    return true;
}
