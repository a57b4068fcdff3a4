/* attention_core.h - between linear layers, causal attention of several heads, plain or flash: what a branch that has
 * heads does with queries, keys and values once they lie packed (attention_shape.h). In a region each rank has its own
 * heads. */
#ifndef MODELS_LAYERS_ATTENTION_CORE_H
#define MODELS_LAYERS_ATTENTION_CORE_H
#include "models/kernels/attention.h"
#include "models/layers/branch.h"

/* What it keeps, on t ranks; a branch's own follow. */
enum {
    ATTENTION_QKV,           /* (B, T, qkv width/t), turned where positions turn it */
    ATTENTION_PROBABILITIES, /* (B, heads/t, T, T) each, without flash attention: as in AttentionSaved */
    ATTENTION_MASK,
    ATTENTION_DROPPED,
    ATTENTION_LSE,   /* (B, heads/t, T), with it */
    ATTENTION_HEADS, /* (B, T, heads width/t): what the heads made */
    ATTENTION_CORE
};

/* Of the linear layer that takes what the heads made. */
TensorShape attention_out_weight(const GptShape *s, int ranks);
TensorShape attention_out_bias(const GptShape *s, int ranks);

/* Of one rank's heads. */
AttentionShape attention_core_shape(const BlockRun *run);
/* From ATTENTION_QKV, which is there, the others. */
void attention_core_forward(const BlockRun *run, Booking booking, BranchSaved *s);
/* dheads -> a new dqkv, like qkv; frees dheads and all but the heads. */
Tensor attention_core_backward(const BlockRun *run, Tensor dheads, BranchSaved *s);
/* As a branch's (branch.h). */
void attention_core_forget(BranchSaved *s);
void attention_core_recover(const BlockRun *run, BranchSaved *s);
#endif
