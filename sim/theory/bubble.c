/* bubble.c - the idle share of a pipeline, by schedule. */
#include <math.h>
#include "sim/theory/theory.h"

double theory_bubble(const Config *config, int microbatches)
{
    double p = (double)config->pipeline.size, v = (double)config->pipeline.virtual_stages, m = microbatches;
    Ideal t = theory_ideal(config);
    double work = m * (t.forward + t.input + t.weight);
    /* Qi et al. 2401.10241, table 2. That is for m >= p; with fewer the last rank ends its last I after
     * (p - 1) F + m (F + I), which travels back through p - 1 ranks, and the first still owes one W. */
    double idle = (p - 1) * (t.forward + t.input - t.weight);
    if (m < p) idle = (m + p - 1) * (t.forward + t.input) + t.weight - work;
    switch (config_schedule(config)) {
    case SCHEDULE_NAIVE: return (p - 1) / p;
    case SCHEDULE_GPIPE: /* Huang et al. 1811.06965, section 2.3 */
    case SCHEDULE_1F1B: return (p - 1) / (m + p - 1);
    case SCHEDULE_INTERLEAVED:
        return (p - 1) / (v * m + p - 1); /* Narayanan et al. 2104.04473, section 2.2 */
    case SCHEDULE_ZB_H1: return idle / (idle + work);
    case SCHEDULE_KINDS: break;
    }
    return (double)NAN;
}
