/* branch_latent.h - multi-head latent attention (DeepSeek-AI 2405.04434, section 2.1): keys and values come of a latent
 * that a token has one of, narrow enough to be all that a cache holds of it; queries, with q_lora_rank, of another. RoPE
 * turns parts of their own: of each query its last numbers, and one key that all heads share.
 *
 *     input -+- down -> RMSNorm -> up -> queries -----------------+
 *            +- down -+-> RMSNorm -> up -> keys' parts and values -+-> heads -> out
 *                     +-> the shared key --------------------------+
 *
 * In a region each rank has its own heads. The latents are outside it, alike on all ranks or, with sequence, of this
 * rank's rows: what is narrow crosses the border, after its norm, where attention of another kind has the width cross.
 * So their gradients need no sum but that over rows, which every weight has that is not cut. */
#ifndef MODELS_LAYERS_BRANCH_LATENT_H
#define MODELS_LAYERS_BRANCH_LATENT_H
#include "models/layers/attention_core.h"

/* On t ranks; of queries (B, T', q_lora_rank), of keys and values (B, T', kv_lora_rank). */
enum {
    LATENT_OF_Q = ATTENTION_CORE, /* as it comes down; in backward its gradient, in the same place */
    LATENT_OF_Q_NORMED,
    LATENT_OF_KV, /* its gradient has the shared key's with it: (B, T', kv_lora_rank + qk_rope_head_dim) */
    LATENT_OF_KV_NORMED,
    LATENT_DQ,    /* (B, T, heads/t key width) */
    LATENT_DKV,   /* (B, T, heads/t (qk_nope_head_dim + v_head_dim)) */
    LATENT_DGAINS /* (q_lora_rank + kv_lora_rank) REAL: of both latents' norms */
};

extern const Branch branch_latent;
#endif
