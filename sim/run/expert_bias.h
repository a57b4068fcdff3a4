/* expert_bias.h - balance without a loss: a bias of each expert's scores, which goes against its load, step by step (Wang
 * et al. 2408.15664; DeepSeek-V3, 2412.19437, section 2.1.2).
 *
 * Experts are chosen by their scores and this; gates do not have it (router.h). The load is that of the whole global
 * batch: what a rank's tokens chose is added up over the replicas, in whole numbers, and all of them, and the ranks of a
 * tensor group, which have routed the same tokens, take the same step. So no split changes a bit of it. It is a
 * parameter that is updated by other means: a step that is skipped, as its gradients overflow, leaves it as it was. */
#ifndef SIM_RUN_EXPERT_BIAS_H
#define SIM_RUN_EXPERT_BIAS_H
#include "models/layers/gpt_parameters.h"
#include "parallel/mesh.h"

typedef struct ExpertBias {
    Tensor all;   /* (layers here with experts, E) REAL */
    Tensor *each; /* (Gpt.buffers): views of it; of layers that are elsewhere none */
    Tensor load;  /* as `all`, INT32, from the sum to the step */
    const Gpt *gpt;
} ExpertBias;

/* Zeros; of a model whose experts are balanced in another way nothing. */
void expert_bias_make(ExpertBias *b, const Gpt *gpt, Device *device);
void expert_bias_free(ExpertBias *b);

/* After a step's last forward: adds up the loads. `routing`: (L, routing_width), what tokens chose here (GptPass.routing).
 * All ranks of the mesh call it together, and then the next. */
void expert_bias_sum(ExpertBias *b, const Mesh *mesh, double *routing);
/* As weights are updated, or left as they are. Of the first replica the biases as they are now are put into `routing`. */
void expert_bias_step(ExpertBias *b, const Mesh *mesh, bool skipped, double *routing);
#endif
