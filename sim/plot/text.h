/* text.h - words and numbers for gnuplot: quoting, units, short labels. */
#ifndef SIM_PLOT_TEXT_H
#define SIM_PLOT_TEXT_H
#include <stdio.h>
#include "sim/plot/run.h"

/* Writes `text` as a gnuplot string that shows it letter for letter: in single
 * quotes (so that $, @, ` and \ do nothing) and with a backslash before what
 * enhanced text would interpret. Control characters and broken UTF-8 become '?'. */
void plot_quote(FILE *out, const char *text);
void plot_set_text(FILE *out, const char *name, const char *text); /* NAME = '...' */
void plot_set_number(FILE *out, const char *name, double value);   /* NAME = 1.5, or NaN */
void plot_number(FILE *out, double value);                         /* one field of a data block */

/* Cuts the middle out of a text longer than 32 letters: "begin…end". */
void plot_shorten(const char *text, char label[PLOT_LABEL]);

/* Gives each run its label: the file's stem; where two are alike, the strategy;
 * else both; else the path, else a number and the stem. Letters that no picture can show are '?'. */
void plot_label_runs(PlotRun *runs, int count);
void plot_stem(const char *path, char *stem, size_t size); /* "results/zero3.h5" -> "zero3" */

/* What all runs have in common: "8 ranks, 0.84 M parameters, fp32", as much of it as is the same. */
void plot_describe(const PlotRun *runs, int count, char *text, size_t size);

/* Why runs are left out, from the reason of each ("": it is not): "a, b: REASON; c: ANOTHER", or the reason alone
 * where it is everyone's. */
void plot_reasons(const PlotRun *runs, int count, const char *const *reason, char *text, size_t size);
#endif
