/* latent_heads.h - queries, keys and values of heads, of what latent attention has of them (DeepSeek-AI 2405.04434,
 * section 2.1): each key is a part of its head's own, and a part that has the position and that all heads share. */
#ifndef MODELS_KERNELS_LATENT_HEADS_H
#define MODELS_KERNELS_LATENT_HEADS_H
#include "models/kernels/attention_shape.h"
#include "models/machine/tensor.h"

/* From q (B, T, heads hd), kv (B, T, heads ((hd - rotary) + hd_v)), of each head the key's own part, then the value, and
 * shared (B, T, rotary) to qkv as attention takes it (attention_shape.h; as many heads of keys as of queries). */
void latent_heads_join(AttentionShape s, Tensor q, Tensor kv, Tensor shared, Tensor qkv);
/* And back: dshared is the sum over the heads that are here. */
void latent_heads_part(AttentionShape s, Tensor dqkv, Tensor dq, Tensor dkv, Tensor dshared);
#endif
