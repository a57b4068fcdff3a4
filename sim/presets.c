/* presets.c - models with a name.
 *
 * The GPT-2 sizes are those of Radford et al., "Language models are
 * unsupervised multitask learners" (2019), table 2, with the head counts of
 * the released models (64 wide each) and the parameter counts in their names. */
#include "sim/presets.h"
#include <stddef.h>

const char *const preset_names[PRESETS + 1] = {
    [PRESET_TOY] = "toy",
    [PRESET_SMALL] = "small",
    [PRESET_GPT2_124M] = "gpt2-124m",
    [PRESET_GPT2_355M] = "gpt2-355m",
    [PRESET_GPT2_774M] = "gpt2-774m",
    [PRESET_GPT2_1558M] = "gpt2-1558m",
    [PRESETS] = NULL,
};

const GptShape preset_shapes[PRESETS] = {
    /*                     L    h     a   ffn V      s     tied */
    [PRESET_TOY] = {2, 64, 4, 0, 64, 32, true},
    [PRESET_SMALL] = {4, 128, 4, 0, 64, 64, true},
    [PRESET_GPT2_124M] = {12, 768, 12, 0, 50257, 1024, true},
    [PRESET_GPT2_355M] = {24, 1024, 16, 0, 50257, 1024, true},
    [PRESET_GPT2_774M] = {36, 1280, 20, 0, 50257, 1024, true},
    [PRESET_GPT2_1558M] = {48, 1600, 25, 0, 50257, 1024, true},
};

const char *const preset_notes[PRESETS] = {
    [PRESET_TOY] = "0.1 million parameters: trains in seconds",
    [PRESET_SMALL] = "0.8 million parameters: in minutes",
    [PRESET_GPT2_124M] = "GPT-2 small: 16 bytes a parameter are 2.0 GB",
    [PRESET_GPT2_355M] = "GPT-2 medium: 5.7 GB",
    [PRESET_GPT2_774M] = "GPT-2 large: 12.4 GB",
    [PRESET_GPT2_1558M] = "GPT-2 XL: 24.9 GB; the example in the ZeRO paper",
};
