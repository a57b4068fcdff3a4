/* kernels.c - linear, embedding, cross-entropy. */
#include "models/kernels.h"
#include <string.h>
#include "models/matmul.h"
#include "models/vector.h"

static double traffic(int64_t values)
{
    return (double)values * (double)sizeof(real);
}

/* ---- linear ---- */

VECTORISED static void add_bias(real *restrict y, const real *restrict b, int64_t n, int64_t out)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < out; j++) y[i * out + j] += b[j];
}

VECTORISED static void add_columns(real *restrict db, const real *restrict dy, int64_t n, int64_t out)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < out; j++) db[j] += dy[i * out + j];
}

void bias_forward(Tensor y, Tensor b, int64_t n, int64_t out)
{
    if (device_kernel(y.device, (double)(n * out), traffic(2 * n * out + out)))
        add_bias(reals(y), reals(b), n, out);
}

void bias_backward(Tensor dy, Tensor db, int64_t n, int64_t out)
{
    if (device_kernel(db.device, (double)(n * out), traffic(n * out + 2 * out)))
        add_columns(reals(db), reals(dy), n, out);
}

void linear_forward(Tensor x, Tensor W, Tensor b, Tensor y, int64_t n, int64_t in, int64_t out)
{
    matmul(false, false, n, out, in, x, W, 0, y);
    bias_forward(y, b, n, out);
}

void linear_backward_input(Tensor dy, Tensor W, Tensor dx, int64_t n, int64_t in, int64_t out)
{
    matmul(false, true, n, in, out, dy, W, 0, dx);
}

void linear_backward_weight(Tensor x, Tensor dy, Tensor dW, Tensor db, int64_t n, int64_t in, int64_t out)
{
    matmul(true, false, in, out, n, x, dy, 1, dW);
    bias_backward(dy, db, n, out);
}

/* ---- embedding ---- */

void embedding_forward(Tensor tokens, Tensor wte, int64_t first, int64_t rows, Tensor y, int64_t B, int64_t T,
                       int64_t C)
{
    if (!device_kernel(y.device, 0, traffic(2 * B * T * C))) return;
    for (int64_t i = 0; i < B * T; i++) {
        int64_t row = ints(tokens)[i / T * (T + 1) + i % T] - first;
        real *out = reals(y) + i * C;
        if (row >= 0 && row < rows)
            memcpy(out, reals(wte) + row * C, (size_t)C * sizeof *out);
        else
            memset(out, 0, (size_t)C * sizeof *out);
    }
}

void embedding_backward(Tensor tokens, Tensor dy, Tensor dwte, int64_t first, int64_t rows, int64_t B,
                        int64_t T, int64_t C)
{
    if (!device_kernel(dy.device, (double)(B * T * C), traffic(3 * B * T * C))) return;
    for (int64_t i = 0; i < B * T; i++) {
        int64_t row = ints(tokens)[i / T * (T + 1) + i % T] - first;
        if (row < 0 || row >= rows) continue;
        real *de = reals(dwte) + row * C;
        const real *d = reals(dy) + i * C;
        for (int64_t j = 0; j < C; j++) de[j] += d[j];
    }
}

/* ---- cross-entropy ---- */

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
    if (device_kernel(logits.device, 6.0 * (double)(B * T * V), traffic(3 * B * T * V)))
        exponentials(reals(logits), ints(tokens), reals(statistics), part, used, B * T, T, V);
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
    if (!device_kernel(logits.device, (double)(n * V), traffic(2 * n * V))) return 0;
    return normalise(reals(logits), reals(all_statistics), parts, part, n, V);
}

void cross_entropy_backward(Tensor probabilities, Tensor tokens, double scale, int part, int64_t B, int64_t T,
                            int64_t V)
{
    if (!device_kernel(probabilities.device, 2.0 * (double)(B * T * V), traffic(2 * B * T * V))) return;
    real *p = reals(probabilities), by = (real)scale;
    for (int64_t i = 0; i < B * T; i++) {
        int64_t target = target_column(ints(tokens), i, T, part, V);
        if (target >= 0) p[i * V + target] -= 1;
    }
    for (int64_t i = 0; i < B * T * V; i++) p[i] *= by;
}
