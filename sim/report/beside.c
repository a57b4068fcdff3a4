/* beside.c - a row a column: its range over ranks, the formula's, and whether each rank's are one. */
#include "sim/report/beside.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "sim/base/words.h"

void beside_range(const double *values, size_t ranks, size_t columns, size_t column, char *text, size_t size)
{
    double least = values[column], most = least;
    char from[32], to[32];
    for (size_t r = 1; r < ranks; r++) {
        least = fmin(least, values[r * columns + column]);
        most = fmax(most, values[r * columns + column]);
    }
    words_bytes(least, from, sizeof from);
    words_bytes(most, to, sizeof to);
    if (strcmp(from, to) == 0)
        snprintf(text, size, "%s", to);
    else
        snprintf(text, size, "%s .. %s", from, to);
}

static const char *verdict(const BesideTable *t, size_t column)
{
    bool known = false;
    for (size_t r = 0; r < t->ranks; r++) {
        double formula = t->formula[r * t->columns + column];
        double counted = t->counted[r * t->columns + column];
        if (isnan(formula) || isnan(counted)) continue;
        known = true;
        if (counted != formula) return "DIFFERS";
    }
    return known ? "equal on every rank" : "";
}

void beside_row(Sheet *sheet, const BesideTable *t, size_t column)
{
    char counted[80], formula[80];
    beside_range(t->counted, t->ranks, t->columns, column, counted, sizeof counted);
    beside_range(t->formula, t->ranks, t->columns, column, formula, sizeof formula);
    sheet_line(sheet, SHEET_ROW, t->name[column]);
    sheet_cell(sheet, "%s", counted);
    sheet_cell(sheet, "%s", formula);
    if (*verdict(t, column)) sheet_cell(sheet, "%s", verdict(t, column));
}

bool beside_is_any(const double *values, size_t ranks, size_t columns, size_t column)
{
    bool any = false;
    for (size_t r = 0; r < ranks; r++) any |= values[r * columns + column] > 0;
    return any;
}

void beside_table(Sheet *sheet, const BesideTable *t, const char *title)
{
    bool begun = false;
    for (size_t c = 0; c < t->columns; c++) {
        if (!beside_is_any(t->counted, t->ranks, t->columns, c) &&
            !beside_is_any(t->formula, t->ranks, t->columns, c))
            continue;
        if (!begun) {
            sheet_line(sheet, SHEET_HEAD, title);
            sheet_cell(sheet, "counted");
            sheet_cell(sheet, "formula");
            sheet_cell(sheet, "compared");
            begun = true;
        }
        beside_row(sheet, t, c);
    }
}
