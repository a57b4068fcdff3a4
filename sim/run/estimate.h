/* estimate.h - what a run will take of this machine, before it takes any of it.
 *
 * Of a dry run it is the bookkeeping: every rank that is walked is a coroutine with a table of all layers, a row for
 * each action it performs and mail. Of a real one it is the numbers themselves, which theory.h knows, and a process
 * around them. A table in estimate.c has what each costs on one machine; another's differ.
 *
 * How far it is off: of what a real rank counts, less than a factor of 2 (tests/sim/test_estimate.c holds it to that;
 * found were 0.89 to 1.23). Measured once, and held by no test: of 21 dry runs of 0.03 s to 1.8 s and 24 MB to 119 MB, all of
 * whose ranks were walked or a few, to which the table was fitted, 0.9 to 1.6 of the seconds, which swing as much on one
 * machine, but for one of 2.5 and DeepSeek-V3's 3.8, both of less than 0.1 s; and 0.8 to 1.1 of the memory; 0.9 to 1.2 of
 * the memory of seven real processes, and 0.8 to 1.3 of the seconds of six real steps. */
#ifndef SIM_RUN_ESTIMATE_H
#define SIM_RUN_ESTIMATE_H
#include "parallel/schedule/plan.h"
#include "parallel/wire/comm_virtual.h"
#include "sim/config/config.h"

/* What memory and seconds go into. */
typedef enum {
    COST_PROGRAM,     /* what there is of it without a run: libraries */
    COST_RANKS,       /* of a dry run: each rank's own, and what it has of every other */
    COST_LAYERS,      /* each rank's table of all layers */
    COST_ACTIONS,     /* rows of the timeline, and what is saved between F and B */
    COST_MESSAGES,    /* rings, and rows to experts */
    COST_STATES,      /* of a real run: parameters, gradients, optimizer */
    COST_ACTIVATIONS, /* and what is computed again, or gathered, for a moment */
    COST_CHECKPOINT,  /* the copy that one is written from, beside training */
    COST_VOCABULARY,  /* the table of the markov source */
    COST_PRODUCTS,    /* of matrices: no memory */
    COSTS
} Cost;

typedef struct Estimate {
    double memory[COSTS];  /* bytes */
    double seconds[COSTS]; /* of a dry run, or of one step of a real one */
    double work;           /* a dry run's actions, layers in them and messages; a step's operations */
    double file;           /* bytes of the run's file */
} Estimate;

/* Of a dry run, all whose ranks that are walked are in this process. `plan` is that of one replica. `repeats`:
 * microbatches do the same, and passes of all but a few are repeated. */
Estimate estimate_dry(const Config *config, const Plan *plan, const WalkedRanks *walked, bool repeats);
/* Of the process that is rank `rank` of a real run, with a core of its own. */
Estimate estimate_rank(const Config *config, const Plan *plan, int ranks, int rank);
/* Adds what another process takes at the same time: no seconds, but as many as it has where those are more. */
void estimate_add(Estimate *sum, const Estimate *more);

double estimate_total(const double cost[COSTS]);
Cost estimate_largest(const double cost[COSTS]);
#endif
