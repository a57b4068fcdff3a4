#include "tests/support/split_model.h"
#include <stdlib.h>
#include "tests/support/check.h"

#define GATED .activation = ACTIVATION_SWIGLU
#define LATENTS                                                                                       \
    .attention_kind = ATTENTION_MLA, .kv_lora_rank = 6, .qk_nope_head_dim = 3, .qk_rope_head_dim = 2, \
    .v_head_dim = 5
const GptShape SPLIT_SHAPE[SPLIT_SHAPES] = {
    {SPLIT_SIZES(8), .bias = true, .tie_embeddings = true},
    {SPLIT_SIZES(4), .bias = true, .tie_embeddings = true, GATED},
    {SPLIT_SIZES(4), .norm = NORM_RMSNORM, .position = POSITION_ROPE, GATED},
    {SPLIT_SIZES(4), .post_norm = true, .position = POSITION_SINUSOIDAL},
    {SPLIT_SIZES(8), .position = POSITION_ROPE, .bias = true, LATENTS, .q_lora_rank = 5},
    {SPLIT_SIZES(8), .norm = NORM_RMSNORM, .position = POSITION_ROPE, GATED, LATENTS},
};

SplitModel *split_model_new(const GptShape *shape, int ranks)
{
    SplitModel *s = calloc(1, sizeof *s);
    s->ranks = ranks;
    for (int r = 0; r < ranks; r++)
        s->gpt[r] = gpt_new(&(GptOptions){
            .shape = shape, .region = &(Region){.size = ranks, .rank = r}, .device = &s->device});
    return s;
}

void split_model_free(SplitModel *s)
{
    for (int r = 0; r < s->ranks; r++) gpt_free(s->gpt[r]);
    assert_true(s->device.total == 0);
    free(s);
}

void split_model_each(void (*body)(const GptShape *shape, SplitModel *s))
{
    for (int i = 0; i < SPLIT_SHAPES; i++)
        for (int ranks = 1; ranks <= SPLIT_RANKS_MAX; ranks *= 2) {
            SplitModel *s = split_model_new(&SPLIT_SHAPE[i], ranks);
            body(&SPLIT_SHAPE[i], s);
            split_model_free(s);
        }
}
