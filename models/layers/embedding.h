/* embedding.h - a GPT's first layer: words and positions. The vocabulary is cut over the region's ranks by rows
 * (Shoeybi et al. 1909.08053, section 3). */
#ifndef MODELS_LAYERS_EMBEDDING_H
#define MODELS_LAYERS_EMBEDDING_H
#include "models/layers/gpt_parameters.h"

typedef struct EmbeddingSaved {
    Tensor mask; /* (B, T', C), with dropout */
    Tensor dx;   /* (B, T', C), set by whoever calls backward */
} EmbeddingSaved;

/* tokens (B, T + 1) -> a new x (B, T', C). */
Tensor embed_forward(const Gpt *gpt, LayerTensors w, Tensor tokens, Dropout dropout, EmbeddingSaved *saved);
/* Adds to the gradients d and frees saved. */
void embed_backward(const Gpt *gpt, LayerTensors d, Tensor tokens, EmbeddingSaved *saved);
#endif
