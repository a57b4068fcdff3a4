/* gpt_count.h - how many parameters a shape has, of all stages and slices together. */
#ifndef MODELS_LAYERS_GPT_COUNT_H
#define MODELS_LAYERS_GPT_COUNT_H
#include "models/layers/gpt_shape.h"

int64_t gpt_parameter_count(const GptShape *shape);
/* Those of them that a token meets: of experts it goes to top_k a layer. */
int64_t gpt_active_parameter_count(const GptShape *shape);
/* Of these, those in products: no vectors, no positions, and of an embedding and a head of its own the head. */
int64_t gpt_multiplied_parameter_count(const GptShape *shape);
/* And those of experts, the shared ones aside. */
int64_t gpt_expert_parameter_count(const GptShape *shape);
#endif
