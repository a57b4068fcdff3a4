/* print.h - what was found, as lines for people and as rows for programs; on standard output. */
#ifndef SIM_GOODPUT_PRINT_H
#define SIM_GOODPUT_PRINT_H
#include <stddef.h>
#include "sim/goodput/points.h"

/* What the job is, before it is walked. */
void goodput_print_job(const Points *points, const GoodputRequest *request);
/* An interval a line, and the best beside Young's and Daly's. */
void goodput_print_points(const Points *points);
/* An interval a row, numbers in full. */
void goodput_csv(const Points *points);
/* "every 12 min, 171 steps" */
void goodput_interval_text(const Points *points, int64_t interval, char *text, size_t size);
/* "12 min 03 s, so every 12 min, 171 steps": what a formula says, and the interval that comes of it, as checkpoints follow
 * whole steps. */
void goodput_formula_text(const Points *points, double seconds, char *text, size_t size);
#endif
