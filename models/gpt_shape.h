/* gpt_shape.h - the numbers that fix a GPT, in the letters of the papers. */
#ifndef MODELS_GPT_SHAPE_H
#define MODELS_GPT_SHAPE_H
#include <stdbool.h>
#include <stdint.h>

typedef struct GptShape {
    int64_t layers;   /* L */
    int64_t hidden;   /* h (C in kernels) */
    int64_t heads;    /* a */
    int64_t ffn;      /* inner width of the MLP, 4 h in GPT-2 */
    int64_t vocab;    /* V */
    int64_t sequence; /* s (T in kernels) */
    bool tie_embeddings;
} GptShape;
#endif
