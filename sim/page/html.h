/* html.h - a report's lines and tables as HTML that is XML as well. */
#ifndef SIM_PAGE_HTML_H
#define SIM_PAGE_HTML_H
#include <stdio.h>
#include "sim/report/sheet.h"
#include "sim/report/table.h"

/* Text, or an attribute's value: what would be markup is escaped, what cannot be seen becomes '?'. */
void html_text(FILE *out, const char *text);

/* A sheet's first line, its facts, and its tables. */
void html_title(FILE *out, const Sheet *sheet);
void html_facts(FILE *out, const Sheet *sheet);
void html_tables(FILE *out, const Sheet *sheet);

/* The lines that `shown` picks, a run a column under its label. */
void html_runs(FILE *out, const RunTable *t, const char *const *label,
               bool (*shown)(const RunTable *t, const Line *line));
#endif
