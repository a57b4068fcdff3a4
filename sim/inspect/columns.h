/* columns.h - a table as text, each column as wide as what stands in it. */
#ifndef SIM_INSPECT_COLUMNS_H
#define SIM_INSPECT_COLUMNS_H
#include <stddef.h>

enum { COLUMNS_MOST = 6 };

typedef struct Columns {
    char *(*row)[COLUMNS_MOST]; /* [rows]; the first is the head */
    size_t rows;
    int cells; /* of the last row, so far */
} Columns;

/* Begins a row with its first cell; and its next cell. Cells that are not given stay empty. */
void columns_row(Columns *columns, const char *format, ...) __attribute__((format(printf, 2, 3)));
void columns_cell(Columns *columns, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* To standard output below an empty line, if there is more than a head; '?' stands for what a terminal would not
 * show. Frees it. */
void columns_print(Columns *columns);
#endif
