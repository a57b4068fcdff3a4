/* holder.h - a whole GPT on one rank, held by hooks that show a unit only between need and done: what the model reads
 * or adds to at another time is NaN. */
#ifndef TESTS_SUPPORT_HOLDER_H
#define TESTS_SUPPORT_HOLDER_H
#include "models/layers/gpt.h"

enum {
    HOLDER_BATCH = 2,
    HOLDER_LAYERS = 2,                    /* of every shape here */
    HOLDER_UNITS = 2 * HOLDER_LAYERS + 3, /* at most: beside a layer's own its experts */
    HOLDER_FIRST_SAMPLE = 6,
    HOLDER_MICROBATCH = 5,
    HOLDER_SEED = 7
};

typedef struct Holder {
    Device device;
    Gpt *gpt;
    GptHooks hooks;
    int units;
    double routing[HOLDER_LAYERS * 16]; /* of the last forward (routing.h) */
    Tensor weights[HOLDER_UNITS], gradients[HOLDER_UNITS], tokens;
    Tensor buffers[HOLDER_LAYERS]; /* noise, too */
    Tensor lent[HOLDER_UNITS],
        added[HOLDER_UNITS]; /* what the model sees of them; NaN when it should not look */
    int64_t first_sample, step;
    int needed[HOLDER_UNITS], prefetched[HOLDER_UNITS], begun[HOLDER_UNITS], ready[HOLDER_UNITS];
} Holder;

/* Weights are noise; gradients begin at 1. The device is the holder's, whatever the options have. */
Holder *holder_of(GptOptions options);
Holder *holder_new(const GptShape *shape);
/* Asserts that every unit was given back, and every gradient that began was ready. */
void holder_free(Holder *h);

/* One microbatch; returns the loss. */
double holder_forward(Holder *h, GptSaved *saved);
void holder_backward(Holder *h, GptSaved *saved, double scale);
/* Forward alone, of a Holder, with the losses of routing: for gradient_error(). */
double holder_loss(void *context);
#endif
