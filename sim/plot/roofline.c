/* roofline.c - the data of the roofline (Williams et al. 2009): kernels by kind, what they reach at their operations a
 * byte, under the peak and the bandwidth of the chip. */
#include <math.h>
#include <stdlib.h>
#include "sim/base/words.h"
#include "sim/plot/chart.h"
#include "sim/plot/text.h"

static int by_seconds(const void *a, const void *b)
{
    const PlotKindOfWork *x = a, *y = b;
    return (x->seconds < y->seconds) - (x->seconds > y->seconds);
}

static void write_kinds(FILE *out, const PlotWork *work)
{
    fprintf(out, "KINDS = %zu\narray NAMES[%zu] = [", work->kinds, work->kinds);
    for (size_t k = 0; k < work->kinds; k++) {
        const PlotKindOfWork *kind = &work->kind[k];
        const double percent = 100 * kind->seconds / work->seconds;
        char name[96];
        snprintf(name, sizeof name, percent < 0.1 ? "%s, below 0.1 %%" : "%s, %.1f %%", kind->name, percent);
        if (k) fputs(", ", out);
        plot_quote(out, name);
    }
    fputs("]\n# operations a byte, TFLOP/s, share of the kernels' seconds\n$D << EOD\n", out);
    for (size_t k = 0; k < work->kinds; k++) {
        const PlotKindOfWork *kind = &work->kind[k];
        plot_number(out, kind->flops / kind->bytes);
        fputc(' ', out);
        plot_number(out, kind->flops / kind->seconds / 1e12);
        fputc(' ', out);
        plot_number(out, kind->seconds / work->seconds);
        fputc('\n', out);
    }
    fputs("EOD\n", out);
}

/* Where the axes end: the points, and where the roof bends. */
static void write_bounds(FILE *out, const PlotWork *work)
{
    double left = work->peak / work->bandwidth, right = left, low = work->peak;
    for (size_t k = 0; k < work->kinds; k++) {
        const PlotKindOfWork *kind = &work->kind[k];
        left = fmin(left, kind->flops / kind->bytes);
        right = fmax(right, kind->flops / kind->bytes);
        low = fmin(low, kind->flops / kind->seconds);
    }
    plot_set_number(out, "LEFT", left);
    plot_set_number(out, "RIGHT", right);
    plot_set_number(out, "LOW", low / 1e12);
    plot_set_number(out, "PEAK", work->peak / 1e12);
    plot_set_number(out, "BANDWIDTH", work->bandwidth / 1e12);
}

/* What is fused with its neighbour leaves operands on the chip. */
static bool is_above(const PlotKindOfWork *kind, const PlotWork *work)
{
    return kind->flops / kind->seconds > fmin(work->peak, work->bandwidth * kind->flops / kind->bytes);
}

bool plot_roofline(FILE *out, const PlotRun *runs, int count, char *why, size_t size)
{
    const PlotWork *work = &runs->work;
    snprintf(why, size, "%s", count > 1 ? "several runs; give one" : work->why);
    if (why[0]) return false;
    qsort(work->kind, work->kinds, sizeof *work->kind, by_seconds);
    char first[512], second[256];
    plot_describe(runs, count, first, sizeof first);
    snprintf(second, sizeof second,
             "On %.64s. A point is as large as its kind's share of the kernels' seconds", work->machine);
    for (size_t k = 0; k < work->kinds; k++)
        if (is_above(&work->kind[k], work)) {
            words_append(second, sizeof second, ". Above the roof: fused, so operands stay on the chip");
            break;
        }
    fputs("NAME = 'roofline'\n", out);
    char title[128];
    snprintf(title, sizeof title, "Kernels of a step under the roof of the chip: %.64s", runs->label);
    plot_set_text(out, "TITLE", title);
    plot_set_text(out, "SUBTITLE1", first);
    plot_set_text(out, "SUBTITLE2", second);
    write_bounds(out, work);
    write_kinds(out, work);
    return true;
}
