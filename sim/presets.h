/* presets.h - models with a name: GPT-2's sizes, and two that run on a laptop. */
#ifndef SIM_PRESETS_H
#define SIM_PRESETS_H
#include "models/gpt_shape.h"

enum {
    PRESET_TOY,
    PRESET_SMALL,
    PRESET_GPT2_124M,
    PRESET_GPT2_355M,
    PRESET_GPT2_774M,
    PRESET_GPT2_1558M,
    PRESETS
};

extern const char *const preset_names[PRESETS + 1]; /* ends in NULL */
extern const GptShape preset_shapes[PRESETS];       /* ffn = 0: four times hidden */
extern const char *const preset_notes[PRESETS];     /* one line each */
#endif
