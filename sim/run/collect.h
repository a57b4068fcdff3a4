/* collect.h - parameters or gradients of any split, whole, on rank 0. */
#ifndef SIM_RUN_COLLECT_H
#define SIM_RUN_COLLECT_H
#include "sim/run/step.h"

/* Calls visit(parameter, the whole of it) on rank 0, for every parameter of the model in order; all ranks call.
 * Storage is taken outside the simulated device, whose ledger does not see it. */
void collect_parameters(Trainer *t, bool gradients,
                        void (*visit)(const Parameter *p, Tensor whole, void *context), void *context);
/* Likewise of its buffers (gpt_parameters.h). */
void collect_buffers(Trainer *t, void (*visit)(const Parameter *p, Tensor whole, void *context),
                     void *context);
#endif
