/* gpt_parameters.h - a GPT of GPT-2's or Llama's family: what it is made of. It holds no values, and once made it
 * does not change.
 *
 * Layer 0 is the embedding, layers 1..L are the blocks, layer L+1 is the head.
 * Consecutive layers make a stage; a rank holds one, or several, or all.
 *
 * Parameters are grouped in units, the pieces that move as one, each one flat
 * range: wte; wpe; a block, and beside it its experts; the final norm with an
 * untied head. A tied head reads wte, or, in a model of several stages, a copy
 * of it that the last stage holds as a unit of its own.
 *
 * Buffers are what else of a model outlives a step, which no gradient is of and no unit has: of each layer with experts
 * the bias of their scores (balance.h), where they are balanced so. All ranks of a layer's stage hold it alike. */
#ifndef MODELS_LAYERS_GPT_PARAMETERS_H
#define MODELS_LAYERS_GPT_PARAMETERS_H
#include "models/layers/block_parameters.h"
#include "models/layers/dispatch.h"

/* Behind "h.N." and in Hugging Face's files behind "layers.N.". */
#define EXPERT_BIAS_NAME "mlp.gate.e_score_correction_bias"

enum { UNIT_WTE }; /* the first */
typedef struct Unit {
    int64_t count;
    int first, parameters; /* in Gpt.parameter */
    int64_t number;        /* of the first of them */
    int stage;             /* whose it is */
    int domain;            /* who holds it alike: 0, all replicas of the data */
    bool held;             /* by this rank */
} Unit;

/* How many blocks stage `stage` of `stages` has: as `given` (stages) says; NULL: as even as can be, where they do not
 * divide the first stages one more. */
int64_t stage_blocks(int64_t layers, int stages, const int *given, int stage);

/* The stages of the whole model, and which of them this rank holds. */
typedef struct GptStages {
    int count;
    const int *blocks;  /* (count): of each stage, L in all; NULL: as even as can be */
    const int *rank_of; /* (count); NULL: all here */
    int rank;           /* this one */
} GptStages;
typedef struct GptStage {
    int first, last; /* layers */
    bool held;
} GptStage;

/* A layer's units, which backward completes from the last to the first. */
enum { LAYER_UNITS = 2 };                      /* at most */
enum { EMBEDDING_WORDS, EMBEDDING_POSITIONS }; /* of layer 0 */
_Static_assert((int)BLOCK_UNITS <= (int)LAYER_UNITS, "a layer has the units of its block");
enum { HEAD_OWN, HEAD_WORDS }; /* of layer L+1; words, wte or its copy, of a tied one alone */
typedef struct GptLayer {
    int units, unit[LAYER_UNITS];
    const BlockLayout *layout; /* of layers 1..L, the same of those that are alike */
    int buffer;                /* its, or -1 */
} GptLayer;

/* What a model is made of. Zero is the default of all but shape and device. */
typedef struct GptOptions {
    const GptShape *shape;
    const Region *region;     /* tensor parallelism; NULL: all of every layer on one rank */
    const Dispatch *dispatch; /* expert parallelism, whose ranks divide the experts; NULL: all of them here */
    const GptStages *stages;  /* NULL: all layers in one stage, here */
    Recompute recompute;
    DType dtype;    /* of parameters, gradients and activations */
    int64_t seed;   /* of what shape->dropout drops */
    Device *device; /* where activations live, as long as the model */
    /* One of the same shape, which lives longer: if this rank's parameters are the same, of its stages and all others', they
     * are not told again. NULL: they are */
    const struct Gpt *like;
} GptOptions;

typedef struct Gpt {
    GptShape shape;
    Device *device;
    Region region;
    Dispatch dispatch;
    Recompute recompute;
    DType dtype;
    int64_t seed;
    int64_t vocab_cut; /* rows of wte, and columns of logits, that this rank holds: ceil(V / ranks) */
    int units, parameters, buffers, stages; /* of the whole model, but for experts held elsewhere */
    int64_t numbers;                        /* of parameters, with those */
    Unit *unit;
    Parameter *parameter, *buffer;   /* a buffer's unit is that of its layer's own parameters */
    bool borrows;                    /* these two, of one that it is like */
    GptLayer *layer;                 /* (L + 2) */
    BlockLayout layout[BLOCK_KINDS]; /* of the kinds that layers are of */
    GptStage *stage;
    int head_embedding; /* the unit a tied head reads, or -1 */
} Gpt;

/* Of what the options point to only the device and the contexts of region and dispatch must live as long. */
Gpt *gpt_new(const GptOptions *options);
void gpt_free(Gpt *gpt);

/* Calls visit(parameter, its offset in the parameter, its offset in the range,
 * count) for each parameter that crosses offset..offset+count-1 of the unit. */
void gpt_each_parameter(const Gpt *gpt, int unit, int64_t offset, int64_t count,
                        void (*visit)(const Parameter *p, int64_t in_parameter, int64_t in_range,
                                      int64_t count, void *context),
                        void *context);

/* Flat tensors of a layer's units, weights or gradients. */
typedef struct LayerTensors {
    Tensor unit[LAYER_UNITS];
} LayerTensors;
/* (vocab_cut, C) of wte's flat tensor, or its copy's: without what pads it. */
Tensor gpt_words(const Gpt *gpt, Tensor flat);
#endif
