/* table.c - the figures, and the three ways to print them. */
#include "sim/report/table.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"
#include "models/machine/letter.h"
#include "sim/base/csv.h"
#include "sim/base/units.h"
#include "sim/base/words.h"

enum { WIDTH = 120, LABEL = 32, CELL = RUN_TABLE_CELL };

static const char *const unit[] = {
    [LINE_TEXT] = "",      [LINE_SWITCH] = "",      [LINE_NUMBER] = "",   [LINE_BYTES] = "_bytes",
    [LINE_SECONDS] = "_s", [LINE_RATIO] = "_ratio", [LINE_NATS] = "_nats"};

static Line *line_of(RunTable *t, LineKind kind, const char *key)
{
    for (size_t i = 0; i < t->lines; i++)
        if (!strcmp(t->line[i].key, key)) return &t->line[i];
    t->line = allocate_more(t->line, t->lines, sizeof *t->line);
    Line *line = &t->line[t->lines++];
    *line = (Line){.kind = kind,
                   .text = allocate_zeroed(t->runs, sizeof *line->text),
                   .number = allocate(t->runs * sizeof *line->number)};
    snprintf(line->key, sizeof line->key, "%s", key);
    for (size_t r = 0; r < t->runs; r++) line->number[r] = (double)NAN;
    return line;
}

void run_table_number(RunTable *t, size_t run, LineKind kind, const char *key, double value)
{
    line_of(t, kind, key)->number[run] = value;
}

void run_table_text(RunTable *t, size_t run, const char *key, const char *text)
{
    line_of(t, LINE_TEXT, key)->text[run] = words_copy(text);
}

void run_table_free(RunTable *t)
{
    for (size_t i = 0; i < t->lines; i++) {
        for (size_t r = 0; r < t->runs; r++) free(t->line[i].text[r]);
        free(t->line[i].text);
        free(t->line[i].number);
    }
    free(t->line);
}

/* ---- text ---- */

void run_table_cell(const Line *line, size_t run, char cell[CELL])
{
    double x = line->number[run];
    if (line->kind == LINE_TEXT)
        error_show(cell, CELL, line->text[run] ? line->text[run] : "-",
                   line->text[run] ? strlen(line->text[run]) : 1);
    else if (isnan(x))
        strcpy(cell, "-");
    else if (line->kind == LINE_SWITCH)
        strcpy(cell, x != 0 ? "yes" : "no");
    else if (line->kind == LINE_BYTES)
        words_bytes(x, cell, CELL);
    else if (line->kind == LINE_SECONDS)
        unit_show(cell, CELL, x, unit_of_seconds);
    else if (line->kind == LINE_RATIO)
        snprintf(cell, CELL, "%.1f %%", 100 * x);
    else if (line->kind == LINE_NATS)
        snprintf(cell, CELL, "%.4f nats", x);
    else /* four digits, but never as powers of ten */
        snprintf(cell, CELL, x == floor(x) || fabs(x) >= 1000 ? "%.0f" : "%.4g", x);
}

/* Of the runs from `first` to before `end`. */
static bool says(const Line *line, size_t first, size_t end)
{
    for (size_t r = first; r < end; r++)
        if (line->kind == LINE_TEXT ? line->text[r] && line->text[r][0]
                                    : !isnan(line->number[r]) && line->number[r] != 0)
            return true;
    return line->kind == LINE_SWITCH;
}

/* Whether a line is a formula's, of "sent_formula.control", and in all these runs just what "sent.control" says. */
static bool repeats(const RunTable *t, const Line *line, size_t first, size_t end)
{
    static const char mark[] = "_formula.";
    const char *at = strstr(line->key, mark);
    char counted[sizeof line->key];
    if (!at) return false;
    snprintf(counted, sizeof counted, "%.*s.%s", (int)(at - line->key), line->key, at + strlen(mark));
    for (size_t i = 0; i < t->lines; i++) {
        if (strcmp(t->line[i].key, counted) != 0) continue;
        size_t r = first;
        while (r < end && (line->number[r] == t->line[i].number[r] ||
                           (isnan(line->number[r]) && isnan(t->line[i].number[r]))))
            r++;
        return r == end;
    }
    return false;
}

bool run_table_says(const RunTable *t, const Line *line)
{
    return says(line, 0, t->runs) && !repeats(t, line, 0, t->runs);
}

const char *run_table_note(const RunTable *t, size_t first, size_t end)
{
    for (size_t i = 0; i < t->lines; i++)
        if (says(&t->line[i], first, end) && repeats(t, &t->line[i], first, end))
            return "formulas equal what was counted, where they have no line";
    return "";
}

static int width_of(const RunTable *t, size_t run)
{
    char cell[CELL];
    int width = 0;
    for (size_t i = 0; i < t->lines; i++) {
        run_table_cell(&t->line[i], run, cell);
        if (words_columns(cell) > width) width = words_columns(cell);
    }
    return width;
}

void run_table_print(const RunTable *t)
{
    for (size_t first = 0, end; first < t->runs; first = end) {
        int used = LABEL + 2;
        for (end = first; end < t->runs; end++) {
            used += 2 + width_of(t, end);
            if (used > WIDTH && end > first) break;
        }
        putchar('\n');
        for (size_t i = 0; i < t->lines; i++) {
            if (!says(&t->line[i], first, end) || repeats(t, &t->line[i], first, end)) continue;
            printf("  %-*s", LABEL, t->line[i].key);
            for (size_t r = first; r < end; r++) {
                char cell[CELL];
                run_table_cell(&t->line[i], r, cell);
                printf("  %*s%s", width_of(t, r) - words_columns(cell), "", cell);
            }
            putchar('\n');
        }
        const char *note = run_table_note(t, first, end);
        if (*note) printf("  %s\n", note);
    }
}

/* ---- CSV and JSON ---- */

/* The shortest digits that read back as the same number. */
static void print_number(double x)
{
    char digits[40];
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, x);
        if (strtod(digits, NULL) == x) break;
    }
    fputs(digits, stdout);
}

void run_table_csv(const RunTable *t)
{
    for (size_t i = 0; i < t->lines; i++)
        printf("%s%s%s", i ? "," : "", t->line[i].key, unit[t->line[i].kind]);
    fputs("\r\n", stdout);
    for (size_t r = 0; r < t->runs; r++) {
        for (size_t i = 0; i < t->lines; i++) {
            const Line *line = &t->line[i];
            if (i) putchar(',');
            if (line->kind == LINE_TEXT)
                csv_text(line->text[r] ? line->text[r] : "");
            else if (isfinite(line->number[r]))
                print_number(line->number[r]);
            else if (!isnan(line->number[r]))
                fputs(line->number[r] > 0 ? "inf" : "-inf", stdout);
        }
        fputs("\r\n", stdout);
    }
}

static void json_text(const char *text)
{
    putchar('"');
    while (*text) {
        int length = letter_bytes(text);
        if (length == 0)
            fputs("\\ufffd", stdout); /* a file's name may be no UTF-8, JSON is */
        else if (*text == '"' || *text == '\\')
            printf("\\%c", *text);
        else if ((unsigned char)*text < 0x20)
            printf("\\u%04x", (unsigned char)*text);
        else
            printf("%.*s", length, text);
        text += length ? length : 1;
    }
    putchar('"');
}

void run_table_json(const RunTable *t)
{
    for (size_t r = 0; r < t->runs; r++) {
        fputs(r ? ",\n  {" : "[\n  {", stdout);
        for (size_t i = 0; i < t->lines; i++) {
            const Line *line = &t->line[i];
            printf("%s\"%s%s\": ", i ? ", " : "", line->key, unit[line->kind]);
            if (line->kind == LINE_TEXT && line->text[r])
                json_text(line->text[r]);
            else if (line->kind == LINE_TEXT || !isfinite(line->number[r]))
                fputs("null", stdout);
            else if (line->kind == LINE_SWITCH)
                fputs(line->number[r] != 0 ? "true" : "false", stdout);
            else
                print_number(line->number[r]);
        }
        putchar('}');
    }
    fputs("\n]\n", stdout);
}
