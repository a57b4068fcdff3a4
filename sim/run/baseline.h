/* baseline.h - the losses of an earlier run that a run's own are recorded beside. */
#ifndef SIM_RUN_BASELINE_H
#define SIM_RUN_BASELINE_H
#include "sim/config/config.h"

typedef struct Baseline {
    int64_t first, steps; /* which step it begins with, and how many it finished; 0: there is no baseline */
    double *loss;         /* [steps], nats a token */
} Baseline;

/* Reads output.baseline's /steps/loss; leaves `b` empty when the key is. Refuses what is no run file, has no
 * losses, or was trained on other tokens: a difference would say nothing of the two ways of training. */
bool baseline_read(Baseline *b, const Config *config, Error *error);
void baseline_free(Baseline *b);

/* `loss` minus the baseline's at the same step, nats a token; NaN where it has none, or b is NULL. */
double baseline_difference(const Baseline *b, int64_t step, double loss);
#endif
