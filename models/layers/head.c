/* head.c - final norm, logits, loss; and back. */
#include "models/layers/head.h"
#include "models/kernels/kernels.h"
#include "models/kernels/matmul.h"

static int64_t final_norm_count(const Gpt *gpt)
{
    return gpt->shape.hidden * (gpt->shape.norm == NORM_LAYERNORM ? 2 : 1);
}

/* (vocab_cut, C), of the head's weights or gradients. */
static Matrix head_matrix(const Gpt *gpt, LayerTensors t)
{
    int64_t V = gpt->vocab_cut, C = gpt->shape.hidden;
    return matrix(gpt->head_embedding >= 0 ? gpt_words(gpt, t)
                                           : tensor_view(t.own, final_norm_count(gpt), V * C),
                  V, C);
}

/* The final norm's gain or bias, in its unit; RMSNorm's bias has no elements. */
static Tensor final_norm(const Gpt *gpt, Tensor flat, BranchTensor which)
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
    norm_forward(gpt->shape.norm, x, final_norm(gpt, w.own, NORM_GAIN), final_norm(gpt, w.own, NORM_BIAS),
                 saved->norm);
    saved->probabilities = tensor_new(gpt->device, MEM_ACTIVATIONS, REAL, n * V);
    Tensor whole = region_enter(region, saved->norm, B);
    matmul(matrix(whole, n, C), transposed(head_matrix(gpt, w)), 0, saved->probabilities);
    region_release(region, &whole);

    /* no rank ever has all columns: three numbers a position tell the others what they need */
    Tensor all = tensor_new(gpt->device, MEM_WORKSPACE, REAL, 3 * n * region->size);
    cross_entropy_statistics(saved->probabilities, tokens, tensor_view(all, 3 * n * region->rank, 3 * n),
                             slice_of(gpt), B, T);
    if (region->size > 1) region->ops->gather_all(region->context, all);
    double loss = cross_entropy_forward(saved->probabilities, all, slice_of(gpt), n);
    tensor_free(&all);
    return loss;
}

Tensor head_backward_input(const Gpt *gpt, LayerTensors w, Tensor tokens, double scale, HeadSaved *saved)
{
    const Region *region = &gpt->region;
    int64_t C = gpt->shape.hidden, T = gpt->shape.sequence, V = gpt->vocab_cut, B = tokens.count / (T + 1),
            n = B * T;
    cross_entropy_backward(saved->probabilities, tokens, scale, slice_of(gpt), B, T);
    Tensor dlogits = saved->probabilities;
    Tensor dnorm = tensor_new(gpt->device, MEM_WORKSPACE, saved->norm.dtype, saved->norm.count);
    Tensor dwhole = region_result(region, dnorm);
    matmul(matrix(dlogits, n, V), head_matrix(gpt, w), 0, dwhole);
    region_enter_backward(region, dwhole, dnorm, B);
    region_release(region, &dwhole);
    Tensor dx = tensor_new(gpt->device, MEM_WORKSPACE, saved->x.dtype, saved->x.count);
    tensor_zero(dx);
    saved->dnorms = tensor_new(gpt->device, MEM_WORKSPACE, REAL, 2 * C);
    tensor_zero(saved->dnorms);
    norm_backward(gpt->shape.norm, dnorm, saved->x, final_norm(gpt, w.own, NORM_GAIN), dx,
                  tensor_view(saved->dnorms, 0, C), tensor_view(saved->dnorms, C, C));
    tensor_free(&dnorm);
    tensor_free(&saved->x);
    return dx;
}

void head_backward_weights(const Gpt *gpt, LayerTensors d, HeadSaved *saved)
{
    const Region *region = &gpt->region;
    int64_t C = gpt->shape.hidden, V = gpt->vocab_cut, n = saved->probabilities.count / V;
    Tensor whole = region_enter(region, saved->norm, n / gpt->shape.sequence);
    matmul(transposed(matrix(saved->probabilities, n, V)), matrix(whole, n, C), 1,
           head_matrix(gpt, d).values);
    region_release(region, &whole);
    int64_t count = final_norm_count(gpt);
    tensor_add(tensor_view(d.own, 0, count), tensor_view(saved->dnorms, 0, count), WORK_ACCUMULATE);
    tensor_free(&saved->dnorms);
    tensor_free(&saved->probabilities);
    tensor_free(&saved->norm);
}
