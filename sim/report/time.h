/* time.h - the report's part on the grid of ranks, where they are, the bubble, and where simulated time went. */
#ifndef SIM_REPORT_TIME_H
#define SIM_REPORT_TIME_H
#include "sim/file/run_file.h"
#include "sim/report/sheet.h"

/* The grid, the schedule and its bubble, in lines under the report's first. */
bool report_grid(const RunFile *run, Sheet *sheet, Error *error);
/* Which ranks were on which machine, and how many tensor groups on more than one; nothing where all were on one. */
void report_hosts(const RunFile *run, Sheet *sheet);
/* What the last step takes on the machine that was simulated, and where the run trained on that machine itself
 * (node.host) the median of what its steps took beside it, and what its kernels took of a core; nothing where none was
 * simulated. */
bool report_simulated(const RunFile *run, Sheet *sheet, Error *error);
/* The table of the rank with the least idling. */
bool report_breakdown(const RunFile *run, Sheet *sheet, Error *error);
#endif
