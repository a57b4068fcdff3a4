/* row_counts.h - how many rows each of n ranks has for each other: what an all-to-all moves. */
#ifndef PARALLEL_COLLECTIVES_ROW_COUNTS_H
#define PARALLEL_COLLECTIVES_ROW_COUNTS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All members know all of it. */
typedef struct RowCounts {
    const int64_t *rows; /* (n, n): rank i has rows[i n + j] for rank j; NULL: `each` for each, itself too */
    bool turned;         /* the way back: rank i has rows[j n + i] for rank j */
    int64_t each;
} RowCounts;

static inline int64_t rows_between(const RowCounts *c, int n, int from, int to)
{
    if (!c->rows) return c->each;
    return c->turned ? c->rows[(size_t)to * (size_t)n + (size_t)from]
                     : c->rows[(size_t)from * (size_t)n + (size_t)to];
}

/* What the ranks below `to` get of rank `from`, and rank `to` of those below `from`: where a segment lies in rows that
 * are packed by who gets them, or by who sent them. With `to`, or `from`, of n: all that it sends, or gets. */
static inline int64_t rows_before_to(const RowCounts *c, int n, int from, int to)
{
    int64_t rows = 0;
    for (int j = 0; j < to; j++) rows += rows_between(c, n, from, j);
    return rows;
}

static inline int64_t rows_before_from(const RowCounts *c, int n, int from, int to)
{
    int64_t rows = 0;
    for (int i = 0; i < from; i++) rows += rows_between(c, n, i, to);
    return rows;
}
#endif
