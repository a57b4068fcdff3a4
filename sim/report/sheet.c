/* sheet.c - a report's lines, and their layout as text. */
#include "sim/report/sheet.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"
#include "sim/base/words.h"

/* ---- filling ---- */

void sheet_line(Sheet *sheet, SheetKind kind, const char *label)
{
    sheet->line = allocate_more(sheet->line, sheet->lines, sizeof *sheet->line);
    sheet->line[sheet->lines++] = (SheetLine){.kind = kind, .cells = 1, .cell = {words_copy(label)}};
}

/* Puts the text behind what the cell holds, if it holds anything. */
static void append(char **cell, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    const size_t used = *cell ? strlen(*cell) : 0,
                 size = used + (size_t)vsnprintf(NULL, 0, format, again) + 1;
    va_end(again);
    char *longer = allocate(size);
    if (used) memcpy(longer, *cell, used);
    vsnprintf(longer + used, size - used, format, args);
    free(*cell);
    *cell = longer;
}

void sheet_cell(Sheet *sheet, const char *format, ...)
{
    SheetLine *line = &sheet->line[sheet->lines - 1];
    if (line->cells == SHEET_CELLS) fail("a line of a report has more than %d cells", SHEET_CELLS);
    va_list args;
    va_start(args, format);
    append(&line->cell[line->cells++], format, args);
    va_end(args);
}

void sheet_more(Sheet *sheet, const char *format, ...)
{
    SheetLine *line = &sheet->line[sheet->lines - 1];
    va_list args;
    va_start(args, format);
    append(&line->cell[line->cells - 1], format, args);
    va_end(args);
}

void sheet_free(Sheet *sheet)
{
    for (size_t i = 0; i < sheet->lines; i++)
        for (int c = 0; c < sheet->line[i].cells; c++) free(sheet->line[i].cell[c]);
    free(sheet->line);
    *sheet = (Sheet){.lines = 0};
}

/* ---- text ---- */

/* How a kind of line begins, and how wide its first cell is. */
static const struct {
    const char *begin;
    int width;
} layout[] = {[SHEET_TITLE] = {"\n", 0},
              [SHEET_FACT] = {"  ", 11},
              [SHEET_HEAD] = {"\n  ", 24},
              [SHEET_ROW] = {"    ", 22}};

static void print_line(const SheetLine *line)
{
    enum { CELL = 26 };
    int room = 0;
    fputs(layout[line->kind].begin, stdout);
    for (int c = 0; c < line->cells; c++) {
        char *shown = words_shown(line->cell[c]); /* paths and texts of a file may hold anything */
        if (c) printf("%*s ", room > 0 ? room : 0, "");
        fputs(shown, stdout);
        room = (c ? CELL : layout[line->kind].width) - words_columns(shown);
        free(shown);
    }
    putchar('\n');
}

void sheet_print(const Sheet *sheet)
{
    for (size_t i = 0; i < sheet->lines; i++) print_line(&sheet->line[i]);
}
