/* assumed_load.h - the load of experts that a dry run assumes, which routes no tokens.
 *
 * Where moe.load is of a run whose steps are cut into the same microbatches, it is that run's, of each replica and
 * microbatch its own (assumed_rows.h): then the dry run is that step, to the byte. Else it is of each layer and expert the
 * choices among a microbatch's n tokens, k of each, which are n k together: the same in every microbatch and replica. An
 * expert has n at most, as the choices of a token differ. Shares become whole numbers by their largest remainders, of equal
 * ones the first experts'. */
#ifndef SIM_RUN_ASSUMED_LOAD_H
#define SIM_RUN_ASSUMED_LOAD_H
#include "models/machine/error.h"
#include "sim/config/config.h"
#include "sim/run/assumed_rows.h"

/* Whether any is asked for, by moe.load or moe.skew. */
bool assumes_load(const Config *config);
/* Of a config that is checked, on so many ranks. False where moe.load is no file of such experts. */
bool assumed_load(const Config *config, int ranks, AssumedLoad *assumed, Error *error);
void assumed_load_free(AssumedLoad *assumed);

/* From `share` (experts), above 0 or 0, whole numbers that are `all` together and `most` at most each; experts x most
 * are no fewer than all, and the shares not all 0. */
void assumed_counts(const double *share, int64_t experts, int64_t all, int64_t most, int64_t *count);
#endif
