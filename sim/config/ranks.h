/* ranks.h - whether a config fits a number of ranks. */
#ifndef SIM_CONFIG_RANKS_H
#define SIM_CONFIG_RANKS_H
#include "models/machine/error.h"
#include "sim/config/config.h"

enum { CONFIG_RANKS_MOST = 65536 }; /* of a dry run, whoever asks for it */

/* Checks that parallel.tp cuts the model evenly, that `ranks` are whole replicas of pp x tp, that parallel.ep divides
 * these, and that the batch divides over them; where microbatch was given as 0, sets it to global_batch / replicas: call
 * it before anything reads train.microbatch. Then a schedule with a name must be possible with so many microbatches, and
 * have its forwards first where the load of a global batch is balanced. The refusal names what would be taken on so
 * many ranks: divisors, batches, microbatches, or other numbers of ranks. May be called again with other ranks. */
bool config_check_ranks(Config *config, int ranks, Error *error);

/* Refuses moe.balance_scope = global_batch under a schedule of m microbatches that has a backward before its last forward:
 * what is chosen in a global batch is known when that has ended, and the first backward needs a loss of it. */
bool config_refuse_late_load(const Config *config, int m, Error *error);
#endif
