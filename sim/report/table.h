/* table.h - figures of several runs side by side: a screen of text, CSV or JSON (a page: sim/page/html.h). */
#ifndef SIM_REPORT_TABLE_H
#define SIM_REPORT_TABLE_H
#include <stdbool.h>
#include <stddef.h>

/* What a figure is, hence its unit; CSV's columns and JSON's keys end in it: _bytes, _s, _ratio, _nats. */
typedef enum {
    LINE_TEXT,
    LINE_SWITCH,
    LINE_NUMBER,
    LINE_BYTES,
    LINE_SECONDS,
    LINE_RATIO,
    LINE_NATS
} LineKind;

typedef struct Line {
    char key[96]; /* without its unit */
    LineKind kind;
    char **text;    /* [runs] of LINE_TEXT; NULL: unknown */
    double *number; /* [runs] of others; NaN: unknown */
} Line;

typedef struct RunTable {
    size_t runs, lines;
    Line *line;
} RunTable;

/* One figure of one run; its line is made when it is the first of that key. */
void run_table_number(RunTable *t, size_t run, LineKind kind, const char *key, double value);
void run_table_text(RunTable *t, size_t run, const char *key, const char *text);
void run_table_free(RunTable *t);

/* Whether the line is more than empty or zero in all runs, and no formula that is in all of them what was counted. */
bool run_table_says(const RunTable *t, const Line *line);
/* What is to be said under the lines of the runs from `first` to before `end`, or "". */
const char *run_table_note(const RunTable *t, size_t first, size_t end);
/* A line's figure of one run, rounded, with its unit. */
enum { RUN_TABLE_CELL = 64 };
void run_table_cell(const Line *line, size_t run, char cell[RUN_TABLE_CELL]);

/* To standard output. Text: a run a column, rounded, as many beside each other as there is room for, without lines that
 * are empty or zero in all of these, and without formulas that are what was counted. */
void run_table_print(const RunTable *t);
/* A run a row; RFC 4180; numbers to the last bit, empty where unknown. */
void run_table_csv(const RunTable *t);
/* An array of objects, one a run; numbers to the last bit, null where unknown. */
void run_table_json(const RunTable *t);
#endif
