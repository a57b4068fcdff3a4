/* branch_attention.h - causal attention of several heads between two linear layers, one to queries, keys and values, one
 * back to the width (Vaswani et al. 1706.03762, section 3.2.2; grouped queries: Ainslie et al. 2305.13245). In a region
 * each rank has its own heads. */
#ifndef MODELS_LAYERS_BRANCH_ATTENTION_H
#define MODELS_LAYERS_BRANCH_ATTENTION_H
#include "models/layers/attention_core.h"

enum { QKV_WEIGHT = NORM_TENSORS, QKV_BIAS, ATTENTION_OUT_WEIGHT, ATTENTION_OUT_BIAS, ATTENTION_TENSORS };

enum { ATTENTION_DQKV = ATTENTION_CORE }; /* like qkv */

extern const Branch branch_attention;
#endif
