/* holder.c - hooks that lend a unit, and take it back. */
#include "tests/support/holder.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "models/layers/routing.h"
#include "models/machine/tensor_values.h"
#include "tests/support/check.h"
#include "tests/support/probe.h"

static void make_useless(Tensor t)
{
    if (t.count) memset(t.data, 0xff, tensor_bytes(t));
}

static Tensor need(void *context, int microbatch, int unit)
{
    Holder *h = context;
    assert_int_equal(microbatch, HOLDER_MICROBATCH);
    assert_int_equal(h->needed[unit]++, 0);
    tensor_copy(h->lent[unit], h->weights[unit]);
    return h->lent[unit];
}

static void prefetch(void *context, int microbatch, int unit)
{
    assert_int_equal(microbatch, HOLDER_MICROBATCH);
    ((Holder *)context)->prefetched[unit]++;
}

static void done(void *context, int microbatch, int unit)
{
    Holder *h = context;
    assert_int_equal(microbatch, HOLDER_MICROBATCH);
    h->needed[unit]--;
    make_useless(h->lent[unit]);
}

static Tensor gradient_begin(void *context, int microbatch, int unit)
{
    Holder *h = context;
    assert_int_equal(microbatch, HOLDER_MICROBATCH);
    h->begun[unit]++;
    tensor_copy(h->added[unit], h->gradients[unit]);
    return h->added[unit];
}

static void gradient_ready(void *context, int microbatch, int unit)
{
    Holder *h = context;
    assert_int_equal(microbatch, HOLDER_MICROBATCH);
    h->ready[unit]++;
    tensor_copy(h->gradients[unit], h->added[unit]);
    make_useless(h->added[unit]);
}

/* To where a probe's step is small: embeddings are wide apart, norms scale by about one, and ReLU's inputs, half of
 * them below zero, stay away from its kink. */
static void smooth(Holder *h)
{
    int last_embedding = h->gpt->layer[0].unit[EMBEDDING_POSITIONS];
    for (int i = 0; i < h->gpt->parameters; i++) {
        const Parameter *p = &h->gpt->parameter[i];
        bool gain = p->init == INIT_ONE, kink = h->gpt->shape.activation == ACTIVATION_RELU;
        bool multiplied = h->gpt->shape.position == POSITION_SINUSOIDAL; /* by the model, when read */
        real *x = reals(h->weights[p->unit]) + p->offset;
        for (int64_t j = 0; j < parameter_count(p); j++) {
            if (gain) x[j] += 1;
            if (p->unit <= last_embedding)
                x[j] *= multiplied ? 4 / (real)sqrt((double)h->gpt->shape.hidden) : 4;
            if (kink && strstr(p->name, "c_fc.bias")) x[j] = j % 2 ? 3 : -3;
        }
    }
}

Holder *holder_of(GptOptions options)
{
    const GptShape *shape = options.shape;
    Holder *h = calloc(1, sizeof *h);
    options.device = &h->device;
    h->gpt = gpt_new(&options);
    h->units = h->gpt->units;
    assert_true(h->units <= HOLDER_UNITS);
    h->hooks = (GptHooks){h, need, prefetch, done, gradient_begin, gradient_ready};
    h->first_sample = HOLDER_FIRST_SAMPLE;
    h->step = 3;
    for (int u = 0; u < h->units; u++) {
        h->lent[u] = constant(&h->device, h->gpt->unit[u].count, NAN);
        h->added[u] = constant(&h->device, h->gpt->unit[u].count, NAN);
        h->weights[u] = noise(&h->device, h->gpt->unit[u].count, 10 + (uint64_t)u, 0.25);
        h->gradients[u] = constant(&h->device, h->gpt->unit[u].count, 1);
    }
    for (int i = 0; i < h->gpt->buffers; i++)
        h->buffers[i] = noise(&h->device, h->gpt->buffer[i].columns, 30 + (uint64_t)i, 0.3);
    smooth(h);
    h->tokens = some_tokens(&h->device, HOLDER_BATCH * (shape->sequence + 1), 4, shape->vocab);
    return h;
}

Holder *holder_new(const GptShape *shape)
{
    return holder_of((GptOptions){.shape = shape, .seed = HOLDER_SEED});
}

void holder_free(Holder *h)
{
    for (int u = 0; u < h->units; u++) {
        assert_int_equal(h->needed[u], 0); /* everything was given back */
        assert_int_equal(h->begun[u], h->ready[u]);
        tensor_free(&h->lent[u]);
        tensor_free(&h->added[u]);
        tensor_free(&h->weights[u]);
        tensor_free(&h->gradients[u]);
    }
    give_back(h->buffers, h->gpt->buffers);
    tensor_free(&h->tokens);
    assert_true(h->device.total == 0);
    gpt_free(h->gpt);
    free(h);
}

double holder_forward(Holder *h, GptSaved *saved)
{
    Tensor tokens = tensor_new(&h->device, MEM_ACTIVATIONS, INT32, h->tokens.count);
    memcpy(tokens.data, h->tokens.data, tensor_bytes(tokens)); /* forward takes them over */
    const ExpertsShape *e = &h->gpt->shape.experts;
    assert_true(HOLDER_LAYERS * routing_width(e) <= (int64_t)(sizeof h->routing / sizeof *h->routing));
    memset(h->routing, 0, sizeof h->routing);
    GptPass pass = {.hooks = &h->hooks,
                    .microbatch = HOLDER_MICROBATCH,
                    .step = h->step,
                    .first_sample = h->first_sample,
                    .B = HOLDER_BATCH,
                    .routing = h->routing,
                    .bias = h->buffers};
    double loss;
    gpt_forward(h->gpt, &pass, tokens, (Tensor){0}, saved, &loss);
    return loss;
}

void holder_backward(Holder *h, GptSaved *saved, double scale)
{
    gpt_backward(h->gpt, saved, HALF_BOTH, scale, (Tensor){0});
}

/* Backward is what frees, so its gradients go to a place of their own. */
double holder_loss(void *context)
{
    Holder *h = context;
    Tensor keep[HOLDER_UNITS];
    GptSaved saved;
    double loss = holder_forward(h, &saved);
    memcpy(keep, h->gradients, sizeof keep);
    for (int u = 0; u < h->units; u++) h->gradients[u] = constant(&h->device, keep[u].count, 0);
    holder_backward(h, &saved, 0);
    give_back(h->gradients, h->units);
    memcpy(h->gradients, keep, sizeof keep);
    for (int l = 0; l < HOLDER_LAYERS; l++) {
        const double *row = h->routing + l * routing_width(&h->gpt->shape.experts);
        loss += row[ROUTING_BALANCE_LOSS] + row[ROUTING_Z_LOSS];
    }
    return loss;
}
