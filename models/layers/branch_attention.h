/* branch_attention.h - causal attention of several heads between two linear layers, one to queries, keys and values, one
 * back to the width (Vaswani et al. 1706.03762, section 3.2.2; grouped queries: Ainslie et al. 2305.13245). In a region
 * each rank has its own heads. */
#ifndef MODELS_LAYERS_BRANCH_ATTENTION_H
#define MODELS_LAYERS_BRANCH_ATTENTION_H
#include "models/layers/branch.h"

enum { QKV_WEIGHT = NORM_TENSORS, QKV_BIAS, ATTENTION_OUT_WEIGHT, ATTENTION_OUT_BIAS, ATTENTION_TENSORS };

/* On t ranks. */
enum {
    ATTENTION_QKV,           /* (B, T, qkv width/t) */
    ATTENTION_PROBABILITIES, /* (B, heads/t, T, T) each, without flash attention: as in AttentionSaved */
    ATTENTION_MASK,
    ATTENTION_DROPPED,
    ATTENTION_LSE,   /* (B, heads/t, T), with it */
    ATTENTION_HEADS, /* (B, T, C/t): what the heads made */
    ATTENTION_DQKV   /* like qkv */
};

extern const Branch branch_attention;
#endif
