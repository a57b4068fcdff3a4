/* half_table.h - a function of one number, of tensors of any type: of numbers of 16 bits there are 65,536, so it is computed
 * once of each and then looked up, which is less work than an exponential. Those that a tensor has are near enough to one
 * another for their part of the table to stay in the first cache. */
#ifndef MODELS_KERNELS_HALF_TABLE_H
#define MODELS_KERNELS_HALF_TABLE_H
#include "models/machine/real.h"
#include "models/machine/tensor.h"

typedef struct HalfTable {
    /* y = f(x): of a number the same bits wherever it stands */
    void (*of)(const real *restrict x, real *restrict y, int64_t count);
    /* f of the number whose bits are the place, all the process long; NULL: not filled yet */
    real *bf16, *fp16;
} HalfTable;

/* For numbers as x's; before threads read. */
void half_table_fill(HalfTable *table, Tensor x);
/* y = f(x) of x's values first..first+count-1. For the inside of a kernel, so neither on a dry device. */
void half_table_read(const HalfTable *table, Tensor x, int64_t first, int64_t count, real *y);
#endif
