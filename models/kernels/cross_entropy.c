/* cross_entropy.c - the loss over a vocabulary in slices, and its gradient. */
#include "models/kernels/kernels.h"
#include "models/machine/tensor_values.h"
#include "models/machine/vector.h"

enum { MOST, SUM, TARGET, STATISTICS };

/* The column of the token that follows position i, or -1 when another slice has it. */
static int64_t target_column(const int32_t *tokens, int64_t i, int64_t T, VocabularySlice slice)
{
    int64_t column = tokens[i / T * (T + 1) + i % T + 1] - slice.part * slice.V;
    return column >= 0 && column < slice.V ? column : -1;
}

VECTORISED static void statistics_of(real *logits, const int32_t *tokens, real *statistics,
                                    VocabularySlice slice, int64_t n, int64_t T)
{
    int64_t V = slice.V, used = slice.used;
    for (int64_t i = 0; i < n; i++) {
        real *row = logits + i * V, *s = statistics + i * STATISTICS;
        int64_t target = target_column(tokens, i, T, slice);
        s[TARGET] = target < 0 ? 0 : row[target];
        s[MOST] = used > 0 ? max_of(row, used) : -(real)HUGE_VAL; /* a slice may be all padding */
        s[SUM] = exponentials(row, used, s[MOST]);
        for (int64_t v = used; v < V; v++) row[v] = 0;
    }
}

void cross_entropy_statistics(Tensor logits, Tensor tokens, Tensor statistics, VocabularySlice slice,
                              int64_t B, int64_t T)
{
    int64_t count = B * T * slice.V;
    Tensor wide = wide_of(logits);
    /* the largest has to be known before the others are opened again */
    double flops = 6.0 * (double)count,
           bytes = tensor_traffic(logits, 3 * count) + (double)tensor_bytes(statistics);
    if (device_kernel(logits.device, work_through(WORK_CROSS_ENTROPY, logits, B * T, flops, bytes)))
        statistics_of(reals(wide), ints(tokens), reals(statistics), slice, B * T, T);
    wide_store(&wide, logits);
}

/* A slice's part of the sum of exp(logit - most) over the whole vocabulary. */
static inline real share(const real *statistics, real most)
{
    return statistics[SUM] > 0 ? statistics[SUM] * real_exp(statistics[MOST] - most) : 0;
}

VECTORISED static double normalise(real *exponential, const real *all, VocabularySlice slice, int64_t n)
{
    int parts = slice.parts, part = slice.part;
    int64_t V = slice.V;
    double loss = 0;
    for (int64_t i = 0; i < n; i++) {
        const real *first = all + i * STATISTICS;
        real most = first[MOST];
        for (int k = 1; k < parts; k++) {
            real other = first[k * n * STATISTICS + MOST];
            most = other > most ? other : most;
        }
        real sum = share(first, most), target = first[TARGET];
        for (int k = 1; k < parts; k++) {
            sum += share(first + k * n * STATISTICS, most);
            target += first[k * n * STATISTICS + TARGET];
        }
        loss += log((double)sum) + (double)most - (double)target;
        const real *mine = all + (part * n + i) * STATISTICS;
        real by = mine[SUM] > 0 ? real_exp(mine[MOST] - most) / sum : 0; /* a slice of padding has no sum */
        for (int64_t v = 0; v < V; v++) exponential[i * V + v] *= by;
    }
    return loss;
}

double cross_entropy_forward(Tensor logits, Tensor all_statistics, VocabularySlice slice, int64_t n)
{
    int64_t count = n * slice.V;
    Tensor wide = wide_of(logits);
    double loss = 0;
    double flops = (double)count,
           bytes = tensor_traffic(logits, 2 * count) + (double)tensor_bytes(all_statistics);
    if (device_kernel(logits.device, work_through(WORK_CROSS_ENTROPY, logits, n, flops, bytes)))
        loss = normalise(reals(wide), reals(all_statistics), slice, n);
    wide_store(&wide, logits);
    return loss;
}

void cross_entropy_backward(Tensor probabilities, Tensor tokens, double scale, VocabularySlice slice,
                            int64_t B, int64_t T)
{
    int64_t count = B * T * slice.V;
    Tensor wide = wide_of(probabilities);
    double flops = 2.0 * (double)count, bytes = tensor_traffic(probabilities, 2 * count);
    Work work = work_backward(work_through(WORK_CROSS_ENTROPY, probabilities, B * T, flops, bytes));
    if (device_kernel(probabilities.device, work)) {
        real *p = reals(wide), by = (real)scale;
        for (int64_t i = 0; i < B * T; i++) {
            int64_t target = target_column(ints(tokens), i, T, slice);
            if (target >= 0) p[i * slice.V + target] -= 1;
        }
        for (int64_t i = 0; i < count; i++) p[i] *= by;
    }
    wide_store(&wide, probabilities);
}
