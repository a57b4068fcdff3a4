/* beside.h - what was counted on every rank beside the formulas. */
#ifndef SIM_REPORT_BESIDE_H
#define SIM_REPORT_BESIDE_H
#include <stdbool.h>
#include <stddef.h>
#include "sim/report/sheet.h"

/* Bytes; NaN: unknown, which compares with nothing. */
typedef struct BesideTable {
    char **name; /* of the columns */
    size_t columns, ranks;
    double *counted, *formula; /* [ranks][columns] */
} BesideTable;

/* Of the columns that any rank has, under a head. */
void beside_table(Sheet *sheet, const BesideTable *table, const char *title);
/* Of one. */
void beside_row(Sheet *sheet, const BesideTable *table, size_t column);

/* Whether any rank's value of a column is above 0. */
bool beside_is_any(const double *values, size_t ranks, size_t columns, size_t column);
/* The least and the most of a column over ranks, as one text. */
void beside_range(const double *values, size_t ranks, size_t columns, size_t column, char *text, size_t size);
#endif
