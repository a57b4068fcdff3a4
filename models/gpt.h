/* gpt.h - a GPT in the GPT-2 family: its parameters, forward and backward.
 *
 * Parameters are grouped in units, the pieces that move as one: unit 0 is the
 * embedding (wte, wpe), units 1..L the blocks, unit L+1 the final norm and, if
 * untied, the head. A unit is one flat range. Layers have the same numbers;
 * the head (layer L+1) also reads unit 0 when the embedding is tied.
 *
 * Single-device code with named holes: whoever holds the parameters is told
 * when a unit is needed, when it is done with, and when its gradient begins
 * and is complete. The model knows no ranks. */
#ifndef MODELS_GPT_H
#define MODELS_GPT_H
#include "models/block.h"
#include "models/gpt_shape.h"
#include "models/tensor.h"

typedef enum { INIT_ZERO, INIT_ONE, INIT_NORMAL, INIT_NORMAL_RESIDUAL } Init;

typedef struct Parameter {
    char name[48]; /* Hugging Face's: "h.0.attn.c_attn.weight" */
    int unit;
    int64_t offset;                    /* in the unit */
    int64_t rows, columns;             /* what this rank holds; rows = 0: a vector */
    int64_t whole_rows, whole_columns; /* what all ranks of a tensor-parallel group hold together */
    Cut cut;
    Init init;
} Parameter;
int64_t parameter_count(const Parameter *p);       /* of what this rank holds */
int64_t parameter_whole_count(const Parameter *p); /* of all of it */
/* Where element `index` of what rank `rank` of `ranks` holds lies in the whole; -1: padding of the vocabulary. */
int64_t parameter_place(const Parameter *p, int ranks, int rank, int64_t index);

typedef struct Unit {
    int64_t count;
    int first, parameters;     /* in Gpt.parameter */
    Tensor weights, gradients; /* whole while needed; set by the holder */
} Unit;

typedef struct GptHooks {
    void *context;
    void (*need)(void *context, int unit);     /* unit's weights must be whole on return */
    void (*prefetch)(void *context, int unit); /* will be needed next */
    void (*done)(void *context, int unit);
    void (*gradient_begin)(void *context, int unit); /* unit's gradients must be there to be added to */
    void (*gradient_ready)(void *context, int unit); /* this microbatch has added all it will */
} GptHooks;

typedef struct Gpt {
    GptShape shape;
    Device *device;
    Region region; /* tensor parallelism; one rank by default */
    Recompute recompute;
    int64_t vocab_cut; /* rows of wte, and columns of logits, that this rank holds: ceil(V / ranks) */
    int units, parameters;
    Unit *unit;
    Parameter *parameter;
    GptHooks hooks;
} Gpt;

/* What one microbatch keeps from forward for backward. */
typedef struct GptSaved {
    int64_t B;
    Tensor tokens; /* (B, T + 1) */
    BlockSaved *block;
    Tensor x, norm, probabilities; /* head: (B, T', C), (B, T', C), (B, T, vocab_cut) */
} GptSaved;

/* `region` NULL: all of it on one rank. */
Gpt *gpt_new(const GptShape *shape, const Region *region, Device *device);
void gpt_free(Gpt *gpt);
int64_t gpt_parameter_count(const GptShape *shape);

/* Fills `to` with elements offset.. of the unit as initialised from `seed`:
 * normal(0, 0.02), residual projections by 1/sqrt(2 L) less, norms 1, biases 0.
 * A function of the element's place alone, so any rank fills any range. */
void gpt_initialise(const Gpt *gpt, int unit, int64_t offset, int64_t seed, Tensor to);

/* Calls visit(parameter, its offset in the parameter, its offset in the range,
 * count) for each parameter that crosses offset..offset+count-1 of the unit. */
void gpt_each_parameter(const Gpt *gpt, int unit, int64_t offset, int64_t count,
                        void (*visit)(const Parameter *p, int64_t in_parameter, int64_t in_range,
                                      int64_t count, void *context),
                        void *context);

/* Takes tokens (B, T + 1) over. Returns the sum over B T positions of -log p,
 * in nats. `saved` holds what backward needs. */
double gpt_forward(Gpt *gpt, int64_t B, Tensor tokens, GptSaved *saved);
/* Adds scale * d(sum of -log p)/d(parameter) to the gradients; frees saved. */
void gpt_backward(Gpt *gpt, GptSaved *saved, double scale);
#endif
