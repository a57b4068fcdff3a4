/* presets.c - models with a name.
 *
 * GPT-2: Radford et al., "Language models are unsupervised multitask learners" (2019), table 2, with the head
 * counts of the released models. GPT-3: Brown et al. 2005.14165, table 2.1. Megatron: Korthikanti et al.
 * 2205.05198, table 3. Llama 2: Touvron et al. 2307.09288; Llama 3: Dubey et al. 2407.21783, table 3; both with
 * the widths of the released models. Mixtral: Jiang et al. 2401.04088, table 1; DeepSeekMoE: Dai et al. 2401.06066, section
 * 4.1.3 and the released model. DeepSeek-V2: DeepSeek-AI 2405.04434, section 3.1.2; DeepSeek-V3: 2412.19437, section 4.2;
 * both at their first sequence length, RoPE as it is before it is stretched to longer ones, V3 without the module that
 * predicts a second token, which its own count leaves out, too, and in the run's precision, not in 8 bits. How experts are
 * balanced is training's, and no part of a preset. What all of these count: configs/validation/parameters-*.csv. */
#include "sim/config/presets.h"
#include <stddef.h>

const char *const preset_names[PRESETS + 1] = {
    [PRESET_TOY] = "toy",
    [PRESET_SMALL] = "small",
    [PRESET_LLAMA_TINY] = "llama-tiny",
    [PRESET_MLA_TINY] = "mla-tiny",
    [PRESET_GPT2_124M] = "gpt2-124m",
    [PRESET_GPT2_355M] = "gpt2-355m",
    [PRESET_GPT2_774M] = "gpt2-774m",
    [PRESET_GPT2_1558M] = "gpt2-1558m",
    [PRESET_GPT3_175B] = "gpt3-175b",
    [PRESET_MEGATRON_22B] = "megatron-22b",
    [PRESET_MEGATRON_175B] = "megatron-175b",
    [PRESET_MEGATRON_530B] = "megatron-530b",
    [PRESET_MEGATRON_1T] = "megatron-1t",
    [PRESET_LLAMA2_7B] = "llama2-7b",
    [PRESET_LLAMA2_70B] = "llama2-70b",
    [PRESET_LLAMA3_8B] = "llama3-8b",
    [PRESET_LLAMA3_405B] = "llama3-405b",
    [PRESET_MIXTRAL_TINY] = "mixtral-tiny",
    [PRESET_MIXTRAL_8X7B] = "mixtral-8x7b",
    [PRESET_DEEPSEEK_TINY] = "deepseek-tiny",
    [PRESET_DEEPSEEK_MOE_16B] = "deepseek-moe-16b",
    [PRESET_DEEPSEEK_V2_TINY] = "deepseek-v2-tiny",
    [PRESET_DEEPSEEK_V2] = "deepseek-v2",
    [PRESET_DEEPSEEK_V3_TINY] = "deepseek-v3-tiny",
    [PRESET_DEEPSEEK_V3] = "deepseek-v3",
    [PRESETS] = NULL,
};

/* what is said of experts where there are none: what they would be, if they were given */
#define NO_EXPERTS .experts = {.top_k = 2, .every = 1, .scale = 1, .groups = 1, .groups_limited = 1}
/* tied embeddings, biases, LayerNorm first, GELU, learned positions */
#define GPT(L, h, a, V, s)                                                                                 \
    {                                                                                                      \
        .layers = (L), .hidden = (h), .heads = (a), .vocab = (V), .sequence = (s), .tie_embeddings = true, \
        .bias = true, .rope_base = 1e4, NO_EXPERTS                                                         \
    }
/* a head of its own, no biases, RMSNorm first, SwiGLU, RoPE */
#define OF_LLAMA(L, h, a, kv, f, V, s, base)                                                                 \
    .layers = (L), .hidden = (h), .heads = (a), .kv_heads = (kv), .ffn = (f), .vocab = (V), .sequence = (s), \
    .norm = NORM_RMSNORM, .activation = ACTIVATION_SWIGLU, .position = POSITION_ROPE, .rope_base = (base)
#define LLAMA(L, h, a, kv, f, V, s, base)                \
    {                                                    \
        OF_LLAMA(L, h, a, kv, f, V, s, base), NO_EXPERTS \
    }

/* the same but for its attention: latents of q and kv, a head of d numbers without a place and r with one */
#define WITH_LATENTS(L, h, a, q, kv, d, r, f, V, s)                                                     \
    .layers = (L), .hidden = (h), .heads = (a), .ffn = (f), .vocab = (V), .sequence = (s),              \
    .norm = NORM_RMSNORM, .activation = ACTIVATION_SWIGLU, .position = POSITION_ROPE, .rope_base = 1e4, \
    .attention_kind = ATTENTION_MLA, .q_lora_rank = (q), .kv_lora_rank = (kv), .qk_nope_head_dim = (d), \
    .qk_rope_head_dim = (r), .v_head_dim = (d)
/* in DeepSeek-V2's proportions: d = h / a, r = d / 2, kv = 4 d and q about a third of h */
#define OF_LATENT(L, h, a, q, f, V, s) \
    WITH_LATENTS(L, h, a, q, 4 * (h) / (a), (h) / (a), (h) / (a) / 2, f, V, s)
/* of V2's and V3's own, whatever h is */
#define OF_DEEPSEEK(L, h, f, V, s) WITH_LATENTS(L, h, 128, 1536, 512, 128, 64, f, V, s)
/* 8 experts in every layer, of which a token goes to 2, with gates that are 1 together */
#define MIXTRAL(f)                 \
    .experts = {.count = 8,        \
                .top_k = 2,        \
                .ffn = (f),        \
                .every = 1,        \
                .normalise = true, \
                .scale = 1,        \
                .groups = 1,       \
                .groups_limited = 1}
/* many small experts and some that are shared, in all layers but the first */
#define DEEPSEEK_MOE(E, k, s, f)  \
    .experts = {.count = (E),     \
                .top_k = (k),     \
                .ffn = (f),       \
                .shared = (s),    \
                .first_dense = 1, \
                .every = 1,       \
                .scale = 1,       \
                .groups = 1,      \
                .groups_limited = 1}
/* in groups: softmax scores as they are, and a group's best expert; or, of V3, sigmoids over their sum and its best two */
#define DEEPSEEK_V2_EXPERTS(E, k, s, f, of, to, g) \
    .experts = {.count = (E),                      \
                .top_k = (k),                      \
                .ffn = (f),                        \
                .shared = (s),                     \
                .first_dense = 1,                  \
                .every = 1,                        \
                .router = ROUTER_SOFTMAX,          \
                .scale = (g),                      \
                .groups = (of),                    \
                .groups_limited = (to)}
#define DEEPSEEK_V3_EXPERTS(E, k, f, of, to, dense) \
    .experts = {.count = (E),                       \
                .top_k = (k),                       \
                .ffn = (f),                         \
                .shared = 1,                        \
                .first_dense = (dense),             \
                .every = 1,                         \
                .router = ROUTER_SIGMOID,           \
                .normalise = true,                  \
                .scale = 2.5,                       \
                .groups = (of),                     \
                .groups_limited = (to)}

const GptShape preset_shapes[PRESETS] = {
    [PRESET_TOY] = GPT(2, 64, 4, 64, 32),
    [PRESET_SMALL] = GPT(4, 128, 4, 64, 64),
    [PRESET_LLAMA_TINY] = LLAMA(2, 64, 8, 4, 176, 64, 32, 1e4),
    [PRESET_MLA_TINY] = {OF_LATENT(2, 64, 8, 24, 176, 64, 32), NO_EXPERTS},
    [PRESET_GPT2_124M] = GPT(12, 768, 12, 50257, 1024),
    [PRESET_GPT2_355M] = GPT(24, 1024, 16, 50257, 1024),
    [PRESET_GPT2_774M] = GPT(36, 1280, 20, 50257, 1024),
    [PRESET_GPT2_1558M] = GPT(48, 1600, 25, 50257, 1024),
    [PRESET_GPT3_175B] = GPT(96, 12288, 96, 50257, 2048),
    [PRESET_MEGATRON_22B] = GPT(48, 6144, 64, 51200, 2048),
    [PRESET_MEGATRON_175B] = GPT(96, 12288, 96, 51200, 2048),
    [PRESET_MEGATRON_530B] = GPT(105, 20480, 128, 51200, 2048),
    [PRESET_MEGATRON_1T] = GPT(128, 25600, 160, 51200, 2048),
    [PRESET_LLAMA2_7B] = LLAMA(32, 4096, 32, 32, 11008, 32000, 4096, 1e4),
    [PRESET_LLAMA2_70B] = LLAMA(80, 8192, 64, 8, 28672, 32000, 4096, 1e4),
    [PRESET_LLAMA3_8B] = LLAMA(32, 4096, 32, 8, 14336, 128256, 8192, 5e5),
    [PRESET_LLAMA3_405B] = LLAMA(126, 16384, 128, 8, 53248, 128256, 8192, 5e5),
    [PRESET_MIXTRAL_TINY] = {OF_LLAMA(2, 64, 8, 4, 96, 64, 32, 1e4), MIXTRAL(96)},
    [PRESET_MIXTRAL_8X7B] = {OF_LLAMA(32, 4096, 32, 8, 14336, 32000, 32768, 1e6), MIXTRAL(14336)},
    [PRESET_DEEPSEEK_TINY] = {OF_LLAMA(2, 64, 4, 4, 176, 64, 32, 1e4), DEEPSEEK_MOE(16, 4, 1, 24)},
    [PRESET_DEEPSEEK_MOE_16B] = {OF_LLAMA(28, 2048, 16, 16, 10944, 102400, 4096, 1e4),
                                 DEEPSEEK_MOE(64, 6, 2, 1408)},
    [PRESET_DEEPSEEK_V2_TINY] = {OF_LATENT(2, 64, 8, 24, 176, 64, 32),
                                 DEEPSEEK_V2_EXPERTS(16, 4, 2, 24, 4, 2, 2)},
    [PRESET_DEEPSEEK_V2] = {OF_DEEPSEEK(60, 5120, 12288, 102400, 4096),
                            DEEPSEEK_V2_EXPERTS(160, 6, 2, 1536, 8, 3, 16)},
    [PRESET_DEEPSEEK_V3_TINY] = {OF_LATENT(2, 64, 8, 24, 176, 64, 32),
                                 DEEPSEEK_V3_EXPERTS(16, 4, 24, 4, 2, 1)},
    [PRESET_DEEPSEEK_V3] = {OF_DEEPSEEK(61, 7168, 18432, 129280, 4096),
                            DEEPSEEK_V3_EXPERTS(256, 8, 2048, 8, 4, 3)},
};

const char *const preset_notes[PRESETS] = {
    [PRESET_TOY] = "0.1 million parameters: trains in seconds",
    [PRESET_SMALL] = "0.8 million parameters: in minutes",
    [PRESET_LLAMA_TINY] = "0.1 million parameters, built as Llama is",
    [PRESET_MLA_TINY] = "0.1 million, with DeepSeek-V2's attention",
    [PRESET_GPT2_124M] = "GPT-2 small: 16 bytes a parameter are 2.0 GB",
    [PRESET_GPT2_355M] = "GPT-2 medium: 5.7 GB",
    [PRESET_GPT2_774M] = "GPT-2 large: 12.4 GB",
    [PRESET_GPT2_1558M] = "GPT-2 XL: 24.9 GB; the ZeRO paper's example",
    [PRESET_GPT3_175B] = "GPT-3: 2.8 TB",
    [PRESET_MEGATRON_22B] = "the four of the paper on activation memory",
    [PRESET_MEGATRON_175B] = "",
    [PRESET_MEGATRON_530B] = "",
    [PRESET_MEGATRON_1T] = "a trillion parameters: 16 TB",
    [PRESET_LLAMA2_7B] = "no biases, RMSNorm, SwiGLU, RoPE",
    [PRESET_LLAMA2_70B] = "the same with 8 key-value heads",
    [PRESET_LLAMA3_8B] = "",
    [PRESET_LLAMA3_405B] = "6.5 TB",
    [PRESET_MIXTRAL_TINY] = "0.3 million parameters, built as Mixtral is",
    [PRESET_MIXTRAL_8X7B] = "46.7 billion; a token meets 12.9 of them",
    [PRESET_DEEPSEEK_TINY] = "0.2 million, built as DeepSeekMoE is",
    [PRESET_DEEPSEEK_MOE_16B] = "16.4 billion; a token meets 2.8 of them",
    [PRESET_DEEPSEEK_V2_TINY] = "0.2 million, built as DeepSeek-V2 is",
    [PRESET_DEEPSEEK_V2] = "235.7 billion; a token meets 21.4 of them",
    [PRESET_DEEPSEEK_V3_TINY] = "0.1 million, built as DeepSeek-V3 is",
    [PRESET_DEEPSEEK_V3] = "671.0 billion; a token meets 37.6 of them",
};
