/* head.c - final norm, logits, loss; and back. */
#include "models/layers/head.h"
#include "models/kernels/kernels.h"
#include "models/kernels/matmul.h"
#include "models/machine/tensor_values.h"

static int64_t final_norm_count(const Gpt *gpt)
{
    return gpt->shape.hidden * (gpt->shape.norm == NORM_LAYERNORM ? 2 : 1);
}

/* (vocab_cut, C), of the head's weights or gradients. */
static Matrix head_matrix(const Gpt *gpt, LayerTensors t)
{
    int64_t V = gpt->vocab_cut, C = gpt->shape.hidden;
    return matrix(gpt->head_embedding >= 0 ? gpt_words(gpt, t.unit[HEAD_WORDS])
                                           : tensor_view(t.unit[HEAD_OWN], final_norm_count(gpt), V * C),
                  V, C);
}

/* The final norm's gain or bias, in its unit; RMSNorm's bias has no elements. */
static Tensor final_norm(const Gpt *gpt, Tensor flat, int which)
{
    int64_t C = gpt->shape.hidden;
    return which == NORM_GAIN ? tensor_view(flat, 0, C) : tensor_view(flat, C, final_norm_count(gpt) - C);
}

/* This rank's columns of the logits. */
static VocabularySlice slice_of(const Gpt *gpt)
{
    int64_t V = gpt->vocab_cut, left = gpt->shape.vocab - gpt->region.rank * V;
    if (left < 0) left = 0; /* a slice may be all padding */
    return (VocabularySlice){
        .parts = gpt->region.size, .part = gpt->region.rank, .V = V, .used = left < V ? left : V};
}

double head_forward(const Gpt *gpt, LayerTensors w, Tensor tokens, Tensor x, HeadSaved *saved)
{
    const Region *region = &gpt->region;
    int64_t C = gpt->shape.hidden, T = gpt->shape.sequence, V = gpt->vocab_cut, B = tokens.count / (T + 1),
            n = B * T;
    saved->x = x;
    saved->norm = tensor_new(gpt->device, MEM_ACTIVATIONS, x.dtype, x.count);
    norm_forward(gpt->shape.norm, x, final_norm(gpt, w.unit[HEAD_OWN], NORM_GAIN),
                 final_norm(gpt, w.unit[HEAD_OWN], NORM_BIAS), saved->norm);
    saved->probabilities = tensor_new(gpt->device, MEM_ACTIVATIONS, REAL, n * V);
    Tensor whole = region_enter(region, saved->norm, B);
    matmul(matrix(whole, n, C), transposed(head_matrix(gpt, w)), 0, saved->probabilities);
    region_release(region, &whole);

    /* no rank ever has all columns: three numbers a position tell the others what they need */
    Tensor all = tensor_new(gpt->device, MEM_WORKSPACE, REAL, 3 * n * region->size);
    cross_entropy_statistics(saved->probabilities, tokens, tensor_view(all, 3 * n * region->rank, 3 * n),
                             slice_of(gpt), B, T);
    region_gather_all(region, all);
    double loss = cross_entropy_forward(saved->probabilities, all, slice_of(gpt), n);
    tensor_free(&all);
    return loss;
}

/* ---- backward ---- */

typedef struct HeadSizes {
    int64_t B, n, C, V;
} HeadSizes;

static HeadSizes sizes_of(const Gpt *gpt, const HeadSaved *saved)
{
    int64_t V = gpt->vocab_cut, n = saved->probabilities.count / V;
    return (HeadSizes){n / gpt->shape.sequence, n, gpt->shape.hidden, V};
}

static void loss_backward(const Gpt *gpt, Tensor tokens, double scale, HeadSaved *saved)
{
    HeadSizes z = sizes_of(gpt, saved);
    cross_entropy_backward(saved->probabilities, tokens, scale, slice_of(gpt), z.B, gpt->shape.sequence,
                           gpt->dtype);
}

/* What that made. */
static Matrix dlogits_of(const Gpt *gpt, const HeadSaved *saved)
{
    HeadSizes z = sizes_of(gpt, saved);
    return matrix_within(tensor_view_as(saved->probabilities, gpt->dtype), z.n, z.V);
}

/* Of logits = enter(norm) W^T, once saved has the logits' gradient: this rank's part of its input's; and what is to
 * be added to that of W, from the input as it entered. */
static void product_backward_input(const Gpt *gpt, LayerTensors w, const HeadSaved *saved, Tensor dwhole)
{
    matmul(dlogits_of(gpt, saved), head_matrix(gpt, w), 0, dwhole);
}

static void product_backward_weights(const Gpt *gpt, LayerTensors d, const HeadSaved *saved, Tensor whole)
{
    HeadSizes z = sizes_of(gpt, saved);
    matmul(transposed(dlogits_of(gpt, saved)), matrix(whole, z.n, z.C), 1, head_matrix(gpt, d).values);
}

static Tensor dnorm_new(const Gpt *gpt, const HeadSaved *saved)
{
    return tensor_new(gpt->device, MEM_WORKSPACE, saved->norm.dtype, saved->norm.count);
}

/* Takes over dnorm; the gradients of gain and bias wait in saved. */
static Tensor final_norm_backward(const Gpt *gpt, LayerTensors w, Tensor dnorm, HeadSaved *saved)
{
    int64_t C = gpt->shape.hidden;
    Tensor dx = tensor_new(gpt->device, MEM_WORKSPACE, saved->x.dtype, saved->x.count);
    tensor_zero(dx);
    saved->dnorms = tensor_new(gpt->device, MEM_WORKSPACE, REAL, 2 * C);
    tensor_zero(saved->dnorms);
    norm_backward(gpt->shape.norm, dnorm, saved->x, final_norm(gpt, w.unit[HEAD_OWN], NORM_GAIN), dx,
                  tensor_view(saved->dnorms, 0, C), tensor_view(saved->dnorms, C, C));
    tensor_free(&dnorm);
    tensor_free(&saved->x);
    return dx;
}

static void final_norm_backward_weights(const Gpt *gpt, LayerTensors d, HeadSaved *saved)
{
    int64_t count = final_norm_count(gpt);
    tensor_add(tensor_view(d.unit[HEAD_OWN], 0, count), tensor_view(saved->dnorms, 0, count),
               WORK_ACCUMULATE);
    tensor_free(&saved->dnorms);
    tensor_free(&saved->probabilities);
    tensor_free(&saved->norm);
}

Tensor head_backward_input(const Gpt *gpt, LayerTensors w, Tensor tokens, double scale, HeadSaved *saved)
{
    const Region *region = &gpt->region;
    loss_backward(gpt, tokens, scale, saved);
    Tensor dnorm = dnorm_new(gpt, saved), dwhole = region_result(region, dnorm);
    product_backward_input(gpt, w, saved, dwhole);
    region_enter_backward(region, dwhole, dnorm, sizes_of(gpt, saved).B);
    region_release(region, &dwhole);
    return final_norm_backward(gpt, w, dnorm, saved);
}

void head_backward_weights(const Gpt *gpt, LayerTensors d, HeadSaved *saved)
{
    const Region *region = &gpt->region;
    Tensor whole = region_enter(region, saved->norm, sizes_of(gpt, saved).B);
    product_backward_weights(gpt, d, saved, whole);
    region_release(region, &whole);
    final_norm_backward_weights(gpt, d, saved);
}

/* Each product goes on beside what the other waits for, as a block's (block.c). */
static Tensor backward_beside(const Gpt *gpt, LayerTensors w, LayerTensors d, HeadSaved *saved)
{
    const Region *region = &gpt->region;
    int64_t B = sizes_of(gpt, saved).B;
    Crossing in = region_gather_begin(region, saved->norm, B, ONE_PIECE);
    Tensor dnorm = dnorm_new(gpt, saved), dwhole = region_result(region, dnorm);
    product_backward_input(gpt, w, saved, dwhole);
    Tensor whole = region_gather_end(region, &in);
    Crossing out = region_sum_open(dwhole, dnorm, B, ONE_PIECE);
    region_sum_piece_begin(region, &out, 0);
    product_backward_weights(gpt, d, saved, whole);
    region_release(region, &whole);
    region_sum_end(region, &out);
    region_release(region, &dwhole);
    return dnorm;
}

Tensor head_backward(const Gpt *gpt, LayerTensors w, LayerTensors d, Tensor tokens, double scale,
                     HeadSaved *saved)
{
    Tensor dx;
    if (gpt->region.overlap == REGION_WAITS) {
        dx = head_backward_input(gpt, w, tokens, scale, saved);
        head_backward_weights(gpt, d, saved);
        return dx;
    }
    loss_backward(gpt, tokens, scale, saved);
    dx = final_norm_backward(gpt, w, backward_beside(gpt, w, d, saved), saved);
    final_norm_backward_weights(gpt, d, saved);
    return dx;
}
