/* sheet.h - what a report says, in lines and cells, before it is laid out as text or as a page. */
#ifndef SIM_REPORT_SHEET_H
#define SIM_REPORT_SHEET_H
#include <stddef.h>

typedef enum {
    SHEET_TITLE, /* one cell: the run */
    SHEET_FACT,  /* "loss", and what there is to say of it */
    SHEET_HEAD,  /* of the rows below: what they tell, and a name a column */
    SHEET_ROW    /* what it is about, and a cell a column or fewer */
} SheetKind;

enum { SHEET_CELLS = 4 };

typedef struct SheetLine {
    SheetKind kind;
    int cells;
    char *cell[SHEET_CELLS];
} SheetLine;

typedef struct Sheet {
    SheetLine *line;
    size_t lines;
} Sheet;

/* Begins a line with its first cell. */
void sheet_line(Sheet *sheet, SheetKind kind, const char *label);
/* The next cell of the last line. */
void sheet_cell(Sheet *sheet, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Adds to the end of its last cell. */
void sheet_more(Sheet *sheet, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* As a screen of text, to standard output. */
void sheet_print(const Sheet *sheet);
void sheet_free(Sheet *sheet);
#endif
