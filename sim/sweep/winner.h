/* winner.h - the best combination's config, to be run as it is. */
#ifndef SIM_SWEEP_WINNER_H
#define SIM_SWEEP_WINNER_H
#include "sim/file/table_file.h"
#include "sim/sweep/result.h"
#include "sim/sweep/trial.h"

/* Writes an ini of all that was given and has an effect in the sweep's best combination to place->asked, and says the
 * rest of `place`. */
bool winner_write(const Sweep *sweep, const Trials *trials, TablePlace *place, Error *error);
/* Nothing fits: what lies at place->asked is an earlier sweep's best, and goes out of the way (place->kept, or ""). */
bool winner_none(TablePlace *place, Error *error);
#endif
