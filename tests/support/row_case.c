/* row_case.c - counts, and values that say whose they are. */
#include "tests/support/row_case.h"
#include "models/machine/error.h"
#include "models/machine/random.h"
#include "models/machine/tensor_values.h"
#include "tests/support/cluster.h"

static int64_t rows_of(Rows how, int i, int j)
{
    const uint64_t pair = (uint64_t)(i * RANKS_MAX + j);
    switch (how) {
    case SPARSE: return (int64_t)random_below(5, STREAM_TEXT_ORDER, 0, pair, 4) * (i != 1) / 2 * 3;
    case EVEN: return 5;
    case TO_ONE: return j == 0 ? 40 + i : 0;
    case FULL: return 1 + (int64_t)random_below(5, STREAM_TEXT_ORDER, 1, pair, 20);
    case NOTHING:
    case SPREADS: break;
    }
    return 0;
}

RowCase *row_case_new(Rows how, int n)
{
    RowCase *c = allocate(sizeof *c);
    c->n = n;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) c->rows[i * n + j] = rows_of(how, i, j);
    c->there = (RowCounts){.rows = c->rows};
    c->back = (RowCounts){.rows = c->rows, .turned = true};
    if (how == EVEN) c->there = c->back = (RowCounts){.each = 5};
    return c;
}

int64_t rows_sent_by(const RowCase *c, int rank)
{
    int64_t rows = 0;
    for (int j = 0; j < c->n; j++) rows += c->rows[rank * c->n + j];
    return rows;
}

int64_t rows_got_by(const RowCase *c, int rank)
{
    int64_t rows = 0;
    for (int i = 0; i < c->n; i++) rows += c->rows[i * c->n + rank];
    return rows;
}

/* Value k of row `row` that rank i has for rank j. */
static real value(int i, int j, int64_t row, int64_t k)
{
    return (real)(((i * RANKS_MAX + j) * 100 + (int)row) * 8 + (int)k);
}

void rows_fill(Tensor out, const RowCase *c, int rank, int64_t width)
{
    int64_t at = 0;
    for (int j = 0; j < c->n; j++)
        for (int64_t row = 0; row < c->rows[rank * c->n + j]; row++)
            for (int64_t k = 0; k < width; k++) reals(out)[at++] = value(rank, j, row, k);
}

void rows_check(Findings *f, Tensor in, const RowCase *c, int rank, int64_t width)
{
    int64_t at = 0;
    for (int i = 0; i < c->n; i++)
        for (int64_t row = 0; row < c->rows[i * c->n + rank]; row++)
            for (int64_t k = 0; k < width; k++, at++)
                expect(f, reals(in)[at] == value(i, rank, row, k), "row %d of rank %d for rank %d has %g",
                       (int)row, i, rank, (double)reals(in)[at]);
}

Network row_network(int devices, AllToAllWay way)
{
    NetworkNode node = cluster_plain(devices);
    Network n = network_of(&node, (Placement){0}, ALL_REDUCE_RING);
    n.all_to_all = way;
    return n;
}
