/* print.h - sets of cases in words: measured beside foretold, a block a set. */
#ifndef SIM_VALIDATE_PRINT_H
#define SIM_VALIDATE_PRINT_H
#include "sim/validate/cases.h"

/* How far off each case is, and the mean; of more than a hundred those that are furthest off. */
void print_measured(const CaseSet *set);
/* How many cases of an exact measure are as printed; each, or only those that are not. */
void print_exact(const CaseSet *set, bool each);
/* Rows of CSV, under print_csv_head(). */
void print_csv_head(void);
void print_csv(const CaseSet *set);
/* "korthikanti-2022: 8, mean 2.6 %, worst +5.3 %" */
enum { SUMMARY = 160 };
void print_summary(const CaseSet *set, char text[SUMMARY]);
#endif
