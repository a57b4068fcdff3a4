/* router.c - scores row by row, the best of them, and the gates. */
#include "models/kernels/router.h"
#include <stdlib.h>
#include <string.h>
#include "models/machine/tensor_values.h"
#include "models/machine/vector.h"

/* Of n tokens. */
static Work work_of(Tensor through, int64_t n, double flops, double bytes)
{
    return work_through(WORK_ROUTER, through, n, flops, bytes);
}

/* ---- scores ---- */

VECTORISED static void softmaxes(real *x, int64_t n, int64_t E)
{
    softmax_rows(x, n, E, E, 0);
}

VECTORISED static void sigmoids(real *x, int64_t count)
{
    for (int64_t i = 0; i < count; i++) x[i] = sigmoid(x[i]);
}

void router_scores(const Router *r, Tensor logits, Tensor scores)
{
    int64_t E = r->experts, n = logits.count / E;
    double each = r->kind == ROUTER_SOFTMAX ? 5 : 3,
           bytes = (double)(tensor_bytes(logits) + tensor_bytes(scores));
    if (!device_kernel(scores.device, work_of(scores, n, each * (double)logits.count, bytes))) return;
    int64_t most = tensor_piece_rows(n, E) * E;
    Opened from = opened_new(logits, most), to = opened_new(scores, most);
    for (int64_t i = 0, rows; i < n; i += rows) {
        rows = tensor_piece_rows(n - i, E);
        real *x = opened_for(&to, i * E);
        memcpy(x, opened_read(&from, i * E, rows * E), (size_t)(rows * E) * sizeof *x);
        if (r->kind == ROUTER_SOFTMAX)
            softmaxes(x, rows, E);
        else
            sigmoids(x, rows * E);
        opened_write(&to, i * E, rows * E);
    }
    opened_free(&from);
    opened_free(&to);
}

/* ---- choice ---- */

/* The best of numbers, those of equal ones first that have joined first. */
typedef struct Best {
    int32_t *at; /* of `most` */
    int64_t most, held;
} Best;

/* x's from `first` up to `end`. */
static void best_join(Best *b, const real *x, int64_t first, int64_t end)
{
    for (int64_t e = first; e < end; e++) {
        if (b->held == b->most && !(x[e] > x[b->at[b->most - 1]])) continue;
        int64_t place = b->held < b->most ? b->held++ : b->most - 1;
        for (; place > 0 && x[e] > x[b->at[place - 1]]; place--) b->at[place] = b->at[place - 1];
        b->at[place] = (int32_t)e;
    }
}

/* Room for a row's choice. */
typedef struct Choice {
    real *values, *group;   /* (E), scores with the bias; (groups) */
    int32_t *best, *groups; /* (group_best), (groups_limited) */
} Choice;

static real group_score(const Router *r, const Choice *c, int64_t group)
{
    int64_t size = r->experts / r->groups;
    Best best = {c->best, r->group_best, 0};
    best_join(&best, c->values, group * size, (group + 1) * size);
    real sum = 0;
    for (int64_t i = 0; i < best.held; i++) sum += c->values[best.at[i]];
    return sum;
}

static bool is_among(const Best *b, int64_t which)
{
    for (int64_t i = 0; i < b->held; i++)
        if (b->at[i] == which) return true;
    return false;
}

static void choose(const Router *r, const Choice *c, int32_t *experts)
{
    int64_t size = r->experts / r->groups;
    Best best = {experts, r->top_k, 0}, groups = {c->groups, r->groups_limited, 0};
    if (r->groups_limited == r->groups) {
        best_join(&best, c->values, 0, r->experts);
        return;
    }
    for (int64_t g = 0; g < r->groups; g++) c->group[g] = group_score(r, c, g);
    best_join(&groups, c->group, 0, r->groups);
    for (int64_t g = 0; g < r->groups; g++)
        if (is_among(&groups, g)) best_join(&best, c->values, g * size, (g + 1) * size);
}

void router_choose(const Router *r, Tensor scores, Tensor bias, Tensor experts)
{
    int64_t E = r->experts, k = r->top_k, n = experts.count / k, size = E / r->groups;
    assert(E % r->groups == 0 && k <= r->groups_limited * size && r->group_best <= size);
    double bytes = (double)(tensor_bytes(scores) + tensor_bytes(bias) + tensor_bytes(experts));
    if (!device_kernel(experts.device, work_of(scores, n, 2.0 * (double)scores.count, bytes))) return;
    const char *what = "a choice of experts";
    Choice c = {device_aside(experts.device, what, (size_t)E * sizeof(real)),
                device_aside(experts.device, what, (size_t)r->groups * sizeof(real)),
                device_aside(experts.device, what, (size_t)r->group_best * sizeof(int32_t)),
                device_aside(experts.device, what, (size_t)r->groups_limited * sizeof(int32_t))};
    Tensor wide_bias = wide_of(bias);
    for (int64_t i = 0; i < n; i++) {
        tensor_read(scores, i * E, E, c.values);
        for (int64_t e = 0; e < bias.count; e++) c.values[e] += reals(wide_bias)[e];
        choose(r, &c, ints(experts) + i * k);
    }
    wide_free(&wide_bias, bias);
    free(c.values);
    free(c.group);
    free(c.best);
    free(c.groups);
}

/* ---- gates ---- */

/* What a token's gates have of its scores, but for the scale. */
static double share_of(const Router *r, const real *scores, const int32_t *experts)
{
    double sum = 0;
    for (int64_t j = 0; j < r->top_k; j++) sum += (double)scores[experts[j]];
    return r->normalise ? 1 / router_sum(sum) : 1;
}

void router_gates(const Router *r, Tensor scores, Tensor experts, Tensor gates)
{
    int64_t E = r->experts, k = r->top_k, n = experts.count / k;
    double flops = 2.0 * (double)gates.count, bytes = tensor_traffic(scores, gates.count) +
                                                      (double)(tensor_bytes(experts) + tensor_bytes(gates));
    if (!device_kernel(gates.device, work_of(gates, n, flops, bytes))) return;
    Opened os = opened_new(scores, E), og = opened_new(gates, k);
    for (int64_t i = 0; i < n; i++) {
        const int32_t *chosen = ints(experts) + i * k;
        const real *s = opened_read(&os, i * E, E);
        real *g = opened_for(&og, i * k), factor = (real)(r->scale * share_of(r, s, chosen));
        for (int64_t j = 0; j < k; j++) g[j] = factor * s[chosen[j]];
        opened_write(&og, i * k, k);
    }
    opened_free(&os);
    opened_free(&og);
}

/* ds += a token's gradient through its gates: of s_j scale / sum(s) it is scale / sum(s) (dg_j - sum(dg s) / sum(s)) */
static void gates_backward(const Router *r, const real *s, const int32_t *experts, const real *dg, real *ds)
{
    double share = share_of(r, s, experts), mean = 0;
    for (int64_t j = 0; j < r->top_k && r->normalise; j++)
        mean += share * (double)dg[j] * (double)s[experts[j]];
    for (int64_t j = 0; j < r->top_k; j++)
        ds[experts[j]] += (real)(r->scale * share * ((double)dg[j] - mean));
}

VECTORISED static void softmax_backward(const real *restrict s, real *restrict d, int64_t n, int64_t E)
{
    for (int64_t i = 0; i < n; i++, s += E, d += E) {
        real mean = dot_of(s, d, E);
        for (int64_t e = 0; e < E; e++) d[e] = s[e] * (d[e] - mean);
    }
}

VECTORISED static void sigmoid_backward(const real *restrict s, real *restrict d, int64_t count)
{
    for (int64_t i = 0; i < count; i++) d[i] *= s[i] * (1 - s[i]);
}

void router_backward(const Router *r, Tensor scores, Tensor experts, Tensor dgates, Tensor dlogits)
{
    int64_t E = r->experts, k = r->top_k, n = experts.count / k;
    double each = r->kind == ROUTER_SOFTMAX ? 4 : 3,
           flops = each * (double)scores.count + 5.0 * (double)dgates.count,
           bytes = (double)(tensor_bytes(scores) + tensor_bytes(experts) + tensor_bytes(dgates) +
                            2 * tensor_bytes(dlogits));
    if (!device_kernel(dlogits.device, work_backward(work_of(dlogits, n, flops, bytes)))) return;
    int64_t most = tensor_piece_rows(n, E);
    Opened os = opened_new(scores, most * E), og = opened_new(dgates, most * k),
           od = opened_new(dlogits, most * E);
    for (int64_t i = 0, rows; i < n; i += rows) {
        rows = tensor_piece_rows(n - i, E);
        const real *s = opened_read(&os, i * E, rows * E), *dg = opened_read(&og, i * k, rows * k);
        real *d = opened_read(&od, i * E, rows * E);
        for (int64_t row = 0; row < rows; row++)
            gates_backward(r, s + row * E, ints(experts) + (i + row) * k, dg + row * k, d + row * E);
        if (r->kind == ROUTER_SOFTMAX)
            softmax_backward(s, d, rows, E);
        else
            sigmoid_backward(s, d, rows * E);
        opened_write(&od, i * E, rows * E);
    }
    opened_free(&os);
    opened_free(&og);
    opened_free(&od);
}
