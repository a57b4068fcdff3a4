/* row_case.h - rows that ranks have for each other in a test, and nodes to move them over. */
#ifndef TESTS_SUPPORT_ROW_CASE_H
#define TESTS_SUPPORT_ROW_CASE_H
#include "parallel/collectives/all_to_all.h"
#include "tests/support/ranks.h"

/* How rows are spread: none at all; some, many pairs with none; as many for each; all for one rank; any number but none. */
typedef enum { NOTHING, SPARSE, EVEN, TO_ONE, FULL, SPREADS } Rows;

typedef struct RowCase {
    int n;
    int64_t rows[RANKS_MAX * RANKS_MAX]; /* (n, n) */
    RowCounts there, back;
} RowCase;

RowCase *row_case_new(Rows how, int n); /* free() it */
/* All rows that a rank sends, and gets. */
int64_t rows_sent_by(const RowCase *c, int rank);
int64_t rows_got_by(const RowCase *c, int rank);
/* What a rank sends, where rows have so many values; and whether it has got what it should. */
void rows_fill(Tensor out, const RowCase *c, int rank, int64_t width);
void rows_check(Findings *f, Tensor in, const RowCase *c, int rank, int64_t width);
/* Nodes of so many devices. */
Network row_network(int devices, AllToAllWay way);
#endif
