/* apart_columns.h - how far the numbers of two files are apart, as cells of a table. */
#ifndef SIM_INSPECT_APART_COLUMNS_H
#define SIM_INSPECT_APART_COLUMNS_H
#include "sim/inspect/apart.h"
#include "sim/inspect/columns.h"

/* The head of a table whose rows are of a `what`: "tensor". */
void apart_head(Columns *columns, const char *what);
/* Behind the name of one of them; `where` the farthest two are, "": it is the only place. */
void apart_cells(Columns *columns, const Apart *apart, const char *where);
#endif
