/* cross_entropy.c - the loss over a vocabulary in slices, and its gradient. */
#include <stdlib.h>
#include "models/kernels/kernels.h"
#include "models/machine/tensor_rows.h"
#include "models/machine/tensor_values.h"
#include "models/machine/vector.h"

enum { MOST, SUM, TARGET, STATISTICS };

/* The column of the token that follows position i, or -1 when another slice has it. */
static int64_t target_column(const int32_t *tokens, int64_t i, int64_t T, VocabularySlice slice)
{
    int64_t column = tokens[i / T * (T + 1) + i % T + 1] - slice.part * slice.V;
    return column >= 0 && column < slice.V ? column : -1;
}

/* Of positions first..end-1, whose logits these are. */
VECTORISED static void statistics_of(real *logits, const int32_t *tokens, real *statistics,
                                     VocabularySlice slice, int64_t first, int64_t end, int64_t T)
{
    int64_t V = slice.V, used = slice.used;
    for (int64_t i = first; i < end; i++) {
        real *row = logits + (i - first) * V, *s = statistics + i * STATISTICS;
        int64_t target = target_column(tokens, i, T, slice);
        s[TARGET] = target < 0 ? 0 : row[target];
        s[MOST] = used > 0 ? max_of(row, used) : -(real)HUGE_VAL; /* a slice may be all padding */
        s[SUM] = exponentials(row, used, s[MOST]);
        for (int64_t v = used; v < V; v++) row[v] = 0;
    }
}

/* What rows of logits are computed with. */
typedef struct Rows {
    Tensor tokens, statistics;
    VocabularySlice slice;
    int64_t T;
    const real *by; /* a factor for each */
    real scale;
    DType as; /* what rows are left in */
} Rows;

static void divide(Tensor logits, int64_t rows, RowsKernel *kernel, Rows *r)
{
    tensor_rows_divide(rows, (RowsOf[]){{logits, r->slice.V}}, 1, kernel, r);
}

static void statistics_rows(void *context, const Tensor *logits, int64_t first, int64_t n)
{
    const Rows *r = context;
    int64_t V = r->slice.V;
    Opened open = opened_new(logits[0], tensor_piece_rows(n, V) * V);
    for (int64_t i = 0, rows; i < n; i += rows) {
        rows = tensor_piece_rows(n - i, V);
        statistics_of(opened_read(&open, i * V, rows * V), ints(r->tokens), reals(r->statistics), r->slice,
                      first + i, first + i + rows, r->T);
        opened_write(&open, i * V, rows * V);
    }
    opened_free(&open);
}

void cross_entropy_statistics(Tensor logits, Tensor tokens, Tensor statistics, VocabularySlice slice,
                              int64_t B, int64_t T)
{
    int64_t n = B * T, count = n * slice.V;
    /* the largest has to be known before the others are opened again */
    double flops = 6.0 * (double)count,
           bytes = tensor_traffic(logits, 3 * count) + (double)tensor_bytes(statistics);
    if (!device_kernel(logits.device, work_through(WORK_CROSS_ENTROPY, logits, n, flops, bytes))) return;
    divide(logits, n, statistics_rows,
           &(Rows){.tokens = tokens, .statistics = statistics, .slice = slice, .T = T});
}

/* A slice's part of the sum of exp(logit - most) over the whole vocabulary. */
static inline real share(const real *statistics, real most)
{
    return statistics[SUM] > 0 ? statistics[SUM] * real_exp(statistics[MOST] - most) : 0;
}

/* Of position i of n: what its exponentials here are to be multiplied by; adds to the loss. */
static inline real normaliser(const real *all, VocabularySlice slice, int64_t i, int64_t n, double *loss)
{
    const real *first = all + i * STATISTICS, *mine = all + (slice.part * n + i) * STATISTICS;
    real most = first[MOST];
    for (int k = 1; k < slice.parts; k++) {
        real other = first[k * n * STATISTICS + MOST];
        most = other > most ? other : most;
    }
    real sum = share(first, most), target = first[TARGET];
    for (int k = 1; k < slice.parts; k++) {
        sum += share(first + k * n * STATISTICS, most);
        target += first[k * n * STATISTICS + TARGET];
    }
    *loss += log((double)sum) + (double)most - (double)target;
    return mine[SUM] > 0 ? real_exp(mine[MOST] - most) / sum : 0; /* a slice of padding has no sum */
}

VECTORISED static void scale_all(real *x, real by, int64_t n)
{
    for (int64_t i = 0; i < n; i++) x[i] *= by;
}

static void scale_rows(void *context, const Tensor *logits, int64_t first, int64_t n)
{
    const Rows *r = context;
    int64_t V = r->slice.V;
    Opened open = opened_new(logits[0], V);
    for (int64_t i = 0; i < n; i++) {
        scale_all(opened_read(&open, i * V, V), r->by[first + i], V);
        opened_write(&open, i * V, V);
    }
    opened_free(&open);
}

double cross_entropy_forward(Tensor logits, Tensor all_statistics, VocabularySlice slice, int64_t n)
{
    int64_t count = n * slice.V;
    double loss = 0;
    double flops = (double)count,
           bytes = tensor_traffic(logits, 2 * count) + (double)tensor_bytes(all_statistics);
    if (!device_kernel(logits.device, work_through(WORK_CROSS_ENTROPY, logits, n, flops, bytes))) return 0;
    real *by = device_aside(logits.device, "what a row of logits is scaled by", (size_t)n * sizeof *by);
    for (int64_t i = 0; i < n; i++) by[i] = normaliser(reals(all_statistics), slice, i, n, &loss);
    divide(logits, n, scale_rows, &(Rows){.slice = slice, .by = by});
    free(by);
    return loss;
}

static void backward_rows(void *context, const Tensor *probabilities, int64_t first, int64_t n)
{
    const Rows *r = context;
    int64_t V = r->slice.V;
    Tensor was = probabilities[0], is = tensor_view_as(was, r->as);
    int64_t apart = n ? is.count / n : 0;
    real values[TENSOR_PIECE]; /* a row's, of which those that were read may be written over */
    for (int64_t i = 0; i < n; i++) {
        int64_t target = target_column(ints(r->tokens), first + i, r->T, r->slice);
        for (int64_t j = 0, count; j < V; j += count) {
            count = tensor_piece(V - j);
            tensor_read(was, i * V + j, count, values);
            if (target >= j && target < j + count) values[target - j] -= 1;
            scale_all(values, r->scale, count);
            tensor_write(is, i * apart + j, count, values);
        }
    }
}

void cross_entropy_backward(Tensor probabilities, Tensor tokens, double scale, VocabularySlice slice,
                            int64_t B, int64_t T, DType as)
{
    assert(dtype_bytes(as) <= dtype_bytes(probabilities.dtype));
    int64_t count = B * T * slice.V;
    /* as it is where rounding is a kernel more: narrower values make the loss no cheaper */
    double flops = 2.0 * (double)count, bytes = tensor_traffic(probabilities, 2 * count);
    Work work = work_backward(work_through(WORK_CROSS_ENTROPY, probabilities, B * T, flops, bytes));
    if (!device_kernel(probabilities.device, work)) return;
    divide(probabilities, B * T, backward_rows,
           &(Rows){.tokens = tokens, .slice = slice, .T = T, .scale = (real)scale, .as = as});
}
