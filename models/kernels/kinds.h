/* kinds.h - where families of models differ, and kernels have a choice. */
#ifndef MODELS_KERNELS_KINDS_H
#define MODELS_KERNELS_KINDS_H

typedef enum { NORM_LAYERNORM, NORM_RMSNORM } NormKind;
typedef enum { ACTIVATION_GELU, ACTIVATION_RELU, ACTIVATION_SILU, ACTIVATION_SWIGLU } ActivationKind;
typedef enum { POSITION_LEARNED, POSITION_SINUSOIDAL, POSITION_ROPE } PositionKind;
/* How attention is computed; and what heads get: queries, keys and values each of its own, or of a latent (Multi-head
 * Latent Attention: DeepSeek-AI 2405.04434, section 2.1). */
typedef enum { ATTENTION_PLAIN, ATTENTION_FLASH } AttentionCore;
typedef enum { ATTENTION_MHA, ATTENTION_MLA } AttentionKind;
typedef enum { MATMUL_AUTO, MATMUL_BLAS, MATMUL_OWN } MatmulChoice;
/* What an expert's score is of its logit, and which tokens a full expert drops (router.h, capacity.h). */
typedef enum { ROUTER_SOFTMAX, ROUTER_SIGMOID } RouterKind;
typedef enum { DROP_BY_POSITION, DROP_BY_PROBABILITY } DropPolicy;
/* What keeps the load of experts even, and the tokens that it is of (balance.h). */
typedef enum { BALANCE_NONE, BALANCE_AUXILIARY, BALANCE_BIAS } BalanceKind;
typedef enum { SCOPE_MICROBATCH, SCOPE_SEQUENCE, SCOPE_BATCH } BalanceScope;
#endif
