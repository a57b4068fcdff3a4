/* diff_runs.h - two runs' files: what each step was, and what the runs were as a whole. */
#ifndef SIM_INSPECT_DIFF_RUNS_H
#define SIM_INSPECT_DIFF_RUNS_H
#include "sim/inspect/apart.h"
#include "sim/inspect/held.h"

/* Prints what differs, by dataset and by step, of the steps that both have: by their numbers, as either may have
 * begun with another. What was measured on a clock or of a process differs by itself, and is not compared. `differ`
 * becomes true where anything does. */
bool diff_runs(const RunFile *a, const RunFile *b, const DiffOptions *options, bool *differ, Error *error);
#endif
