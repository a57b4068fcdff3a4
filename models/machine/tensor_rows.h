/* tensor_rows.h - a kernel over rows, of which each of a team's threads (team.h) has some. */
#ifndef MODELS_MACHINE_TENSOR_ROWS_H
#define MODELS_MACHINE_TENSOR_ROWS_H
#include "models/machine/tensor.h"

/* One that the kernel reads or writes: so many values of it a row. A zero tensor stays one. */
typedef struct RowsOf {
    Tensor t;
    int64_t width;
} RowsOf;
enum { ROWS_TENSORS = 8 };

/* `t`: of each tensor the rows `first` to first + rows - 1, so many. */
typedef void RowsKernel(void *context, const Tensor *t, int64_t first, int64_t rows);
/* Divides `rows` rows of `count` tensors, ROWS_TENSORS at most; of each as many values as are worth a thread's attention. */
void tensor_rows_divide(int64_t rows, const RowsOf *tensors, int count, RowsKernel *kernel, void *context);
#endif
