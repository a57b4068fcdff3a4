/* block.c - x2 = x + proj(attention(norm(x))); y = x2 + out(gelu(fc(norm(x2)))). */
#include "models/block.h"
#include "models/attention.h"
#include "models/kernels.h"
#include "models/matmul.h"

void block_tensor_shape(const GptShape *shape, BlockTensor which, int64_t *rows, int64_t *columns, Cut *cut)
{
    int64_t C = shape->hidden, F = shape->ffn;
    const struct {
        int64_t rows, columns;
        Cut cut;
    } table[BLOCK_TENSORS] = {
        [LN_1_GAIN] = {0, C, CUT_NONE},     [LN_1_BIAS] = {0, C, CUT_NONE},
        [QKV_WEIGHT] = {C, 3 * C, CUT_QKV}, [QKV_BIAS] = {0, 3 * C, CUT_QKV},
        [PROJ_WEIGHT] = {C, C, CUT_ROWS},   [PROJ_BIAS] = {0, C, CUT_NONE},
        [LN_2_GAIN] = {0, C, CUT_NONE},     [LN_2_BIAS] = {0, C, CUT_NONE},
        [FC_WEIGHT] = {C, F, CUT_COLUMNS},  [FC_BIAS] = {0, F, CUT_COLUMNS},
        [OUT_WEIGHT] = {F, C, CUT_ROWS},    [OUT_BIAS] = {0, C, CUT_NONE},
    };
    *rows = table[which].rows;
    *columns = table[which].columns;
    *cut = table[which].cut;
}

BlockParameters block_parameters(const GptShape *shape, int ranks, Tensor flat)
{
    BlockParameters p;
    int64_t offset = 0;
    for (int i = 0; i < BLOCK_TENSORS; i++) {
        int64_t rows, columns;
        Cut cut;
        block_tensor_shape(shape, (BlockTensor)i, &rows, &columns, &cut);
        int64_t count = (rows ? rows : 1) * columns / (cut == CUT_NONE ? 1 : ranks);
        p.tensor[i] = tensor_view(flat, offset, count);
        offset += count;
    }
    return p;
}

static Tensor scratch(Tensor like, int64_t count)
{
    return tensor_new(like.device, MEM_WORKSPACE, REAL, count);
}

static AttentionShape attention_shape(const GptShape *shape, const Region *region, int64_t B)
{
    int64_t heads = shape->heads / region->size;
    return (AttentionShape){B, shape->sequence, heads, heads, shape->hidden / shape->heads};
}

/* y (B, T', C) = x W + b + residual, with x and W cut over the region's ranks (row-parallel) */
static void leave_linear(const Region *region, int64_t B, Tensor x, Tensor W, Tensor b, Tensor residual,
                         Tensor y, int64_t n, int64_t in, int64_t C)
{
    Tensor part = region_result(region, y);
    matmul(false, false, n, C, in, x, W, 0, part);
    region_leave(region, part, y, B);
    region_release(region, &part);
    bias_forward(y, b, y.count / C, C);
    tensor_add(y, residual);
}

/* Its backward by halves, either of which may be NULL: with W dx (n, in), with d what is added to the gradients
 * of W, d[0], and b, d[1]. */
static void leave_linear_backward(const Region *region, int64_t B, Tensor dy, Tensor x, const Tensor *W,
                                  Tensor dx, const Tensor *d, int64_t n, int64_t in, int64_t C)
{
    Tensor whole = region_leave_backward(region, dy, B);
    if (W) linear_backward_input(whole, *W, dx, n, in, C);
    if (d) {
        matmul(true, false, in, C, n, x, whole, 1, d[0]);
        bias_backward(dy, d[1], dy.count / C, C);
    }
    region_release(region, &whole);
}

/* Backward of y = enter(norm) W + b (column-parallel), the input's half: a new dnorm (B, T', C) like `outside`. */
static Tensor enter_linear_backward_input(const Region *region, int64_t B, Tensor dy, Tensor W,
                                          Tensor outside, int64_t n, int64_t C, int64_t out)
{
    Tensor dnorm = scratch(outside, outside.count), whole = region_result(region, dnorm);
    linear_backward_input(dy, W, whole, n, C, out);
    region_enter_backward(region, whole, dnorm, B);
    region_release(region, &whole);
    return dnorm;
}

/* The weights' half adds to the gradients of W, d[0], and b, d[1], and frees dy and norm. The norm's output was
 * kept as it lies outside the region and is gathered once more (Korthikanti et al., section 4.2.2). */
static void enter_linear_backward_weight(const Region *region, int64_t B, Tensor *dy, Tensor *norm,
                                         const Tensor *d, int64_t n, int64_t C, int64_t out)
{
    Tensor whole = region_enter(region, *norm, B);
    linear_backward_weight(whole, *dy, d[0], d[1], n, C, out);
    region_release(region, &whole);
    tensor_free(dy);
    tensor_free(norm);
}

/* Fills saved with tensors of `category`, its probabilities being there; returns a new y of category `output`. */
static Tensor forward(const GptShape *shape, const Region *region, MemoryCategory category,
                      MemoryCategory output, int64_t B, const BlockParameters *p, Tensor x, BlockSaved *s)
{
    int64_t C = shape->hidden, n = B * shape->sequence, rows = x.count / C;
    int64_t t = region->size, F = shape->ffn / t;
    const Tensor *w = p->tensor;
    Device *device = x.device;

    s->x = x;
    s->norm1 = tensor_new(device, category, REAL, rows * C);
    layernorm_forward(x, w[LN_1_GAIN], w[LN_1_BIAS], s->norm1, rows, C);
    Tensor whole = region_enter(region, s->norm1, B);
    s->qkv = tensor_new(device, category, REAL, n * 3 * C / t);
    linear_forward(whole, w[QKV_WEIGHT], w[QKV_BIAS], s->qkv, n, C, 3 * C / t);
    region_release(region, &whole);
    s->attention = tensor_new(device, category, REAL, n * C / t);
    attention_forward(attention_shape(shape, region, B), s->qkv, NULL,
                      (AttentionSaved){.probabilities = s->probabilities}, s->attention);
    s->x2 = tensor_new(device, category, REAL, rows * C);
    leave_linear(region, B, s->attention, w[PROJ_WEIGHT], w[PROJ_BIAS], x, s->x2, n, C / t, C);

    s->norm2 = tensor_new(device, category, REAL, rows * C);
    layernorm_forward(s->x2, w[LN_2_GAIN], w[LN_2_BIAS], s->norm2, rows, C);
    whole = region_enter(region, s->norm2, B);
    s->inner = tensor_new(device, category, REAL, n * F);
    linear_forward(whole, w[FC_WEIGHT], w[FC_BIAS], s->inner, n, C, F);
    region_release(region, &whole);
    s->gelu = tensor_new(device, category, REAL, n * F);
    gelu_forward(s->inner, s->gelu);
    Tensor y = tensor_new(device, output, REAL, rows * C);
    leave_linear(region, B, s->gelu, w[OUT_WEIGHT], w[OUT_BIAS], s->x2, y, n, F, C);
    return y;
}

static Tensor probabilities(const GptShape *shape, const Region *region, Device *device,
                            MemoryCategory category, int64_t B)
{
    return tensor_new(device, category, REAL,
                      B * shape->heads / region->size * shape->sequence * shape->sequence);
}

Tensor block_forward(const GptShape *shape, const Region *region, Recompute recompute, MemoryCategory output,
                     int64_t B, const BlockParameters *p, Tensor x, BlockSaved *saved)
{
    /* what will be computed again is scratch, here and there */
    MemoryCategory kept = recompute == RECOMPUTE_FULL ? MEM_WORKSPACE : MEM_ACTIVATIONS;
    MemoryCategory core = recompute == RECOMPUTE_NONE ? MEM_ACTIVATIONS : MEM_WORKSPACE;
    BlockSaved s = {.probabilities = probabilities(shape, region, x.device, core, B)};
    Tensor y = forward(shape, region, kept, output, B, p, x, &s);
    if (recompute != RECOMPUTE_NONE) tensor_free(&s.probabilities);
    if (recompute == RECOMPUTE_FULL) {
        Tensor *all[] = {&s.norm1, &s.qkv, &s.attention, &s.x2, &s.norm2, &s.inner, &s.gelu};
        for (size_t i = 0; i < sizeof all / sizeof *all; i++) tensor_free(all[i]);
    }
    *saved = s;
    return y;
}

/* Brings back what forward did not keep. */
static void recover(const GptShape *shape, const Region *region, Recompute recompute, int64_t B,
                    const BlockParameters *p, BlockSaved *s)
{
    if (recompute == RECOMPUTE_NONE) return;
    Part before = lanes_part(&s->x.device->lanes, PART_RECOMPUTE);
    s->probabilities = probabilities(shape, region, s->x.device, MEM_WORKSPACE, B);
    if (recompute == RECOMPUTE_SELECTIVE) {
        attention_probabilities(attention_shape(shape, region, B), s->qkv, NULL,
                                (AttentionSaved){.probabilities = s->probabilities});
    } else {
        Tensor y = forward(shape, region, MEM_WORKSPACE, MEM_WORKSPACE, B, p, s->x, s);
        tensor_free(&y);
    }
    lanes_part(&s->x.device->lanes, before);
}

/* The norms' gradients come with dx and wait in dnorms, whichever way backward is cut: a sum over rows and then
 * one addition to d has the same bits whatever d held when the rows were summed. */
static void norm_backward(Tensor dnorm, Tensor x, Tensor gain, Tensor dx, Tensor dnorms, int which, int64_t C)
{
    layernorm_backward(dnorm, x, gain, dx, tensor_view(dnorms, 2 * which * C, C),
                       tensor_view(dnorms, (2 * which + 1) * C, C), dx.count / C, C);
}

static void norms_backward_weight(const Tensor *d, Tensor *dnorms, int64_t C)
{
    static const BlockTensor at[] = {LN_1_GAIN, LN_1_BIAS, LN_2_GAIN, LN_2_BIAS};
    for (int i = 0; i < 4; i++) tensor_add(d[at[i]], tensor_view(*dnorms, i * C, C));
    tensor_free(dnorms);
}

static Tensor copied(Tensor t)
{
    Tensor copy = scratch(t, t.count);
    tensor_copy(copy, t);
    return copy;
}

/* Both halves, or without dw the input's, which leaves in saved what the weights' needs. */
static void backward(const GptShape *shape, const Region *region, Recompute recompute, int64_t B,
                     const BlockParameters *p, const Tensor *dw, BlockSaved *s, Tensor dy)
{
    /* selective recovers just before the attention's backward, so that the rest is free by then */
    if (recompute == RECOMPUTE_FULL) recover(shape, region, recompute, B, p, s);
    int64_t C = shape->hidden, n = B * shape->sequence;
    int64_t t = region->size, F = shape->ffn / t;
    const Tensor *w = p->tensor;
    s->dnorms = scratch(dy, 4 * C);
    tensor_zero(s->dnorms);

    /* y = x2 + out(gelu(fc(norm2))) */
    s->dinner = scratch(dy, n * F);
    leave_linear_backward(region, B, dy, s->gelu, &w[OUT_WEIGHT], s->dinner, dw ? &dw[OUT_WEIGHT] : NULL, n,
                          F, C);
    if (dw) tensor_free(&s->gelu);
    gelu_backward(s->inner, s->dinner, s->dinner);
    tensor_free(&s->inner);
    Tensor dnorm = enter_linear_backward_input(region, B, s->dinner, w[FC_WEIGHT], dy, n, C, F);
    if (dw)
        enter_linear_backward_weight(region, B, &s->dinner, &s->norm2, &dw[FC_WEIGHT], n, C, F);
    else
        s->dy = copied(dy);
    norm_backward(dnorm, s->x2, w[LN_2_GAIN], dy, s->dnorms, 1, C); /* which makes dy the gradient of x2 */
    tensor_free(&dnorm);
    tensor_free(&s->x2);

    /* x2 = x + proj(attention(qkv(norm1))) */
    Tensor dattention = scratch(dy, n * C / t);
    s->dqkv = scratch(dy, n * 3 * C / t);
    leave_linear_backward(region, B, dy, s->attention, &w[PROJ_WEIGHT], dattention,
                          dw ? &dw[PROJ_WEIGHT] : NULL, n, C / t, C);
    if (dw) tensor_free(&s->attention);
    if (recompute == RECOMPUTE_SELECTIVE) recover(shape, region, recompute, B, p, s);
    attention_backward(attention_shape(shape, region, B), dattention, s->qkv, NULL,
                       (AttentionSaved){.probabilities = s->probabilities}, s->dqkv);
    tensor_free(&dattention);
    tensor_free(&s->probabilities);
    tensor_free(&s->qkv);
    dnorm = enter_linear_backward_input(region, B, s->dqkv, w[QKV_WEIGHT], dy, n, C, 3 * C / t);
    if (dw)
        enter_linear_backward_weight(region, B, &s->dqkv, &s->norm1, &dw[QKV_WEIGHT], n, C, 3 * C / t);
    else
        s->dx2 = copied(dy);
    norm_backward(dnorm, s->x, w[LN_1_GAIN], dy, s->dnorms, 0, C); /* and now of x */
    tensor_free(&dnorm);
    tensor_free(&s->x);
    if (dw) norms_backward_weight(dw, &s->dnorms, C);
}

void block_backward(const GptShape *shape, const Region *region, Recompute recompute, int64_t B,
                    const BlockParameters *p, const BlockParameters *d, BlockSaved *saved, Tensor dy)
{
    backward(shape, region, recompute, B, p, d->tensor, saved, dy);
}

void block_backward_input(const GptShape *shape, const Region *region, Recompute recompute, int64_t B,
                          const BlockParameters *p, BlockSaved *s, Tensor dy)
{
    backward(shape, region, recompute, B, p, NULL, s, dy);
    Tensor *kept[] = {&s->norm1,  &s->attention, &s->norm2, &s->gelu,  &s->dy,
                      &s->dinner, &s->dx2,       &s->dqkv,  &s->dnorms};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) tensor_rebook(kept[i], MEM_ACTIVATIONS);
}

void block_backward_weight(const GptShape *shape, const Region *region, int64_t B, const BlockParameters *d,
                           BlockSaved *s)
{
    int64_t C = shape->hidden, n = B * shape->sequence, t = region->size, F = shape->ffn / t;
    const Tensor *dw = d->tensor, none = {0};
    leave_linear_backward(region, B, s->dy, s->gelu, NULL, none, &dw[OUT_WEIGHT], n, F, C);
    tensor_free(&s->dy);
    tensor_free(&s->gelu);
    enter_linear_backward_weight(region, B, &s->dinner, &s->norm2, &dw[FC_WEIGHT], n, C, F);
    leave_linear_backward(region, B, s->dx2, s->attention, NULL, none, &dw[PROJ_WEIGHT], n, C / t, C);
    tensor_free(&s->dx2);
    tensor_free(&s->attention);
    enter_linear_backward_weight(region, B, &s->dqkv, &s->norm1, &dw[QKV_WEIGHT], n, C, 3 * C / t);
    norms_backward_weight(dw, &s->dnorms, C);
}
