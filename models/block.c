/* block.c - x2 = x + proj(attention(norm(x))); y = x2 + out(gelu(fc(norm(x2)))). */
#include "models/block.h"
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

/* Its backward: dx (n, in), and what it adds to dW and db. */
static void leave_linear_backward(const Region *region, int64_t B, Tensor dy, Tensor x, Tensor W, Tensor dx,
                                  Tensor dW, Tensor db, int64_t n, int64_t in, int64_t C)
{
    Tensor whole = region_leave_backward(region, dy, B);
    linear_backward_input(whole, W, dx, n, in, C);
    matmul(true, false, in, C, n, x, whole, 1, dW);
    region_release(region, &whole);
    bias_backward(dy, db, dy.count / C, C);
}

/* Backward of y = enter(norm) W + b (column-parallel): dnorm (B, T', C). The norm's output was kept as it lies
 * outside the region and is gathered once more (Korthikanti et al., section 4.2.2). */
static Tensor enter_linear_backward(const Region *region, int64_t B, Tensor dy, Tensor norm, Tensor W,
                                    Tensor dW, Tensor db, int64_t n, int64_t C, int64_t out)
{
    Tensor whole = region_enter(region, norm, B);
    linear_backward_weight(whole, dy, dW, db, n, C, out);
    region_release(region, &whole);
    Tensor dnorm = scratch(dy, norm.count), dwhole = region_result(region, dnorm);
    linear_backward_input(dy, W, dwhole, n, C, out);
    region_enter_backward(region, dwhole, dnorm, B);
    region_release(region, &dwhole);
    return dnorm;
}

/* Fills saved with tensors of `category`, its probabilities being there; returns a new y of category `output`. */
static Tensor forward(const GptShape *shape, const Region *region, MemoryCategory category,
                      MemoryCategory output, int64_t B, const BlockParameters *p, Tensor x, BlockSaved *s)
{
    int64_t T = shape->sequence, C = shape->hidden, n = B * T, rows = x.count / C;
    int64_t t = region->size, heads = shape->heads / t, F = shape->ffn / t;
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
    attention_forward(s->qkv, s->probabilities, s->attention, B, T, C / t, heads);
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

Tensor block_forward(const GptShape *shape, const Region *region, Recompute recompute, int64_t B,
                     const BlockParameters *p, Tensor x, BlockSaved *saved)
{
    /* what will be computed again is scratch, here and there */
    MemoryCategory kept = recompute == RECOMPUTE_FULL ? MEM_WORKSPACE : MEM_ACTIVATIONS;
    MemoryCategory core = recompute == RECOMPUTE_NONE ? MEM_ACTIVATIONS : MEM_WORKSPACE;
    BlockSaved s = {.probabilities = probabilities(shape, region, x.device, core, B)};
    Tensor y = forward(shape, region, kept, MEM_ACTIVATIONS, B, p, x, &s);
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
    s->probabilities = probabilities(shape, region, s->x.device, MEM_WORKSPACE, B);
    if (recompute == RECOMPUTE_SELECTIVE) {
        attention_probabilities(s->qkv, s->probabilities, B, shape->sequence, shape->hidden / region->size,
                                shape->heads / region->size);
    } else {
        Tensor y = forward(shape, region, MEM_WORKSPACE, MEM_WORKSPACE, B, p, s->x, s);
        tensor_free(&y);
    }
}

void block_backward(const GptShape *shape, const Region *region, Recompute recompute, int64_t B,
                    const BlockParameters *p, const BlockParameters *d, BlockSaved *s, Tensor dy)
{
    /* selective recovers just before the attention's backward, so that the rest is free by then */
    if (recompute == RECOMPUTE_FULL) recover(shape, region, recompute, B, p, s);
    int64_t T = shape->sequence, C = shape->hidden, n = B * T, rows = dy.count / C;
    int64_t t = region->size, heads = shape->heads / t, F = shape->ffn / t;
    const Tensor *w = p->tensor, *dw = d->tensor;

    /* y = x2 + out(gelu(fc(norm2))) */
    Tensor dinner = scratch(dy, n * F);
    leave_linear_backward(region, B, dy, s->gelu, w[OUT_WEIGHT], dinner, dw[OUT_WEIGHT], dw[OUT_BIAS], n, F,
                          C);
    tensor_free(&s->gelu);
    gelu_backward(s->inner, dinner, dinner);
    tensor_free(&s->inner);
    Tensor dnorm =
        enter_linear_backward(region, B, dinner, s->norm2, w[FC_WEIGHT], dw[FC_WEIGHT], dw[FC_BIAS], n, C, F);
    tensor_free(&s->norm2);
    tensor_free(&dinner);
    /* which makes dy the gradient of x2 */
    layernorm_backward(dnorm, s->x2, w[LN_2_GAIN], dy, dw[LN_2_GAIN], dw[LN_2_BIAS], rows, C);
    tensor_free(&dnorm);
    tensor_free(&s->x2);

    /* x2 = x + proj(attention(qkv(norm1))) */
    Tensor dattention = scratch(dy, n * C / t), dqkv = scratch(dy, n * 3 * C / t);
    leave_linear_backward(region, B, dy, s->attention, w[PROJ_WEIGHT], dattention, dw[PROJ_WEIGHT],
                          dw[PROJ_BIAS], n, C / t, C);
    tensor_free(&s->attention);
    if (recompute == RECOMPUTE_SELECTIVE) recover(shape, region, recompute, B, p, s);
    attention_backward(dattention, s->qkv, s->probabilities, dqkv, B, T, C / t, heads);
    tensor_free(&dattention);
    tensor_free(&s->probabilities);
    tensor_free(&s->qkv);
    dnorm = enter_linear_backward(region, B, dqkv, s->norm1, w[QKV_WEIGHT], dw[QKV_WEIGHT], dw[QKV_BIAS], n,
                                  C, 3 * C / t);
    tensor_free(&s->norm1);
    tensor_free(&dqkv);
    /* and now of x */
    layernorm_backward(dnorm, s->x, w[LN_1_GAIN], dy, dw[LN_1_GAIN], dw[LN_1_BIAS], rows, C);
    tensor_free(&dnorm);
    tensor_free(&s->x);
}
