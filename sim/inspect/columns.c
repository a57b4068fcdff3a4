/* columns.c - cells are kept, then laid out. */
#include "sim/inspect/columns.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"
#include "sim/base/words.h"

enum { GAP = 2 };

static void add(Columns *c, const char *format, va_list values)
{
    va_list again;
    va_copy(again, values);
    const size_t size = (size_t)vsnprintf(NULL, 0, format, again) + 1;
    va_end(again);
    char *text = allocate(size);
    vsnprintf(text, size, format, values);
    if (c->cells == COLUMNS_MOST) fail("a table has more than %d columns", COLUMNS_MOST);
    c->row[c->rows - 1][c->cells++] = words_shown(text);
    free(text);
}

void columns_row(Columns *c, const char *format, ...)
{
    va_list values;
    c->row = allocate_more(c->row, c->rows, sizeof *c->row);
    memset(c->row[c->rows++], 0, sizeof *c->row);
    c->cells = 0;
    va_start(values, format);
    add(c, format, values);
    va_end(values);
}

void columns_cell(Columns *c, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    add(c, format, values);
    va_end(values);
}

static void print_row(char *const cell[COLUMNS_MOST], const int width[COLUMNS_MOST], int indent)
{
    int last = 0, room = indent;
    for (int i = 0; i < COLUMNS_MOST; i++)
        if (cell[i] && cell[i][0]) last = i;
    for (int i = 0; i <= last; i++) {
        const char *text = cell[i] ? cell[i] : "";
        printf("%*s%s", room, "", text);
        room = width[i] - words_columns(text) + GAP - (i == 0 ? indent - GAP : 0);
    }
    putchar('\n');
}

void columns_print(Columns *c)
{
    enum { HEAD = 2, ROW = 4 };
    int width[COLUMNS_MOST] = {0};
    for (size_t r = 0; r < c->rows; r++)
        for (int i = 0; i < COLUMNS_MOST; i++) {
            const int columns = c->row[r][i] ? words_columns(c->row[r][i]) : 0;
            if (columns + (i == 0 && r ? ROW - HEAD : 0) > width[i])
                width[i] = columns + (i == 0 && r ? ROW - HEAD : 0);
        }
    if (c->rows > 1) putchar('\n');
    for (size_t r = 0; r < c->rows; r++) {
        if (c->rows > 1) print_row(c->row[r], width, r ? ROW : HEAD);
        for (int i = 0; i < COLUMNS_MOST; i++) free(c->row[r][i]);
    }
    free(c->row);
    *c = (Columns){.rows = 0};
}
