/* expert_bias.h - balance without a loss: a bias of each expert's scores, which goes against its load, step by step (Wang
 * et al. 2408.15664; DeepSeek-V3, 2412.19437, section 2.1.2).
 *
 * Experts are chosen by their scores and this; gates do not have it (router.h). The load is that of the whole global
 * batch: what a rank's tokens chose is added up over the replicas, in whole numbers, and all of them, and the ranks of a
 * tensor group, which have routed the same tokens, take the same step. So no split changes a bit of it. A step that is
 * skipped as its gradients overflow has chosen all the same, and counts. */
#ifndef SIM_RUN_EXPERT_BIAS_H
#define SIM_RUN_EXPERT_BIAS_H
#include "models/layers/gpt_parameters.h"
#include "parallel/mesh.h"

typedef struct ExpertBias {
    Tensor all;   /* (layers here with experts, E) REAL */
    Tensor *each; /* (Gpt.buffers): views of it; of layers that are elsewhere none */
    const Gpt *gpt;
} ExpertBias;

/* Zeros; of a model whose experts are balanced in another way nothing. */
void expert_bias_make(ExpertBias *b, const Gpt *gpt, Device *device);
void expert_bias_free(ExpertBias *b);

/* After a step's last forward. `routing`: (L, routing_width), what tokens chose here (GptPass.routing); of the first
 * replica the biases as they are now are put into it. All ranks of the mesh call it together. */
void expert_bias_step(ExpertBias *b, const Mesh *mesh, double *routing);
#endif
