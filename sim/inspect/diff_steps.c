/* diff_steps.c - a row a step. */
#include "sim/inspect/diff_steps.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "sim/base/words.h"
#include "sim/inspect/columns.h"

static int64_t end_of(const RunFile *run)
{
    return run->first + (int64_t)run->steps;
}

SharedSteps shared_steps(const RunFile *a, const RunFile *b)
{
    const int64_t first = a->first > b->first ? a->first : b->first,
                  end = end_of(a) < end_of(b) ? end_of(a) : end_of(b);
    return (SharedSteps){first, end > first ? (size_t)(end - first) : 0};
}

static bool tell_alone(const RunFile *run, char name, const SharedSteps *shared)
{
    const int64_t end = shared->first + (int64_t)shared->count;
    const size_t alone = run->steps - shared->count;
    if (alone == 0) return false;
    printf("  in %c alone  ", name);
    if (shared->count == 0) {
        printf("steps %" PRId64 " to %" PRId64 "\n", run->first + 1, end_of(run));
        return true;
    }
    if (run->first < shared->first) printf("steps %" PRId64 " to %" PRId64, run->first + 1, shared->first);
    if (end_of(run) > end)
        printf("%ssteps %" PRId64 " to %" PRId64, run->first < shared->first ? ", and " : "", end + 1,
               end_of(run));
    printf("\n");
    return true;
}

/* Loss and norm of both, of the shared steps. */
typedef struct Lines {
    double *loss[2], *norm[2]; /* (count) */
    Apart loss_apart, norm_apart;
} Lines;

static double *column(const RunFile *run, const char *path, const SharedSteps *shared, Error *error)
{
    double *values = allocate(shared->count * sizeof *values + 1);
    if (run_file_rows(run, path, (size_t)(shared->first - run->first), shared->count, values, error))
        return values;
    free(values);
    return NULL;
}

static bool read_lines(const RunFile *a, const RunFile *b, const SharedSteps *shared, Lines *l, Error *error)
{
    bool ok = (l->loss[0] = column(a, "/steps/loss", shared, error)) &&
              (l->loss[1] = column(b, "/steps/loss", shared, error)) &&
              (l->norm[0] = column(a, "/steps/grad_norm", shared, error)) &&
              (l->norm[1] = column(b, "/steps/grad_norm", shared, error));
    if (!ok) return false;
    apart_add(&l->loss_apart, 0, l->loss[0], l->loss[1], shared->count);
    apart_add(&l->norm_apart, 0, l->norm[0], l->norm[1], shared->count);
    return true;
}

static bool is_apart(const Lines *l, size_t i, const DiffOptions *options)
{
    return apart_of(l->loss[0][i], l->loss[1][i]) > options->within * l->loss_apart.scale ||
           apart_of(l->norm[0][i], l->norm[1][i]) > options->within * l->norm_apart.scale;
}

static void tell(Columns *c, const Lines *l, const SharedSteps *shared, size_t i)
{
    columns_row(c, "%" PRId64, shared->first + (int64_t)i + 1);
    columns_cell(c, "%.9g", l->loss[0][i]);
    columns_cell(c, "%.9g", l->loss[1][i]);
    columns_cell(c, "%.3g", apart_of(l->loss[0][i], l->loss[1][i]));
    columns_cell(c, "%.9g", l->norm[0][i]);
    columns_cell(c, "%.3g", apart_of(l->norm[0][i], l->norm[1][i]));
}

/* Of `apart` that differ, which are told: the first, the last, and others between. */
static bool is_told(size_t number, size_t apart)
{
    if (apart <= DIFF_ROWS) return true;
    const size_t slots = DIFF_ROWS - 1, slot = number * slots / (apart - 1);
    return number == 0 || slot != (number - 1) * slots / (apart - 1);
}

static size_t tell_steps(const Lines *l, const SharedSteps *shared, const DiffOptions *options)
{
    Columns c = {.rows = 0};
    size_t apart = 0, number = 0;
    for (size_t i = 0; i < shared->count; i++) apart += is_apart(l, i, options);
    columns_row(&c, "step");
    columns_cell(&c, "loss in A");
    columns_cell(&c, "in B");
    columns_cell(&c, "apart");
    columns_cell(&c, "gradient norm in A");
    columns_cell(&c, "apart");
    for (size_t i = 0; i < shared->count; i++) {
        const bool differs = is_apart(l, i, options);
        if (options->all || (differs && is_told(number, apart))) tell(&c, l, shared, i);
        number += differs;
    }
    columns_print(&c);
    if (!options->all && apart > DIFF_ROWS)
        printf("    and %zu between them; --all tells of each\n", apart - DIFF_ROWS);
    printf("\n  %zu of %zu step%s differ%s in loss or gradient norm\n", apart, shared->count,
           words_s((int64_t)shared->count), apart == 1 ? "s" : "");
    return apart;
}

bool diff_steps(const RunFile *a, const RunFile *b, const SharedSteps *shared, const DiffOptions *options,
                bool *differ, Error *error)
{
    Lines l = {.loss = {NULL}};
    bool ok = true;
    if (shared->count)
        printf("  in both     steps %" PRId64 " to %" PRId64 "\n", shared->first + 1,
               shared->first + (int64_t)shared->count);
    else
        printf("  in both     no step\n");
    if (a->dry != b->dry)
        printf("  %c is dry    and has no losses and no gradients: nan\n", a->dry ? 'A' : 'B');
    *differ |= tell_alone(a, 'A', shared) | tell_alone(b, 'B', shared);
    if (shared->count) {
        ok = read_lines(a, b, shared, &l, error);
        if (ok) *differ |= tell_steps(&l, shared, options) > 0;
    }
    for (int i = 0; i < 2; i++) {
        free(l.loss[i]);
        free(l.norm[i]);
    }
    return ok;
}
