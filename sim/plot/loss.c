/* loss.c - the loss chart's data: one run with its gradient norm and
 * learning rate, or the losses of several runs side by side. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "sim/plot/chart.h"
#include "sim/plot/text.h"
#include "sim/base/tail.h"
#include "sim/base/words.h"

/* Longer columns are drawn as the means of equal blocks: a chart has some 800 pixels. */
enum { ROWS_MAX = 8000, PANELS_MAX = 2 };

typedef struct Losses {
    const PlotRun *run[PLOT_RUNS_MAX];
    int runs;
    double *step, *row; /* [rows]; [rows][columns] the loss of each run, NaN where it has none */
    size_t rows, columns, block;
    double low, high; /* of all losses and floors */
} Losses;

/* ---- reducing ---- */

static double smallest_step(const Losses *losses, const size_t *next)
{
    double step = INFINITY;
    for (int i = 0; i < losses->runs; i++)
        if (next[i] < losses->run[i]->steps) step = fmin(step, losses->run[i]->step[next[i]]);
    return step;
}

/* A row for each step that any run has. */
static void align(Losses *losses)
{
    size_t next[PLOT_RUNS_MAX] = {0}, most = 0;
    for (int i = 0; i < losses->runs; i++) most += losses->run[i]->steps;
    losses->step = allocate(most * sizeof *losses->step);
    losses->row = allocate(most * losses->columns * sizeof *losses->row);
    for (double step; isfinite(step = smallest_step(losses, next)); losses->rows++) {
        double *row = losses->row + losses->rows * losses->columns;
        losses->step[losses->rows] = step;
        for (int i = 0; i < losses->runs; i++) {
            const PlotRun *run = losses->run[i];
            const bool here = next[i] < run->steps && run->step[next[i]] == step;
            row[i] = here ? run->loss[next[i]] : NAN;
            if (losses->runs == 1) {
                row[1] = run->grad_norm[next[i]];
                row[2] = run->learning_rate[next[i]];
            }
            next[i] += here;
        }
    }
}

/* Means of `block` rows; a block without a finite value stays NaN. */
static void thin(Losses *losses)
{
    losses->block = (losses->rows + ROWS_MAX - 1) / ROWS_MAX;
    if (losses->block == 1) return;
    size_t rows = 0;
    for (size_t first = 0; first < losses->rows; first += losses->block, rows++) {
        const size_t end = first + losses->block < losses->rows ? first + losses->block : losses->rows;
        losses->step[rows] = losses->step[first];
        for (size_t c = 0; c < losses->columns; c++) {
            double sum = 0;
            size_t finite = 0;
            for (size_t r = first; r < end; r++) {
                const double value = losses->row[r * losses->columns + c];
                if (!isfinite(value)) continue;
                sum += value;
                finite++;
            }
            losses->row[rows * losses->columns + c] = finite ? sum / (double)finite : NAN;
        }
    }
    losses->rows = rows;
}

static double highest(const Losses *losses, size_t column)
{
    double high = NAN;
    for (size_t r = 0; r < losses->rows; r++) {
        const double value = losses->row[r * losses->columns + column];
        if (isfinite(value)) high = fmax(high, value);
    }
    return high;
}

static void find_range(Losses *losses)
{
    losses->low = INFINITY;
    losses->high = -INFINITY;
    for (int i = 0; i < losses->runs; i++) {
        for (size_t r = 0; r < losses->rows; r++) {
            const double value = losses->row[r * losses->columns + (size_t)i];
            if (!isfinite(value)) continue;
            losses->low = fmin(losses->low, value);
            losses->high = fmax(losses->high, value);
        }
        losses->low = fmin(losses->low, losses->run[i]->entropy); /* fmin skips NaN */
        losses->high = fmax(losses->high, losses->run[i]->entropy);
    }
}

/* The powers of ten around the distances from the first run that are not 0; both 0 when there are none. */
static void find_distances(const Losses *losses, double *low, double *high)
{
    *low = INFINITY;
    *high = 0;
    for (size_t r = 0; r < losses->rows; r++)
        for (int i = 1; i < losses->runs; i++) {
            const double *row = losses->row + r * losses->columns, distance = fabs(row[i] - row[0]);
            if (!isfinite(distance) || distance == 0) continue;
            *low = fmin(*low, distance);
            *high = fmax(*high, distance);
        }
    *low = *high > 0 ? pow(10, floor(log10(*low))) : 0;
    *high = *high > 0 ? pow(10, ceil(log10(*high) + 1e-9)) : 0;
}

/* ---- writing ---- */

/* The floors that differ: one line each, with the run's name when there are several. */
static void write_floors(FILE *out, const Losses *losses)
{
    const PlotRun *floor[PLOT_RUNS_MAX];
    int floors = 0;
    for (int i = 0; i < losses->runs; i++) {
        bool known = isnan(losses->run[i]->entropy);
        for (int j = 0; j < floors; j++) known = known || floor[j]->entropy == losses->run[i]->entropy;
        if (!known) floor[floors++] = losses->run[i];
    }
    fprintf(out, "FLOORS = %d\n", floors);
    if (floors == 0) return;
    fprintf(out, "array FLOOR[%d] = [", floors);
    for (int i = 0; i < floors; i++) fprintf(out, "%s%.17g", i ? ", " : "", floor[i]->entropy);
    fprintf(out, "]\narray FLOOR_OF[%d] = [", floors);
    for (int i = 0; i < floors; i++) {
        char text[PLOT_LABEL + 32];
        snprintf(text, sizeof text, "entropy of the data%s%s:", floors > 1 ? ", " : "",
                 floors > 1 ? floor[i]->label : "");
        if (i) fputs(", ", out);
        plot_quote(out, text);
    }
    fputs("]\n", out);
}

/* The smallest of 1, 2, 5, 10 times a power of ten that gives at most three tics above 0. */
static double tic(double high)
{
    const double step = pow(10, floor(log10(high / 3))), times = high / 3 / step;
    return times <= 1 ? step : times <= 2 ? 2 * step : times <= 5 ? 5 * step : 10 * step;
}

/* Gradient norm and learning rate, as far as the run has them. */
static void write_panels(FILE *out, const Losses *losses)
{
    static const char *const names[PANELS_MAX] = {"gradient norm", "learning rate"};
    int panels = 0;
    fprintf(out, "array PANEL[%d]; array PANEL_COLUMN[%d]; array PANEL_HIGH[%d]; array PANEL_TIC[%d]\n",
            PANELS_MAX, PANELS_MAX, PANELS_MAX, PANELS_MAX);
    for (int i = 0; losses->runs == 1 && i < PANELS_MAX; i++) {
        const double high = highest(losses, (size_t)i + 1);
        if (!(high >= 0)) continue;
        panels++;
        fprintf(
            out, "PANEL[%d] = '%s'; PANEL_COLUMN[%d] = %d; PANEL_HIGH[%d] = %.17g; PANEL_TIC[%d] = %.17g\n",
            panels, names[i], panels, i + 3, panels, high > 0 ? high : 1, panels, tic(high > 0 ? high : 1));
    }
    fprintf(out, "PANELS = %d\n", panels);
}

static size_t count_skipped(const PlotRun *run)
{
    size_t skipped = 0;
    for (size_t i = 0; i < run->steps; i++) skipped += run->skipped[i] > 0;
    return skipped;
}

/* The steps that an overflow in fp16 made some run skip. */
static void write_skipped(FILE *out, const Losses *losses)
{
    size_t skipped = 0;
    for (int i = 0; i < losses->runs; i++) skipped += count_skipped(losses->run[i]);
    fprintf(out, "SKIPPED = %zu\n", skipped);
    fputs("# a skipped step, the run\n$S << EOD\n", out);
    if (!skipped) fputs("NaN NaN\n", out); /* gnuplot wants a block that is not drawn as well */
    for (int i = 0; i < losses->runs; i++)
        for (size_t s = 0; s < losses->run[i]->steps; s++)
            if (losses->run[i]->skipped[s] > 0) fprintf(out, "%.0f %d\n", losses->run[i]->step[s], i + 1);
    fputs("EOD\n", out);
}

/* How the run ended: the mean of its last tenth beside the floor. */
static void write_end(char *line, size_t size, const PlotRun *run)
{
    const size_t last = tail_count(run->steps);
    const double mean = tail_mean(run->loss, run->steps);
    if (!isfinite(mean)) {
        size_t first = 0;
        while (isfinite(run->loss[first])) first++;
        words_append(line, size, "The loss is not finite from step %.0f on", run->step[first]);
        return;
    }
    if (last > 1)
        words_append(line, size, "Mean of the last %zu steps: %.4g", last, mean);
    else
        words_append(line, size, "Last step: %.4g", mean);
    if (run->entropy > 0)
        words_append(line, size, ", %.1f %% %s the entropy of the data", 100 * fabs(mean / run->entropy - 1),
                     mean < run->entropy ? "below" : "above");
}

static void write_words(FILE *out, const Losses *losses)
{
    char first[512], second[512] = "", line[PLOT_LABEL + 32];
    const PlotRun *reference = losses->run[0];
    PlotRun shown[PLOT_RUNS_MAX];
    for (int i = 0; i < losses->runs; i++) shown[i] = *losses->run[i];
    plot_describe(shown, losses->runs, first, sizeof first);
    if (first[0]) words_append(first, sizeof first, ". ");
    if (losses->runs == 1) {
        words_append(first, sizeof first, "%s%zu step%s",
                     reference->complete ? "" : "Unfinished: ", reference->steps,
                     reference->steps == 1 ? "" : "s");
        if (count_skipped(reference))
            words_append(first, sizeof first, ", %zu skipped for an overflow (marks)",
                         count_skipped(reference));
        write_end(second, sizeof second, reference);
    } else {
        words_append(first, sizeof first, "The first run, %s, is the grey band", reference->label);
        words_append(second, sizeof second,
                     "Lower panel: distance of the others from it; 0 is equal to the last bit");
    }
    if (losses->block > 1)
        words_append(second, sizeof second, ". Each point: the mean of %zu steps", losses->block);
    snprintf(line, sizeof line, "Training loss%s%s", losses->runs > 1 ? "" : ": ",
             losses->runs > 1 ? "" : reference->label);
    fputs("NAME = 'loss'\n", out);
    plot_set_text(out, "TITLE", line);
    plot_set_text(out, "SUBTITLE1", first);
    plot_set_text(out, "SUBTITLE2", second);
}

static void write_losses(FILE *out, const Losses *losses)
{
    double low, high;
    write_words(out, losses);
    fprintf(out, "RUNS = %d\narray NAMES[%d] = [", losses->runs, losses->runs);
    for (int i = 0; i < losses->runs; i++) {
        if (i) fputs(", ", out);
        plot_quote(out, losses->run[i]->label);
    }
    fprintf(out, "]\nROWS = %zu\n", losses->rows);
    plot_set_number(out, "STEP_FIRST", losses->step[0]);
    plot_set_number(out, "STEP_LAST", losses->step[losses->rows - 1]);
    plot_set_number(out, "LOW", losses->low);
    plot_set_number(out, "HIGH", losses->high);
    write_floors(out, losses);
    write_panels(out, losses);
    write_skipped(out, losses);
    find_distances(losses, &low, &high);
    plot_set_number(out, "DIFF_LOW", low);
    plot_set_number(out, "DIFF_HIGH", high);
    fprintf(out, "# step, then %s\n$D << EOD\n",
            losses->runs > 1 ? "the loss of each run" : "loss, gradient norm, learning rate");
    for (size_t r = 0; r < losses->rows; r++) {
        plot_number(out, losses->step[r]);
        for (size_t c = 0; c < losses->columns; c++) {
            fputc(' ', out);
            plot_number(out, losses->row[r * losses->columns + c]);
        }
        fputc('\n', out);
    }
    fputs("EOD\n", out);
}

bool plot_loss(FILE *out, const PlotRun *runs, int count, char *why, size_t size)
{
    Losses losses = {.runs = 0};
    const char *reason[PLOT_RUNS_MAX] = {NULL};
    for (int i = 0; i < count; i++) {
        reason[i] = runs[i].loss_why;
        if (!reason[i][0]) losses.run[losses.runs++] = &runs[i];
    }
    plot_reasons(runs, count, reason, why, size);
    if (losses.runs == 0) return false;
    losses.columns = losses.runs == 1 ? 3 : (size_t)losses.runs;
    align(&losses);
    thin(&losses);
    find_range(&losses);
    write_losses(out, &losses);
    free(losses.step);
    free(losses.row);
    return true;
}
