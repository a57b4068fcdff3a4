/* routing.c - the load of experts, reduced to as many columns as a chart can show. */
#include "sim/plot/routing.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "sim/base/words.h"

enum { COLUMNS_MAX = 300 }; /* a panel has some 900 pixels */

/* Adds a layer's loads of one step to those of its column. False when nobody chose. */
static bool add_layer(const double *load, size_t experts, double *sum, double *imbalance)
{
    double total = 0, most = 0;
    for (size_t e = 0; e < experts; e++) {
        total += load[e];
        most = fmax(most, load[e]);
    }
    if (!(total > 0)) return false; /* NaN, too: it was not recorded */
    const double even = total / (double)experts;
    for (size_t e = 0; e < experts; e++) sum[e] += load[e] / even;
    *imbalance += most / even;
    return true;
}

/* From sums of steps to their means; NaN where there was none. */
static void take_means(PlotRouting *r, const size_t *added)
{
    for (size_t cell = 0; cell < r->columns * r->layers; cell++) {
        const double steps = added[cell] ? (double)added[cell] : (double)NAN;
        for (size_t e = 0; e < r->experts; e++) r->load[cell * r->experts + e] /= steps;
        r->imbalance[cell] /= steps;
    }
}

static bool read_loads(const RunFile *file, PlotRun *run, Error *error)
{
    PlotRouting *r = &run->routing;
    r->block = (run->steps + COLUMNS_MAX - 1) / COLUMNS_MAX;
    r->columns = (run->steps + r->block - 1) / r->block;
    const size_t cells = r->columns * r->layers;
    r->load = allocate_zeroed(cells * r->experts, sizeof *r->load);
    r->imbalance = allocate_zeroed(cells, sizeof *r->imbalance);
    size_t *added = allocate_zeroed(cells, sizeof *added), all = 0;
    double *row = allocate(r->layers * r->experts * sizeof *row);
    bool read = true;
    for (size_t step = 0; read && step < run->steps; step++) {
        read = run_file_rows(file, "/moe/load", step, 1, row, error);
        for (size_t y = 0; read && y < r->layers; y++) {
            const size_t cell = step / r->block * r->layers + y;
            const bool good =
                add_layer(row + y * r->experts, r->experts, r->load + cell * r->experts, &r->imbalance[cell]);
            added[cell] += good;
            all += good;
        }
    }
    take_means(r, added);
    if (all == 0) snprintf(r->why, PLOT_WHY, "no step has a load of experts");
    free(row);
    free(added);
    return read;
}

bool plot_routing_read(const RunFile *file, PlotRun *run, Error *error)
{
    PlotRouting *r = &run->routing;
    r->layers = file->layers;
    r->experts = file->experts;
    if (r->experts == 0)
        snprintf(r->why, PLOT_WHY, "no layer has experts");
    else if (run->dry)
        snprintf(r->why, PLOT_WHY, "a dry run assumes the load of experts");
    else if (run->steps == 0)
        snprintf(r->why, PLOT_WHY, "no step was finished");
    if (r->why[0]) return true;
    r->layer = run_file_first(file, "/moe/layer", r->layers, error);
    return r->layer && read_loads(file, run, error);
}

size_t plot_spread(size_t i, size_t shown, size_t count)
{
    return shown < 2 ? 0 : (i * (count - 1) + (shown - 1) / 2) / (shown - 1);
}

double plot_routing_step(const PlotRun *run, size_t column)
{
    const size_t block = run->routing.block, first = column * block;
    const size_t end = first + block < run->steps ? first + block : run->steps;
    return (run->step[first] + run->step[end - 1]) / 2;
}

void plot_routing_words(char *text, size_t size, const PlotRun *runs, int count, int shown, const char *mark)
{
    size_t block = 1;
    for (int i = 0; i < count; i++)
        if (runs[i].routing.block > block) block = runs[i].routing.block;
    if (count == 1 && (size_t)shown < runs->routing.layers)
        words_append(text, size, ". %d of %zu layers with experts; the others are left out", shown,
                     runs->routing.layers);
    if (block > 1)
        words_append(text, size, ". A %s: the mean of %s%zu steps", mark, count > 1 ? "up to " : "", block);
}
