/* gpt.h - one microbatch through a GPT, forward and back.
 *
 * Single-device code with named holes: whoever holds the parameters is asked
 * for a unit's, told when it is done with, asked for the gradient to add to,
 * and told when that is complete. Who that is, each pass says: the model knows
 * no ranks. */
#ifndef MODELS_LAYERS_GPT_H
#define MODELS_LAYERS_GPT_H
#include "models/layers/block.h"
#include "models/layers/embedding.h"
#include "models/layers/head.h"

/* Who stands behind the holes. Tensors are flat, of Unit.count values or more (padding), and stay the holder's. */
typedef struct GptHooks {
    void *context;
    /* The unit's weights, whole until done(). */
    Tensor (*need)(void *context, int microbatch, int unit);
    /* It will be needed next. */
    void (*prefetch)(void *context, int microbatch, int unit);
    void (*done)(void *context, int microbatch, int unit);
    /* The unit's gradient, to be added to until gradient_ready(): the microbatch has added all it will. It may be blank
     * (tensor.h): then each of the unit's values is written by what adds to it. */
    Tensor (*gradient_begin)(void *context, int microbatch, int unit);
    void (*gradient_ready)(void *context, int microbatch, int unit);
} GptHooks;

/* One microbatch on its way through a stage, forward and back. */
typedef struct GptPass {
    const GptHooks *hooks; /* until backward is over */
    int stage;
    int microbatch;       /* of the step; for the hooks */
    int64_t step;         /* of the run, from 0: dropout drops others in each */
    int64_t first_sample; /* of the run's; B follow one another */
    int64_t B;
    /* Of layers with experts, which have their rows: */
    double *routing; /* (L, routing_width): forward adds to it; NULL: nobody asks */
    int32_t
        *taken; /* (L, E): of each expert the rows that it takes, which forward writes; NULL: nobody asks */
    /* (L, E), of a dry device: of each expert the choices among the B samples' tokens; NULL: they are even */
    const int64_t *load;
    /* (ranks, L, E), in place of it: the rows that each expert takes, of all ranks of the dispatch; NULL: they follow
     * from the load */
    const int32_t *given;
    const Tensor *bias;     /* (buffers): of experts' scores, a layer's each (gpt_parameters.h); NULL: none */
    const BatchLoad *batch; /* (L), until backward is over; NULL: no losses are of a global batch */
} GptPass;

/* What a stage keeps of one microbatch from forward for backward. */
typedef struct GptSaved {
    GptPass pass;
    Tensor tokens;            /* (B, T + 1); the first and the last stage */
    EmbeddingSaved embedding; /* of the first stage */
    BlockSaved *block;        /* of the stage's layers */
    HeadSaved head;           /* of the last */
} GptSaved;

/* One microbatch through a stage. Takes over tokens (B, T + 1), of the first and the last stage, and x (B, T', C),
 * the output of the stage before. Returns its own, which the last has not; that one sets *loss to the sum over
 * B T positions of -log p, in nats. `saved` holds what backward needs. */
Tensor gpt_forward(const Gpt *gpt, const GptPass *pass, Tensor tokens, Tensor x, GptSaved *saved,
                   double *loss);

/* Backward, whole or in its halves: the gradient of the input first, those of the weights at any time after
 * (Qi et al. 2401.10241). */
typedef enum { HALF_INPUT = 1, HALF_WEIGHTS = 2, HALF_BOTH = 3 } Halves;
/* The input's half takes over dy (B, T', C), which the last stage has not, and returns dx, which the first has
 * not. The weights' half adds scale * d(sum of -log p)/d(parameter) to the gradients and frees saved. */
Tensor gpt_backward(const Gpt *gpt, GptSaved *saved, Halves halves, double scale, Tensor dy);

/* Of a dry device, where tensors are sizes: the same of another microbatch, and all of it let go, the ledger aside. */
GptSaved gpt_saved_copy(const Gpt *gpt, const GptSaved *saved);
void gpt_saved_forget(GptSaved *saved);
#endif
