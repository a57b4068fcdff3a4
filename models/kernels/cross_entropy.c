/* cross_entropy.c - the loss over a vocabulary in slices, and its gradient. */
#include "models/kernels/kernels.h"
#include "models/machine/vector.h"

enum { MOST, SUM, TARGET, STATISTICS };

/* The column of the token that follows position i, or -1 when another slice has it. */
static int64_t target_column(const int32_t *tokens, int64_t i, int64_t T, int part, int64_t V)
{
    int64_t column = tokens[i / T * (T + 1) + i % T + 1] - part * V;
    return column >= 0 && column < V ? column : -1;
}

VECTORISED static void exponentials(real *logits, const int32_t *tokens, real *statistics, int part,
                                    int64_t used, int64_t n, int64_t T, int64_t V)
{
    for (int64_t i = 0; i < n; i++) {
        real *row = logits + i * V, *s = statistics + i * STATISTICS;
        int64_t target = target_column(tokens, i, T, part, V);
        s[TARGET] = target < 0 ? 0 : row[target];
        s[MOST] = used > 0 ? max_of(row, used) : -(real)HUGE_VAL; /* a slice may be all padding */
        for (int64_t v = 0; v < used; v++) row[v] = real_exp(row[v] - s[MOST]);
        for (int64_t v = used; v < V; v++) row[v] = 0;
        s[SUM] = sum_of(row, used);
    }
}

void cross_entropy_statistics(Tensor logits, Tensor tokens, Tensor statistics, int part, int64_t used,
                              int64_t B, int64_t T, int64_t V)
{
    Tensor wide = wide_of(logits);
    if (device_kernel(logits.device, 6.0 * (double)(B * T * V), tensor_traffic(logits, 3 * B * T * V)))
        exponentials(reals(wide), ints(tokens), reals(statistics), part, used, B * T, T, V);
    wide_store(&wide, logits);
}

/* A slice's part of the sum of exp(logit - most) over the whole vocabulary. */
static inline real share(const real *statistics, real most)
{
    return statistics[SUM] > 0 ? statistics[SUM] * real_exp(statistics[MOST] - most) : 0;
}

VECTORISED static double normalise(real *exponential, const real *all, int parts, int part, int64_t n,
                                   int64_t V)
{
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

double cross_entropy_forward(Tensor logits, Tensor all_statistics, int parts, int part, int64_t n, int64_t V)
{
    Tensor wide = wide_of(logits);
    double loss = 0;
    if (device_kernel(logits.device, (double)(n * V), tensor_traffic(logits, 2 * n * V)))
        loss = normalise(reals(wide), reals(all_statistics), parts, part, n, V);
    wide_store(&wide, logits);
    return loss;
}

void cross_entropy_backward(Tensor probabilities, Tensor tokens, double scale, int part, int64_t B, int64_t T,
                            int64_t V)
{
    Tensor wide = wide_of(probabilities);
    if (device_kernel(probabilities.device, 2.0 * (double)(B * T * V),
                      tensor_traffic(probabilities, 2 * B * T * V))) {
        real *p = reals(wide), by = (real)scale;
        for (int64_t i = 0; i < B * T; i++) {
            int64_t target = target_column(ints(tokens), i, T, part, V);
            if (target >= 0) p[i * V + target] -= 1;
        }
        for (int64_t i = 0; i < B * T * V; i++) p[i] *= by;
    }
    wide_store(&wide, probabilities);
}
