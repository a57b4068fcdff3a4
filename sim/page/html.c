/* html.c - lays out as HTML what sheet.c and table.c lay out as text. */
#include "sim/page/html.h"
#include <stdlib.h>
#include "sim/base/words.h"

void html_text(FILE *out, const char *text)
{
    char *shown = words_shown(text);
    for (const char *c = shown; *c; c++) {
        switch (*c) {
        case '&': fputs("&amp;", out); break;
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        case '"': fputs("&quot;", out); break;
        default: fputc(*c, out);
        }
    }
    free(shown);
}

static void element(FILE *out, const char *begin, const char *text, const char *end)
{
    fputs(begin, out);
    html_text(out, text);
    fputs(end, out);
}

/* ---- a sheet ---- */

void html_title(FILE *out, const Sheet *sheet)
{
    for (size_t i = 0; i < sheet->lines; i++)
        if (sheet->line[i].kind == SHEET_TITLE) element(out, "<p>", sheet->line[i].cell[0], "</p>\n");
}

void html_facts(FILE *out, const Sheet *sheet)
{
    fputs("<div class=\"wide\"><table>\n", out);
    for (size_t i = 0; i < sheet->lines; i++) {
        const SheetLine *line = &sheet->line[i];
        if (line->kind != SHEET_FACT) continue;
        element(out, "<tr><th scope=\"row\">", line->cell[0], "</th>");
        element(out, "<td>", line->cells > 1 ? line->cell[1] : "", "</td></tr>\n");
    }
    fputs("</table></div>\n", out);
}

/* The table whose head is line `first`: the line behind it. */
static size_t write_table(FILE *out, const Sheet *sheet, size_t first)
{
    size_t end = first + 1;
    int columns = sheet->line[first].cells;
    for (; end < sheet->lines && sheet->line[end].kind == SHEET_ROW; end++)
        if (sheet->line[end].cells > columns) columns = sheet->line[end].cells;
    fputs("<div class=\"wide\"><table>\n", out);
    for (size_t i = first; i < end; i++) {
        const SheetLine *line = &sheet->line[i];
        const bool head = i == first;
        element(out, head ? "<tr><th scope=\"col\">" : "<tr><th scope=\"row\">", line->cell[0], "</th>");
        for (int c = 1; c < columns; c++)
            element(out, head ? "<th scope=\"col\">" : "<td>", c < line->cells ? line->cell[c] : "",
                    head ? "</th>" : "</td>");
        fputs("</tr>\n", out);
    }
    fputs("</table></div>\n", out);
    return end;
}

void html_tables(FILE *out, const Sheet *sheet)
{
    for (size_t i = 0; i < sheet->lines;)
        i = sheet->line[i].kind == SHEET_HEAD ? write_table(out, sheet, i) : i + 1;
}

/* ---- a table of runs ---- */

void html_runs(FILE *out, const RunTable *t, const char *const *label,
               bool (*shown)(const RunTable *t, const Line *line))
{
    fputs("<div class=\"wide\"><table class=\"runs\">\n<tr><td></td>", out);
    for (size_t r = 0; r < t->runs; r++) element(out, "<th scope=\"col\">", label[r], "</th>");
    fputs("</tr>\n", out);
    for (size_t i = 0; i < t->lines; i++) {
        const Line *line = &t->line[i];
        if (!shown(t, line)) continue;
        element(out, "<tr><th scope=\"row\">", line->key, "</th>");
        for (size_t r = 0; r < t->runs; r++) {
            char cell[RUN_TABLE_CELL];
            const bool whole = line->kind == LINE_TEXT && line->text[r]; /* however long */
            run_table_cell(line, r, cell);
            element(out, "<td>", whole ? line->text[r] : cell, "</td>");
        }
        fputs("</tr>\n", out);
    }
    fputs("</table></div>\n", out);
}
