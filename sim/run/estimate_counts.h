/* estimate_counts.h - how often in a step each thing is done that estimate.c has the time and memory of. */
#ifndef SIM_RUN_ESTIMATE_COUNTS_H
#define SIM_RUN_ESTIMATE_COUNTS_H
#include "parallel/schedule/plan.h"
#include "sim/config/config.h"

/* Of one pipeline, all its ranks together. */
typedef struct PipelineCounts {
    double rows, longest; /* actions; of the longest list */
    /* F, B, I and W, of each layer of their stages, embedding and head among them; dry, of those that are walked */
    double visits;
    double blocks_at_once; /* saved between F and B, the most, of every rank */
    double in_flight;      /* microbatches of a stage, likewise */
} PipelineCounts;
/* `repeats`: passes do but for the first microbatch's and the last's. */
PipelineCounts count_pipeline(const Config *config, const Plan *plan, bool repeats);
/* Its actions, and those of its longest list. */
void count_rows(const Plan *plan, double *rows, double *longest);
/* Whether passes repeat (repeat.h) but for the first microbatch's and the last's. */
bool passes_repeat(const Config *config);

/* Halves of rings in a step, and tensors in them, of one replica's ranks together; a dry ring is one event a rank. */
typedef struct Rings {
    double halves, pieces;
} Rings;
/* Of gradients and parameters, and of activations. */
Rings count_data_rings(const Config *config, const Plan *plan, double replicas);
Rings count_tensor_rings(const Config *config, const Plan *plan);
/* How often ranks visit a block of a unit: in whole gradients each replica's, for the norm, on every rank but in dp; and
 * with 8 bits each that it sends apart, adds up or has gathered. */
double count_block_visits(const Config *config, const Plan *plan, double replicas);

/* Exchanges of rows with experts on other ranks in a step, of one pipeline's ranks together, and those of them that are
 * walked. */
typedef struct Exchanges {
    double all, walked;
} Exchanges;
Exchanges count_exchanges(const Config *config, const Plan *plan, bool repeats);
/* Tensors of experts in a rank's table of layers. */
double count_expert_tensors(const Config *config);
#endif
