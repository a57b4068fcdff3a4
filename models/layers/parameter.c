/* parameter.c - elements and rectangles of a slice, in the whole. */
#include "models/layers/parameter.h"
#include <stddef.h>

int64_t parameter_count(const Parameter *p)
{
    return (p->rows ? p->rows : 1) * p->columns;
}

int64_t parameter_whole_count(const Parameter *p)
{
    return (p->whole_rows ? p->whole_rows : 1) * p->whole_columns;
}

/* Columns of part i that each of the ranks holds. */
static int64_t held_of(const Parameter *p, int ranks, int64_t i)
{
    return p->part[i] * (i ? p->sharing : 1) / ranks;
}

int64_t parameter_first_shared(const Parameter *p, int ranks)
{
    return p->cut == CUT_COLUMNS && p->sharing > 1 ? held_of(p, ranks, 0) : p->columns;
}

int64_t parameter_place(const Parameter *p, int ranks, int rank, int64_t index)
{
    int64_t row = index / p->columns, column = index % p->columns, before = 0, i = 0;
    if (p->cut == CUT_ROWS) row += rank * p->rows;
    if (p->cut == CUT_COLUMNS) {
        for (; column >= held_of(p, ranks, i); before += p->part[i++]) column -= held_of(p, ranks, i);
        column += before + held_of(p, ranks, i) * (rank / (i ? p->sharing : 1));
    }
    return row < p->whole_rows || p->whole_rows == 0 ? row * p->whole_columns + column : -1;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* A rectangle of a slice; of CUT_COLUMNS as many of the whole as parts that it crosses. `s`: its place in the range. */
static int place_rectangle(const Parameter *p, int ranks, int rank, ParameterSlab s, ParameterSlab *slab)
{
    int64_t last = p->whole_rows ? p->whole_rows : 1, column = s.column, end = s.column + s.columns;
    int64_t at = 0, before = 0, from = s.from;
    int slabs = 0;
    if (p->cut == CUT_ROWS) s.row += rank * p->rows;
    s.rows = least(s.rows, last - s.row);
    if (s.rows <= 0 || s.columns == 0) return 0;
    s.first = p->cut != CUT_NONE || rank == 0;
    if (p->cut != CUT_COLUMNS) {
        *slab = s;
        return 1;
    }
    for (int i = 0; i < CUT_PARTS; before += p->part[i++]) {
        int64_t held = held_of(p, ranks, i), sharing = i ? p->sharing : 1;
        int64_t low = most(column, at), high = least(end, at + held);
        if (low < high) {
            s.from = from + low - column;
            s.column = before + held * (rank / sharing) + low - at;
            s.columns = high - low;
            s.first = rank % sharing == 0;
            ParameterSlab *before_it = slabs ? &slab[slabs - 1] : NULL;
            if (before_it && before_it->column + before_it->columns == s.column &&
                before_it->first == s.first)
                before_it->columns += s.columns; /* as where nothing is cut */
            else
                slab[slabs++] = s;
        }
        at += held;
    }
    return slabs;
}

int parameter_slabs(const Parameter *p, int ranks, int rank, int64_t first, int64_t count,
                    ParameterSlab slab[PARAMETER_SLABS])
{
    int64_t width = p->columns, done = 0;
    int slabs = 0;
    while (done < count) { /* the rest of a row, whole rows, a beginning of one */
        int64_t row = (first + done) / width, column = (first + done) % width, left = count - done;
        bool whole = column == 0 && left >= width;
        ParameterSlab s = {.row = row, .column = column, .from = done, .stride = width};
        s.rows = whole ? left / width : 1;
        s.columns = whole ? width : least(left, width - column);
        slabs += place_rectangle(p, ranks, rank, s, slab + slabs);
        done += s.rows * s.columns;
    }
    return slabs;
}
