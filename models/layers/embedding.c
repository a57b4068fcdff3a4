/* embedding.c - words, positions, dropout; and back. */
#include "models/layers/embedding.h"
#include "models/kernels/kernels.h"

Tensor embed_forward(const Gpt *gpt, LayerTensors w, Tensor tokens, Dropout dropout, EmbeddingSaved *saved)
{
    int64_t T = gpt->shape.sequence, C = gpt->shape.hidden, rows = region_rows(&gpt->region, T),
            B = tokens.count / (T + 1);
    int64_t first = region_first_row(&gpt->region, T);
    Tensor x = tensor_new(gpt->device, MEM_ACTIVATIONS, gpt->dtype, B * rows * C);
    Tensor part = region_result(&gpt->region, x);
    embedding_forward(tokens, gpt_words(gpt, w.unit[EMBEDDING_WORDS]), gpt->region.rank * gpt->vocab_cut,
                      part, B, T, C);
    region_leave(&gpt->region, part, x, B);
    region_release(&gpt->region, &part);
    if (gpt->shape.position == POSITION_LEARNED)
        position_forward(w.unit[EMBEDDING_POSITIONS], first, x, B, rows, C);
    if (gpt->shape.position == POSITION_SINUSOIDAL) sinusoidal_forward(first, x, B, rows, C);
    if (dropout.rate > 0) {
        saved->mask = tensor_new(gpt->device, MEM_ACTIVATIONS, UINT8, x.count);
        SampleRows here = {.B = B, .first = first, .rows = rows, .T = T, .C = C};
        dropout_forward(&dropout, here, x, saved->mask, x);
    }
    return x;
}

void embed_backward(const Gpt *gpt, LayerTensors d, Tensor tokens, EmbeddingSaved *saved)
{
    int64_t T = gpt->shape.sequence, C = gpt->shape.hidden, B = tokens.count / (T + 1);
    Tensor dx = saved->dx;
    if (gpt->shape.dropout > 0) dropout_backward(gpt->shape.dropout, dx, saved->mask, dx);
    tensor_free(&saved->mask);
    if (gpt->shape.position == POSITION_LEARNED)
        position_backward(dx, d.unit[EMBEDDING_POSITIONS], region_first_row(&gpt->region, T), B,
                          region_rows(&gpt->region, T), C);
    if (gpt->shape.position == POSITION_SINUSOIDAL) sinusoidal_backward(dx, C);
    Tensor whole = region_leave_backward(&gpt->region, dx, B);
    embedding_backward(tokens, whole, gpt_words(gpt, d.unit[EMBEDDING_WORDS]),
                       gpt->region.rank * gpt->vocab_cut, B, T, C);
    region_release(&gpt->region, &whole);
    tensor_free(&saved->dx);
}
