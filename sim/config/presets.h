/* presets.h - models with a name: published ones, and a few that run on a laptop. */
#ifndef SIM_CONFIG_PRESETS_H
#define SIM_CONFIG_PRESETS_H
#include "models/layers/gpt_shape.h"

enum {
    PRESET_TOY,
    PRESET_SMALL,
    PRESET_LLAMA_TINY,
    PRESET_MLA_TINY,
    PRESET_GPT2_124M,
    PRESET_GPT2_355M,
    PRESET_GPT2_774M,
    PRESET_GPT2_1558M,
    PRESET_GPT3_175B,
    PRESET_MEGATRON_22B,
    PRESET_MEGATRON_175B,
    PRESET_MEGATRON_530B,
    PRESET_MEGATRON_1T,
    PRESET_LLAMA2_7B,
    PRESET_LLAMA2_70B,
    PRESET_LLAMA3_8B,
    PRESET_LLAMA3_405B,
    PRESET_MIXTRAL_TINY,
    PRESET_MIXTRAL_8X7B,
    PRESET_DEEPSEEK_TINY,
    PRESET_DEEPSEEK_MOE_16B,
    PRESET_DEEPSEEK_V2_TINY,
    PRESET_DEEPSEEK_V2,
    PRESET_DEEPSEEK_V3_TINY,
    PRESET_DEEPSEEK_V3,
    PRESETS
};

extern const char *const preset_names[PRESETS + 1]; /* ends in NULL */
extern const GptShape preset_shapes[PRESETS];       /* ffn = 0: four times hidden; kv_heads = 0: heads */
extern const char *const preset_notes[PRESETS];     /* one line each */
#endif
