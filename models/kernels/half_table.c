/* half_table.c - the values of a function, and the way to them. */
#include "models/kernels/half_table.h"
#include "models/machine/half.h"
#include "models/machine/tensor_values.h"

static real *values_new(const HalfTable *table, Tensor like)
{
    enum { NUMBERS = 1 << 16 };
    real *values = device_aside(like.device, "a function's values", NUMBERS * sizeof *values),
         x[TENSOR_PIECE];
    for (int first = 0; first < NUMBERS; first += TENSOR_PIECE) {
        for (int i = 0; i < TENSOR_PIECE; i++) x[i] = half_value(like.dtype, (uint16_t)(first + i));
        table->of(x, values + first, TENSOR_PIECE);
    }
    return values;
}

void half_table_fill(HalfTable *table, Tensor x)
{
    real **values = x.dtype == BF16 ? &table->bf16 : &table->fp16;
    if (is_half(x.dtype) && !*values) *values = values_new(table, x);
}

/* One by one, as instructions that gather are slower. */
static void look_up(const real *restrict values, const uint16_t *restrict x, int64_t count, real *restrict y)
{
#pragma GCC unroll 8
    for (int64_t i = 0; i < count; i++) y[i] = values[x[i]];
}

void half_table_read(const HalfTable *table, Tensor x, int64_t first, int64_t count, real *y)
{
    if (is_half(x.dtype))
        look_up(x.dtype == BF16 ? table->bf16 : table->fp16, (const uint16_t *)x.data + first, count, y);
    else
        table->of(reals(x) + first, y, count);
}
