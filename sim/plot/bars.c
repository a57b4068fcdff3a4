/* bars.c - chooses the bars of a stacked chart, and the order, names and colours of their parts. */
#include "sim/plot/bars.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "sim/plot/time.h"

/* How a part is called and coloured, the same in every chart of every run, in
 * the order of the stack. Colours: Tol's bright and muted palettes, told apart
 * by the colour-blind; large parts that meet in one chart lie far apart. */
static const PlotLook looks[] = {
    {"compute", "compute", "#4477aa"},
    {"recompute", "recompute", "#66ccee"},

    {"parameters", "parameters", "#4477aa"},
    {"gradients", "gradients", "#66ccee"},
    {"optimizer", "optimizer", "#228833"},
    {"activations", "activations", "#ccbb44"},
    {"communication", "communication", "#aa3377"},
    {"workspace", "workspace", "#bbbbbb"},

    {"dp.broadcast", "dp.broadcast", "#ee7733"},
    {"dp.reduce", "dp.reduce", "#aa3377"},
    {"dp.scatter", "dp.scatter", "#ccbb44"},
    {"dp.gather", "dp.gather", "#ee6677"},
    {"dp.all_reduce", "dp.all_reduce", "#4477aa"},
    {"zero.reduce_scatter", "zero.reduce_scatter", "#66ccee"},
    {"zero.all_gather", "zero.all_gather", "#228833"},
    {"zero.norm", "zero.norm", "#332288"},
    {"tp.all_reduce", "tp.all_reduce", "#ee99aa"},
    {"tp.all_gather", "tp.all_gather", "#44bb99"},
    {"tp.reduce_scatter", "tp.reduce_scatter", "#99ddff"},
    {"tp.cross_entropy", "tp.cross_entropy", "#997700"},
    {"tp.gradients", "tp.gradients", "#994455"},
    {"tp.norm", "tp.norm", "#004488"},
    {"moe.counts", "moe.counts", "#bbcc33"},
    {"moe.dispatch", "moe.dispatch", "#ee8866"},
    {"moe.combine", "moe.combine", "#77aadd"},

    {"pp.send_forward", "pp.send_forward", "#ddaa33"},
    {"pp.send_backward", "pp.send_backward", "#bb5566"},
    {"pp.embedding", "pp.embedding", "#009988"},
    {"pp.norm", "pp.norm", "#555555"},
    {"moe.load", "moe.load", "#88ccee"},

    {"data", "data: dp, zero", "#aa3377"},
    {"tensor", "tensor: tp", "#ee6677"},
    {"expert", "expert: moe", "#ee8866"},
    {"pipeline", "pipeline: pp", "#ccbb44"},
    {"tp_exposed", "tensor-parallel wait", "#ee6677"},
    {"dp_exposed", "data-parallel wait", "#aa3377"},
    {"ep_exposed", "expert-parallel wait", "#ee8866"},
    {"pp_wire", "pipeline wire", "#ccbb44"},

    {"simulated", "simulated", "#4477aa"},
    {"measured", "measured", "#e69f00"},

    {"F", "forward", "#4477aa"},
    {"B", "backward", "#e69f00"},
    {"I", "input gradient", "#ee7733"},
    {"W", "weight gradient", "#ccbb44"},
    {"BALANCE", "sum loads of experts", "#117733"},
    {"REDUCE", "reduce gradients", "#66ccee"},
    {"UNSHARD", "unshard", "#aa3377"},
    {"RECV_F", "receive activations", "#99ddff"},
    {"RECV_B", "receive gradients", "#ee99aa"},
    {"SEND_F", "send activations", "#44aa99"},
    {"SEND_B", "send gradients", "#882255"},
    {"STEP", "optimizer step", "#228833"},

    {"", "", ""}, /* names that are not in this table stand here */

    {"init.broadcast", "init.broadcast", "#882255"},
    {"output.gather", "output.gather", "#999933"},
    {"control", "control", "#bbbbbb"},
    {"pp_idle", "pipeline idle", "#e3e3e3"},
    {plot_rest, "outside actions", "#e3e3e3"},
};
static const char *const spare_colours[] = {"#44aa99", "#cc6677", "#117733", "#ddcc77",
                                            "#88ccee", "#882255", "#999933"};
enum { LOOKS = sizeof looks / sizeof *looks, SPARES = sizeof spare_colours / sizeof *spare_colours };

static int part_of(const PlotStack *stack, const char *name)
{
    for (size_t i = 0; i < stack->parts; i++)
        if (!strcmp(stack->name[i], name)) return (int)i;
    return -1;
}

static size_t cell_of(const PlotBar *bar, int part)
{
    return (size_t)bar->rank * bar->stack->parts + (size_t)part;
}

double plot_bar_value(const PlotBar *bar, const char *name)
{
    const int part = part_of(bar->stack, name);
    return part < 0 ? 0 : bar->stack->value[cell_of(bar, part)];
}

static double theory_of(const PlotBar *bar, const char *name)
{
    const int part = part_of(bar->stack, name);
    return part < 0 ? NAN : bar->stack->theory[cell_of(bar, part)];
}

/* The sum of the bar's formulas; NaN when it has none. */
double plot_bar_formula(const PlotBar *bar)
{
    double sum = NAN;
    for (size_t i = 0; i < bar->stack->parts; i++) {
        const double theory = bar->stack->theory[cell_of(bar, (int)i)];
        if (!isnan(theory)) sum = isnan(sum) ? theory : sum + theory;
    }
    return sum;
}

double plot_bar_crest(const PlotBar *bar)
{
    const double marks = fmax(plot_bar_formula(bar), bar->stack->mark[bar->rank]); /* fmax skips NaN */
    return fmax(plot_stack_total(bar->stack, bar->rank), marks);
}

/* ---- which bars ---- */

static int by_number(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

int plot_choose_ranks(const double *height, int ranks, int chosen[PLOT_BARS_MAX], int *stride)
{
    *stride = (ranks + PLOT_RANKS_ALL - 1) / PLOT_RANKS_ALL;
    int count = 0, low = 0, high = 0, distinct = 0;
    for (int rank = 0; rank < ranks; rank++) {
        if (height[rank] < height[low]) low = rank;
        if (height[rank] > height[high]) high = rank;
        if (rank % *stride == 0) chosen[count++] = rank;
    }
    chosen[count++] = low;
    chosen[count++] = high;
    qsort(chosen, (size_t)count, sizeof *chosen, by_number);
    for (int i = 0; i < count; i++)
        if (i == 0 || chosen[i] != chosen[i - 1]) chosen[distinct++] = chosen[i];
    return distinct;
}

bool plot_bars_are_stages(const PlotKind *kind, const PlotRun *run)
{
    return kind->by_stage && run->shape.mesh.pp > 1 && run->shape.mesh.pp <= PLOT_RANKS_ALL;
}

static void bars_of_stages(PlotBars *bars, const PlotKind *kind, const PlotRun *run)
{
    bars->count = run->shape.mesh.pp;
    for (int pipe = 0; pipe < bars->count; pipe++)
        bars->bar[pipe] = (PlotBar){run, kind->stack(run), plot_row_at(run, (MeshPlace){.pipe = pipe})};
    if (run->ranks > bars->count)
        snprintf(bars->sampled, sizeof bars->sampled, "A bar is of the stage's first rank. ");
}

static void bars_of_ranks(PlotBars *bars, const PlotKind *kind, const PlotRun *run)
{
    const PlotStack *stack = kind->stack(run);
    double *height = allocate((size_t)run->recorded * sizeof *height);
    for (int rank = 0; rank < run->recorded; rank++) height[rank] = kind->height(stack, rank);
    int chosen[PLOT_BARS_MAX], stride;
    bars->count = plot_choose_ranks(height, run->recorded, chosen, &stride);
    for (int i = 0; i < bars->count; i++) bars->bar[i] = (PlotBar){run, stack, chosen[i]};
    if (run->recorded < run->ranks)
        snprintf(bars->sampled, sizeof bars->sampled, "A bar is of its rank and those up to the next. ");
    else if (stride > 1)
        snprintf(bars->sampled, sizeof bars->sampled,
                 "%d of %d ranks: one in %d, the lowest and the highest. ", bars->count, run->recorded,
                 stride);
    free(height);
}

static void bars_of_runs(PlotBars *bars, const PlotKind *kind, const PlotRun *runs, int count)
{
    const char *reason[PLOT_RUNS_MAX] = {NULL};
    for (int i = 0; i < count; i++) {
        const PlotStack *stack = kind->stack(&runs[i]);
        reason[i] = stack->why;
        if (reason[i][0]) continue;
        int highest = 0;
        for (int rank = 1; rank < runs[i].recorded; rank++)
            if (kind->height(stack, rank) > kind->height(stack, highest)) highest = rank;
        bars->bar[bars->count++] = (PlotBar){&runs[i], stack, highest};
    }
    plot_reasons(runs, count, reason, bars->left_out, sizeof bars->left_out);
}

/* ---- which parts ---- */

static int look_of(const char *name)
{
    int other = 0;
    for (int i = 0; i < LOOKS; i++) {
        if (!strcmp(looks[i].name, name)) return i;
        if (!looks[i].name[0]) other = i;
    }
    return other;
}

const PlotLook *plot_look(const char *name)
{
    return &looks[look_of(name)];
}

/* Stacks with what formulas cover at the bottom, so that the formula's mark meets its top. */
static int by_place(const void *a, const void *b)
{
    const PlotPart *x = a, *y = b;
    if (x->covered != y->covered) return x->covered ? -1 : 1;
    return x->place != y->place ? x->place - y->place : strcmp(x->name, y->name);
}

/* An unknown name picks a colour by its letters, the next free one if taken. */
static void dress_parts(PlotBars *bars)
{
    bool taken[SPARES] = {false};
    for (size_t p = 0; p < bars->parts; p++) {
        PlotPart *part = &bars->part[p];
        part->title = looks[part->place].title;
        part->colour = looks[part->place].colour;
        if (part->colour[0]) continue;
        part->title = part->name;
        size_t spare = 0, tries = 0;
        for (const char *c = part->name; *c; c++) spare = (spare * 31 + (unsigned char)*c) % SPARES;
        while (taken[spare] && tries++ < SPARES) spare = (spare + 1) % SPARES;
        taken[spare] = true;
        part->colour = spare_colours[spare];
    }
}

/* The names that have any bytes, seconds or theory in some bar. */
static void collect_parts(PlotBars *bars)
{
    size_t most = 0;
    for (int b = 0; b < bars->count; b++) most += bars->bar[b].stack->parts;
    bars->part = allocate_zeroed(most, sizeof *bars->part);
    for (int b = 0; b < bars->count; b++)
        for (size_t i = 0; i < bars->bar[b].stack->parts; i++) {
            PlotPart part = {.name = bars->bar[b].stack->name[i], .covered = true};
            bool known = false, wanted = false;
            for (size_t p = 0; p < bars->parts; p++) known = known || !strcmp(bars->part[p].name, part.name);
            for (int other = 0; other < bars->count; other++) {
                const double value = plot_bar_value(&bars->bar[other], part.name);
                const double theory = theory_of(&bars->bar[other], part.name);
                wanted = wanted || value > 0 || theory > 0;
                part.covered = part.covered && (value == 0 || !isnan(theory));
                part.highest = fmax(part.highest, value);
            }
            part.place = look_of(part.name);
            if (wanted && !known) bars->part[bars->parts++] = part;
        }
    qsort(bars->part, bars->parts, sizeof *bars->part, by_place);
    dress_parts(bars);
    for (int b = 0; b < bars->count; b++) bars->highest = fmax(bars->highest, plot_bar_crest(&bars->bar[b]));
}

bool plot_bars_make(PlotBars *bars, const PlotKind *kind, const PlotRun *runs, int count)
{
    memset(bars, 0, sizeof *bars);
    if (count > 1)
        bars_of_runs(bars, kind, runs, count);
    else if (kind->stack(runs)->why[0])
        snprintf(bars->left_out, sizeof bars->left_out, "%s", kind->stack(runs)->why);
    else if (plot_bars_are_stages(kind, runs))
        bars_of_stages(bars, kind, runs);
    else
        bars_of_ranks(bars, kind, runs);
    if (bars->count == 0) return false;
    collect_parts(bars);
    return true;
}
