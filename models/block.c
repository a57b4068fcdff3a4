/* block.c - x2 = x + proj(attention(norm(x))); y = x2 + out(gelu(fc(norm(x2)))). */
#include "models/block.h"
#include "models/kernels.h"

void block_tensor_shape(const GptShape *shape, BlockTensor which, int64_t *rows, int64_t *columns)
{
    int64_t C = shape->hidden, F = shape->ffn;
    const int64_t size[BLOCK_TENSORS][2] = {
        [LN_1_GAIN] = {0, C},   [LN_1_BIAS] = {0, C}, [QKV_WEIGHT] = {C, 3 * C}, [QKV_BIAS] = {0, 3 * C},
        [PROJ_WEIGHT] = {C, C}, [PROJ_BIAS] = {0, C}, [LN_2_GAIN] = {0, C},      [LN_2_BIAS] = {0, C},
        [FC_WEIGHT] = {C, F},   [FC_BIAS] = {0, F},   [OUT_WEIGHT] = {F, C},     [OUT_BIAS] = {0, C},
    };
    *rows = size[which][0];
    *columns = size[which][1];
}

BlockParameters block_parameters(const GptShape *shape, Tensor flat)
{
    BlockParameters p;
    int64_t offset = 0;
    for (int i = 0; i < BLOCK_TENSORS; i++) {
        int64_t rows, columns;
        block_tensor_shape(shape, (BlockTensor)i, &rows, &columns);
        int64_t count = (rows ? rows : 1) * columns;
        p.tensor[i] = tensor_view(flat, offset, count);
        offset += count;
    }
    return p;
}

static Tensor keep(Tensor like, int64_t count)
{
    return tensor_new(like.device, MEM_ACTIVATIONS, REAL, count);
}

static Tensor scratch(Tensor like, int64_t count)
{
    return tensor_new(like.device, MEM_WORKSPACE, REAL, count);
}

Tensor block_forward(const GptShape *shape, int64_t B, const BlockParameters *p, Tensor x, BlockSaved *saved)
{
    int64_t T = shape->sequence, C = shape->hidden, F = shape->ffn, n = B * T;
    const Tensor *w = p->tensor;
    BlockSaved s = {.x = x};

    s.norm1 = keep(x, n * C);
    layernorm_forward(x, w[LN_1_GAIN], w[LN_1_BIAS], s.norm1, n, C);
    s.qkv = keep(x, n * 3 * C);
    linear_forward(s.norm1, w[QKV_WEIGHT], w[QKV_BIAS], s.qkv, n, C, 3 * C);
    s.probabilities = keep(x, B * shape->heads * T * T);
    s.attention = keep(x, n * C);
    attention_forward(s.qkv, s.probabilities, s.attention, B, T, C, shape->heads);
    s.x2 = keep(x, n * C);
    linear_forward(s.attention, w[PROJ_WEIGHT], w[PROJ_BIAS], s.x2, n, C, C);
    tensor_add(s.x2, x);

    s.norm2 = keep(x, n * C);
    layernorm_forward(s.x2, w[LN_2_GAIN], w[LN_2_BIAS], s.norm2, n, C);
    s.inner = keep(x, n * F);
    linear_forward(s.norm2, w[FC_WEIGHT], w[FC_BIAS], s.inner, n, C, F);
    s.gelu = keep(x, n * F);
    gelu_forward(s.inner, s.gelu);
    Tensor y = keep(x, n * C);
    linear_forward(s.gelu, w[OUT_WEIGHT], w[OUT_BIAS], y, n, F, C);
    tensor_add(y, s.x2);

    *saved = s;
    return y;
}

void block_backward(const GptShape *shape, int64_t B, const BlockParameters *p, const BlockParameters *d,
                    BlockSaved *s, Tensor dy)
{
    int64_t T = shape->sequence, C = shape->hidden, F = shape->ffn, n = B * T;
    const Tensor *w = p->tensor, *dw = d->tensor;

    /* y = x2 + out(gelu(fc(norm2))) */
    Tensor dinner = scratch(dy, n * F);
    linear_backward_input(dy, w[OUT_WEIGHT], dinner, n, F, C);
    linear_backward_weight(s->gelu, dy, dw[OUT_WEIGHT], dw[OUT_BIAS], n, F, C);
    tensor_free(&s->gelu);
    gelu_backward(s->inner, dinner, dinner);
    tensor_free(&s->inner);
    Tensor dnorm = scratch(dy, n * C);
    linear_backward_input(dinner, w[FC_WEIGHT], dnorm, n, C, F);
    linear_backward_weight(s->norm2, dinner, dw[FC_WEIGHT], dw[FC_BIAS], n, C, F);
    tensor_free(&s->norm2);
    tensor_free(&dinner);
    /* which makes dy the gradient of x2 */
    layernorm_backward(dnorm, s->x2, w[LN_2_GAIN], dy, dw[LN_2_GAIN], dw[LN_2_BIAS], n, C);
    tensor_free(&s->x2);

    /* x2 = x + proj(attention(qkv(norm1))) */
    Tensor dattention = dnorm; /* the same size: reused */
    linear_backward_input(dy, w[PROJ_WEIGHT], dattention, n, C, C);
    linear_backward_weight(s->attention, dy, dw[PROJ_WEIGHT], dw[PROJ_BIAS], n, C, C);
    tensor_free(&s->attention);
    Tensor dqkv = scratch(dy, n * 3 * C);
    attention_backward(dattention, s->qkv, s->probabilities, dqkv, B, T, C, shape->heads);
    tensor_free(&s->probabilities);
    tensor_free(&s->qkv);
    linear_backward_input(dqkv, w[QKV_WEIGHT], dnorm, n, C, 3 * C);
    linear_backward_weight(s->norm1, dqkv, dw[QKV_WEIGHT], dw[QKV_BIAS], n, C, 3 * C);
    tensor_free(&s->norm1);
    tensor_free(&dqkv);
    /* and now of x */
    layernorm_backward(dnorm, s->x, w[LN_1_GAIN], dy, dw[LN_1_GAIN], dw[LN_1_BIAS], n, C);
    tensor_free(&s->x);
    tensor_free(&dnorm);
}
