/* diff_sweeps.h - two sweeps' files, combination by combination. */
#ifndef SIM_INSPECT_DIFF_SWEEPS_H
#define SIM_INSPECT_DIFF_SWEEPS_H
#include "sim/inspect/apart.h"
#include "sim/inspect/held.h"

/* Prints the keys that differ; of sweeps of the same keys and values the columns, and which combinations are refused
 * or too large in one alone. `differ` becomes true where anything does. */
bool diff_sweeps(const Held *a, const Held *b, const DiffOptions *options, bool *differ, Error *error);
#endif
