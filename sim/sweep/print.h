/* print.h - a sweep in text: the best of it, why others are refused, or all as CSV. */
#ifndef SIM_SWEEP_PRINT_H
#define SIM_SWEEP_PRINT_H
#include "sim/sweep/result.h"

/* How many fit; the best ten, where `all` of those that do not fit, too; the largest groups of refusals. */
void sweep_print(const Sweep *sweep, bool all);
/* A combination a row: RFC 4180; numbers to the last bit, empty where unknown. */
void sweep_csv(const Sweep *sweep);
/* "Of 720 combinations 201 fit, 399 are too large for the memory, 120 are refused". */
void sweep_count_states(const Sweep *sweep, char *text, unsigned long size);
/* "tp" of "parallel.tp", or all of it where another key of the space ends so. */
const char *sweep_short_name(const Space *space, int key);
#endif
