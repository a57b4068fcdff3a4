/* diff_tensors.c - tensors are matched by name, and read side by side. */
#include "sim/inspect/diff_tensors.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/base/words.h"
#include "sim/file/extents.h"
#include "sim/inspect/apart_columns.h"
#include "sim/inspect/pieces.h"

enum { TEXT = 192 };

/* One name's tensors: NULL where the file has none. */
typedef struct Both {
    const Array *a, *b;
    Apart apart; /* of two of one shape */
    bool differ;
    size_t number; /* in the order of names */
} Both;

typedef struct Matched {
    Both *both;
    size_t count;
} Matched;

static const Array *tensor_of(const Arrays *arrays, const char *path)
{
    const Array *found = arrays_find(arrays, path);
    return found && found->tensor ? found : NULL;
}

/* The first file's, and behind them those that only the second has. */
static Matched match(const Arrays *a, const Arrays *b)
{
    Matched m = {.both = allocate((a->count + b->count + 1) * sizeof *m.both)};
    for (size_t i = 0; i < a->count; i++)
        if (a->array[i].tensor)
            m.both[m.count++] = (Both){.a = &a->array[i], .b = tensor_of(b, a->array[i].path)};
    for (size_t i = 0; i < b->count; i++)
        if (b->array[i].tensor && !tensor_of(a, b->array[i].path))
            m.both[m.count++] = (Both){.b = &b->array[i]};
    for (size_t i = 0; i < m.count; i++) m.both[i].number = i;
    return m;
}

static bool compare(H5 *a, H5 *b, Both *both, Progress *progress, Error *error)
{
    double *x = allocate(2 * (size_t)PIECE * sizeof *x), *y = x + PIECE;
    const char *path = both->a->path;
    bool ok = true;
    for (ArrayPieces p = pieces_of(both->a); ok && pieces_next(&p);) {
        ok = h5_read_slab(a, path, &p.slab, H5_F64, x, error) &&
             h5_read_slab(b, path, &p.slab, H5_F64, y, error);
        if (ok) apart_add(&both->apart, p.first, x, y, p.count);
        if (progress_due(progress, progress->done + (double)p.count))
            progress_show(progress, "%.0f of %.0f million values compared", progress->done / 1e6,
                          progress->total / 1e6);
    }
    free(x);
    return ok;
}

static bool comparable(const Both *both)
{
    return both->a && both->b && arrays_alike(both->a, both->b);
}

static bool compare_all(const Held *a, const Held *b, Matched *m, const DiffOptions *options, Error *error)
{
    Progress progress;
    double all = 0;
    bool ok = true;
    for (size_t i = 0; i < m->count; i++)
        if (comparable(&m->both[i])) all += (double)array_values(m->both[i].a);
    progress_begin_aside(&progress, all);
    for (size_t i = 0; ok && i < m->count; i++) {
        Both *both = &m->both[i];
        if (comparable(both)) ok = compare(a->file, b->file, both, &progress, error);
        both->differ = !comparable(both) || apart_is(&both->apart, options);
    }
    progress_end(&progress);
    return ok;
}

/* What cannot be compared first, then the farthest apart. */
static double how_far(const Both *both)
{
    return comparable(both) ? apart_relative(&both->apart) : HUGE_VAL;
}

static int by_how_far(const void *x, const void *y)
{
    const Both *a = x, *b = y;
    if (a->differ != b->differ) return b->differ - a->differ;
    const double far_a = how_far(a), far_b = how_far(b);
    if (far_a != far_b) return far_a < far_b ? 1 : -1;
    return a->number < b->number ? -1 : 1;
}

static void print_both(Columns *c, const Both *both)
{
    const Array *one = both->a ? both->a : both->b;
    columns_row(c, "%s", one->path);
    if (!both->a || !both->b) {
        columns_cell(c, "in %c alone", both->a ? 'A' : 'B');
    } else if (!comparable(both)) {
        char a[TEXT], b[TEXT];
        extents_text(both->a->rank, both->a->dims, a, sizeof a);
        extents_text(both->b->rank, both->b->dims, b, sizeof b);
        columns_cell(c, "not compared: shape %s in A, %s in B", a, b);
    } else {
        char where[TEXT] = "";
        if (both->apart.differ)
            extents_place(both->a->rank, both->a->dims, both->apart.at, where, sizeof where);
        apart_cells(c, &both->apart, where);
    }
}

/* `what`: one of them. */
static void print_all(Matched *m, const char *what, const DiffOptions *options, bool *differ)
{
    Columns c = {.rows = 0};
    size_t apart = 0, bits = 0;
    for (size_t i = 0; i < m->count; i++) {
        apart += m->both[i].differ;
        bits += m->both[i].apart.differ > 0;
    }
    if (!options->all) qsort(m->both, m->count, sizeof *m->both, by_how_far);
    apart_head(&c, what);
    const size_t rows = options->all ? m->count : apart < DIFF_ROWS ? apart : DIFF_ROWS;
    for (size_t i = 0; i < rows; i++) print_both(&c, &m->both[i]);
    columns_print(&c);
    if (!options->all && apart > rows)
        printf("    and %zu that are nearer; --all tells of each\n", apart - rows);
    printf("\n  %zu of %zu %s%s differ%s", apart, m->count, what, words_s((int64_t)m->count),
           apart == 1 ? "s" : "");
    if (options->within > 0) printf(" by more than %g of the largest value", options->within);
    if (bits > 0 && apart == 0) printf("; %zu by less", bits);
    printf("\n");
    *differ |= apart > 0;
}

bool diff_tensors(const Held *a, const Held *b, const DiffOptions *options, bool *differ, Error *error)
{
    Matched m = match(&a->arrays, &b->arrays);
    bool ok = compare_all(a, b, &m, options, error);
    if (ok) print_all(&m, a->kind == SCHEMA_GOODPUT ? "column" : "tensor", options, differ);
    free(m.both);
    return ok;
}
