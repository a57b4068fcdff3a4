/* memory_timeline.c - the memory timeline's data: bytes held by category over a step, a
 * panel a rank of one run, or one of each run. */
#include <math.h>
#include <string.h>
#include "sim/plot/bars.h"
#include "sim/plot/simulated.h"
#include "sim/base/units.h"
#include "sim/base/words.h"

enum { PANELS_MOST = 8, KINDS_MOST = 16 };

/* A rank's part of a run's moments. */
typedef struct Panel {
    const PlotRun *run;
    size_t first, count, peak; /* peak: which moment has the highest */
    int waiting;               /* the most microbatches for their backward */
} Panel;

typedef struct Chart {
    Panel panel[PANELS_MOST];
    int panels;
    const char *kind[KINDS_MOST]; /* categories thick enough to see, from the bottom up */
    int kinds;
    Unit bytes, time;
    double highest, end;
} Chart;

/* ---- which panels ---- */

static Panel panel_of(const PlotRun *run, int rank)
{
    const PlotMoments *m = &run->moments;
    Panel panel = {.run = run};
    while (panel.first < m->count && m->moment[panel.first].rank != rank) panel.first++;
    panel.peak = panel.first;
    for (size_t i = panel.first; i < m->count && m->moment[i].rank == rank; i++, panel.count++) {
        if (m->moment[i].highest > m->moment[panel.peak].highest) panel.peak = i;
        if (m->moment[i].waiting > panel.waiting) panel.waiting = m->moment[i].waiting;
    }
    return panel;
}

static double peak_of(const Panel *panel)
{
    return panel->run->moments.moment[panel->peak].highest;
}

/* The rank with the highest peak, or the lowest. */
static int extreme(const PlotRun *run, bool lowest)
{
    const PlotMoments *m = &run->moments;
    const PlotMoment *found = m->moment;
    for (size_t i = 0; i < m->count;) {
        const PlotMoment *peak = &m->moment[i];
        const int rank = peak->rank;
        for (; i < m->count && m->moment[i].rank == rank; i++)
            if (m->moment[i].highest > peak->highest) peak = &m->moment[i];
        if (found->rank == rank || (lowest ? peak->highest < found->highest : peak->highest > found->highest))
            found = peak;
    }
    return found->rank;
}

static void add_panel(Chart *chart, const PlotRun *run, int rank)
{
    const Panel panel = panel_of(run, rank);
    if (panel.count == 0) return;
    chart->highest = fmax(chart->highest, peak_of(&panel));
    chart->end = fmax(chart->end, run->moments.end);
    chart->panel[chart->panels++] = panel;
}

/* Of one run. Says which ranks these are. */
static void choose_ranks(Chart *chart, const PlotRun *run, char *words, size_t size)
{
    const RunShape *shape = &run->shape;
    if (shape->mesh.pp > 1) {
        const int stride = (shape->mesh.pp + PANELS_MOST - 1) / PANELS_MOST;
        for (int pipe = 0; pipe < shape->mesh.pp; pipe += stride)
            add_panel(chart, run, plot_row_at(run, (MeshPlace){.pipe = pipe}));
        words_append(words, size, "%s of the first data replica and tensor rank",
                     stride > 1 ? "Some pipeline ranks" : "Pipeline ranks");
        return;
    }
    const int high = extreme(run, false), low = extreme(run, true);
    add_panel(chart, run, high);
    const Panel lowest = panel_of(run, low);
    if (peak_of(&lowest) < peak_of(&chart->panel[0])) {
        add_panel(chart, run, low);
        words_append(words, size, "The ranks with the highest and the lowest peak");
    } else
        words_append(words, size, run->ranks > 1 ? "All ranks peak alike: one of them" : "The only rank");
}

/* ---- writing ---- */

static double held(const Panel *panel, size_t moment, const char *kind)
{
    const PlotMoments *m = &panel->run->moments;
    for (size_t i = 0; i < m->parts; i++)
        if (!strcmp(m->name[i], kind)) return m->held[moment * m->parts + i];
    return 0;
}

static void collect_kinds(Chart *chart)
{
    for (int p = 0; p < chart->panels; p++) {
        const Panel *panel = &chart->panel[p];
        const PlotMoments *m = &panel->run->moments;
        for (size_t i = 0; i < m->parts; i++) {
            bool wanted = false;
            for (size_t k = 0; k < panel->count; k++)
                wanted = wanted || held(panel, panel->first + k, m->name[i]) > 0.005 * chart->highest;
            for (int k = 0; k < chart->kinds; k++) wanted = wanted && strcmp(chart->kind[k], m->name[i]) != 0;
            if (wanted && chart->kinds < KINDS_MOST) chart->kind[chart->kinds++] = m->name[i];
        }
    }
}

/* A line of $D: time, the most held then, and the tops of the stack after `moment`. `highest` 0: the stack's. */
static void write_line(FILE *out, const Chart *chart, const Panel *panel, double time, double highest,
                       size_t moment)
{
    double top = 0;
    for (int k = 0; k < chart->kinds; k++) top += held(panel, moment, chart->kind[k]);
    fprintf(out, "%.9g %.9g", time / chart->time.scale, fmax(top, highest) / chart->bytes.scale);
    top = 0;
    for (int k = 0; k < chart->kinds; k++)
        fprintf(out, " %.9g", (top += held(panel, moment, chart->kind[k])) / chart->bytes.scale);
    fputc('\n', out);
}

/* While an action runs the stack stays as it was before; a step begins as it ends. */
static void write_panel(FILE *out, const Chart *chart, const Panel *panel)
{
    const PlotMoment *moment = panel->run->moments.moment;
    size_t before = panel->first + panel->count - 1;
    write_line(out, chart, panel, 0, 0, before);
    for (size_t i = panel->first; i < panel->first + panel->count; before = i++) {
        write_line(out, chart, panel, moment[i].start, 0, before);
        write_line(out, chart, panel, moment[i].start, moment[i].highest, before);
        write_line(out, chart, panel, moment[i].end, moment[i].highest, before);
        write_line(out, chart, panel, moment[i].end, 0, i);
    }
    write_line(out, chart, panel, panel->run->moments.end, 0, before);
}

/* "rank 2. Peak 8.75 MB in F. At most 4 of 8 microbatches in flight"; "11 of 16 (8 microbatches on 2 stages)" */
static void describe(const Panel *panel, char *text, size_t size)
{
    const PlotRun *run = panel->run;
    const PlotMoment *peak = &run->moments.moment[panel->peak];
    char bytes[32];
    unit_show(bytes, sizeof bytes, peak->highest, unit_of_bytes);
    snprintf(text, size, "rank %d. Peak %s in %s", panel->run->rank[peak->rank], bytes, peak->action);
    if (run->shape.mesh.pp == 1) return;
    const int m = run->shape.microbatches, v = run->shape.virtual_stages;
    const char *es = m == 1 ? "" : "es";
    if (v > 1)
        words_append(text, size, ". At most %d of %d (%d microbatch%s on %d stages) in flight",
                     panel->waiting, m * v, m, es, v);
    else
        words_append(text, size, ". At most %d of %d microbatch%s in flight", panel->waiting, m, es);
}

static void write_text(FILE *out, const char *array, int index, const char *text)
{
    char name[32];
    snprintf(name, sizeof name, "%s[%d]", array, index);
    plot_set_text(out, name, text);
}

static void write_chart(FILE *out, const Chart *chart, bool compare)
{
    plot_set_text(out, "BYTES", chart->bytes.name);
    plot_set_text(out, "TIME", chart->time.name);
    fprintf(out, "HIGHEST = %.9g\nEND = %.9g\n", chart->highest / chart->bytes.scale,
            chart->end > 0 ? chart->end / chart->time.scale : 1);
    fprintf(out, "KINDS = %d\narray KIND[%d]; array COLOUR[%d]\n", chart->kinds, chart->kinds, chart->kinds);
    for (int k = 0; k < chart->kinds; k++) {
        write_text(out, "KIND", k + 1, chart->kind[k]);
        write_text(out, "COLOUR", k + 1, plot_look(chart->kind[k])->colour);
    }
    fprintf(out, "PANELS = %d\narray HEAD[%d]; array LABEL[%d]; array PEAK_AT[%d]; array PEAK[%d]\n",
            chart->panels, chart->panels, chart->panels, chart->panels, chart->panels);
    for (int p = 0; p < chart->panels; p++) {
        const Panel *panel = &chart->panel[p];
        const PlotMoment *peak = &panel->run->moments.moment[panel->peak];
        char head[256];
        describe(panel, head, sizeof head);
        write_text(out, "HEAD", p + 1, head);
        write_text(out, "LABEL", p + 1, compare ? panel->run->label : "");
        fprintf(out, "PEAK_AT[%d] = %.9g\nPEAK[%d] = %.9g\n", p + 1,
                (peak->start + peak->end) / 2 / chart->time.scale, p + 1, peak->highest / chart->bytes.scale);
    }
    fputs("# time, the most held, then the tops of the stack; a block a panel\n$D << EOD\n", out);
    for (int p = 0; p < chart->panels; p++) {
        if (p) fputs("\n\n", out);
        write_panel(out, chart, &chart->panel[p]);
    }
    fputs("EOD\n", out);
}

bool plot_memory_timeline(FILE *out, const PlotRun *runs, int count, char *why, size_t size)
{
    Chart chart = {.panels = 0};
    char first[512], second[256], title[PLOT_LABEL + 32];
    if (!plot_one_clock(runs, count, why, size)) return false;
    plot_describe(runs, count, first, sizeof first);
    if (first[0]) words_append(first, sizeof first, ". ");
    for (int i = 0; i < count; i++) {
        if (runs[i].moments.why[0])
            words_append(why, size, "%s%s%s%s", why[0] ? "; " : "", count > 1 ? runs[i].label : "",
                         count > 1 ? ": " : "", runs[i].moments.why);
        else if (chart.panels == PANELS_MOST) {
            snprintf(why, size, "more than %d memory timelines are too many; give fewer runs", PANELS_MOST);
            return false;
        } else if (count == 1)
            choose_ranks(&chart, runs, first, sizeof first);
        else
            add_panel(&chart, &runs[i], extreme(&runs[i], false));
    }
    if (chart.panels == 0) return false;
    collect_kinds(&chart);
    chart.bytes = unit_of_bytes(chart.highest);
    chart.time = runs->shape.ideal ? unit_of_forwards(chart.end) : unit_of_seconds(chart.end);

    if (count > 1) words_append(first, sizeof first, "The rank with the highest peak of each run");
    snprintf(second, sizeof second,
             "Colours: held as each action ends. Light: the most while it runs. Dot: the peak of the step");
    plot_explain_unit(runs, second, sizeof second);
    snprintf(title, sizeof title, "Memory over a step%s%s", count > 1 ? "" : ": ",
             count > 1 ? "" : runs[0].label);
    fputs("NAME = 'memory_timeline'\n", out);
    plot_set_text(out, "TITLE", title);
    plot_set_text(out, "SUBTITLE1", first);
    plot_set_text(out, "SUBTITLE2", second);
    write_chart(out, &chart, count > 1);
    return true;
}
