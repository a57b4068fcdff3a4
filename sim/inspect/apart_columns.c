/* apart_columns.c - how many, how far, and where. */
#include "sim/inspect/apart_columns.h"

void apart_head(Columns *c, const char *what)
{
    columns_row(c, "%s", what);
    columns_cell(c, "values that differ");
    columns_cell(c, "farthest");
    columns_cell(c, "of the largest");
    columns_cell(c, "where: in A, in B");
}

void apart_cells(Columns *c, const Apart *x, const char *where)
{
    if (x->differ == 0) {
        columns_cell(c, "equal");
        return;
    }
    columns_cell(c, "%zu of %zu", x->differ, x->values);
    columns_cell(c, "%.3g", x->largest);
    columns_cell(c, "%.3g", apart_relative(x));
    columns_cell(c, "%s%s%.9g, %.9g", where, where[0] ? ": " : "", x->a, x->b);
}
