/* checkpoints.c - medians, as one that meets a busy disk takes many times as long as the others. */
#include "sim/report/checkpoints.h"
#include <math.h>
#include <stdlib.h>
#include "sim/base/quantile.h"
#include "sim/base/units.h"
#include "sim/base/words.h"
#include "sim/report/beside.h"

/* [steps] each. */
typedef struct Columns {
    double *beside, *time, *written, *bytes, *wall_time;
} Columns;

static bool read_columns(const RunFile *run, Columns *c, Error *error)
{
    return (c->beside = run_file_first(run, "/steps/checkpoint_beside", run->steps, error)) &&
           (c->time = run_file_first(run, "/steps/checkpoint_time", run->steps, error)) &&
           (c->written = run_file_first(run, "/steps/checkpoint_written", run->steps, error)) &&
           (c->bytes = run_file_first(run, "/steps/checkpoint_bytes", run->steps, error)) &&
           (c->wall_time = run_file_first(run, "/steps/wall_time", run->steps, error));
}

/* Steps that `is` says yes to, and the median of their values; NaN: of none. */
typedef bool Is(const Columns *c, size_t steps, size_t step);
static double median_of(const RunFile *run, const Columns *c, Is *is, const double *values, size_t *count)
{
    double *some = allocate((run->steps + 1) * sizeof *some);
    *count = 0;
    for (size_t i = 0; i < run->steps; i++)
        if (is(c, run->steps, i)) some[(*count)++] = values[i];
    double median = *count ? quantile_of(some, (int)*count, 0.5) : (double)NAN;
    free(some);
    return median;
}

static bool is_written(const Columns *c, size_t steps, size_t i)
{
    (void)steps;
    return c->written[i] > 0;
}

/* That after the last step, which has none beside it, is as good as any where it is the only one. */
static bool is_during(const Columns *c, size_t steps, size_t i)
{
    return is_written(c, steps, i) && i + 1 < steps;
}

static bool is_beside(const Columns *c, size_t steps, size_t i)
{
    (void)steps;
    return c->beside[i] > 0;
}

/* The first step finds nothing in the caches. */
static bool is_alone(const Columns *c, size_t steps, size_t i)
{
    (void)steps;
    return i > 0 && !(c->beside[i] > 0);
}

static void add_beside(Sheet *sheet, const RunFile *run, const Columns *c, double copy)
{
    enum { FEW = 3 };
    size_t beside, alone;
    char size[32];
    words_bytes(copy, size, sizeof size);
    double slow = median_of(run, c, is_beside, c->wall_time, &beside),
           well = median_of(run, c, is_alone, c->wall_time, &alone);
    if (beside == 0) return;
    sheet_line(sheet, SHEET_FACT, "beside them");
    sheet_cell(sheet, "%zu step%s", beside, words_s((int64_t)beside));
    if (beside >= FEW && alone >= FEW) sheet_more(sheet, ", which took %+.1f %%", 100 * (slow / well - 1));
    sheet_more(sheet, "; copies of %s a rank in the host's memory", size);
}

static void add_line(Sheet *sheet, const RunFile *run, const Columns *c, double copy)
{
    size_t written, during;
    char size[32], placed[32], stalled[32];
    double bytes = median_of(run, c, is_written, c->bytes, &written);
    if (written == 0) return;
    median_of(run, c, is_during, c->time, &during);
    Is *is = during ? is_during : is_written;
    double waited = median_of(run, c, is, c->time, &during),
           until = median_of(run, c, is, c->written, &during);
    words_bytes(bytes, size, sizeof size);
    unit_show(placed, sizeof placed, until, unit_of_seconds);
    unit_show(stalled, sizeof stalled, waited, unit_of_seconds);
    sheet_line(sheet, SHEET_FACT, "checkpoints");
    sheet_cell(sheet, "%zu of %s; training waits %s for one, in its place after %s%s", written, size, stalled,
               placed, written > 1 ? " (medians)" : "");
    add_beside(sheet, run, c, copy);
}

bool report_checkpoints(const RunFile *run, Sheet *sheet, Error *error)
{
    Columns c = {0};
    double *copies = run_file_first(run, "/memory/checkpoint_copy", (size_t)run->recorded, error), most = 0;
    bool read = copies && read_columns(run, &c, error);
    for (int r = 0; r < run->recorded && read; r++) most = fmax(most, copies[r]);
    if (read) add_line(sheet, run, &c, most);
    double *const all[] = {c.beside, c.time, c.written, c.bytes, c.wall_time, copies};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    return read;
}

bool report_copy(const RunFile *run, Sheet *sheet, Error *error)
{
    char name[] = "checkpoint copy", *names = name;
    BesideTable t = {.name = &names, .columns = 1, .ranks = (size_t)run->recorded};
    t.counted = run_file_first(run, "/memory/checkpoint_copy", t.ranks, error);
    t.formula = t.counted ? run_file_first(run, "/memory/checkpoint_theory", t.ranks, error) : NULL;
    if (t.formula && beside_is_any(run->dry ? t.formula : t.counted, t.ranks, 1, 0)) {
        for (size_t r = 0; r < t.ranks && run->dry; r++) t.counted[r] = (double)NAN;
        beside_row(sheet, &t, 0);
    }
    const bool read = t.formula != NULL;
    free(t.counted);
    free(t.formula);
    return read;
}
