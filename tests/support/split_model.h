/* split_model.h - what each rank of a region holds of a model, in a process
 * that moves nothing: for tests of where parameters lie. */
#ifndef TESTS_SUPPORT_SPLIT_MODEL_H
#define TESTS_SUPPORT_SPLIT_MODEL_H

#include "models/layers/gpt.h"

enum { SPLIT_RANKS_MAX = 4, SPLIT_SHAPES = 6 };

/* Of shapes below: vocab divides over none; kv_heads and ffn over all. */
#define SPLIT_SIZES(kv) \
    .layers = 2, .hidden = 16, .heads = 8, .kv_heads = (kv), .ffn = 12, .vocab = 11, .sequence = 3
/* One of each kind of attention, norm, position and feed-forward network. */
extern const GptShape SPLIT_SHAPE[SPLIT_SHAPES];

typedef struct SplitModel {
    Device device;
    int ranks;
    Gpt *gpt[SPLIT_RANKS_MAX];
} SplitModel;

SplitModel *split_model_new(const GptShape *shape, int ranks);
/* Fails the test when anything is still held. */
void split_model_free(SplitModel *s);

/* BODY with each of SPLIT_SHAPE, over 1, 2 and 4 ranks. */
void split_model_each(void (*body)(const GptShape *shape, SplitModel *s));

#endif
