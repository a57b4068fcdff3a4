/* balance.c - loads and scores added up, weights out of them, and their gradients. */
#include "models/kernels/balance.h"
#include <stdlib.h>
#include "models/kernels/router.h"
#include "models/machine/tensor_values.h"
#include "models/machine/vector.h"

/* Through all of `through`. */
static Work work_of(Tensor through, int64_t rows, double flops, double bytes)
{
    return work_through(WORK_ROUTER, through, rows, flops, bytes);
}

/* Tokens here of each scope. */
static int64_t tokens_here(const Balance *b, Tensor each, int64_t width)
{
    int64_t n = each.count / width;
    assert(each.count == n * width && n % b->scopes == 0);
    return n / b->scopes;
}

/* ---- sums ---- */

void balance_load(const Balance *b, Tensor experts, Tensor load)
{
    int64_t k = b->top_k, n = tokens_here(b, experts, k), E = b->experts;
    double bytes = (double)(tensor_bytes(experts) + 2 * tensor_bytes(load));
    if (!device_kernel(load.device, work_of(experts, n * b->scopes, (double)experts.count, bytes))) return;
    for (int64_t i = 0; i < experts.count; i++) ints(load)[i / (n * k) * E + ints(experts)[i]]++;
}

static int64_t device_of(const Balance *b, int64_t expert)
{
    return expert / (b->experts / b->devices);
}

/* Whether one of a token's choices before the j-th went there. */
static bool went_before(const Balance *b, const int32_t *chosen, int64_t j)
{
    for (int64_t i = 0; i < j; i++)
        if (device_of(b, chosen[i]) == device_of(b, chosen[j])) return true;
    return false;
}

void balance_sent(const Balance *b, Tensor experts, Tensor sent)
{
    int64_t k = b->top_k, n = tokens_here(b, experts, k), D = b->devices;
    double bytes = (double)(tensor_bytes(experts) + 2 * tensor_bytes(sent));
    if (!device_kernel(sent.device, work_of(experts, n * b->scopes, (double)experts.count, bytes))) return;
    for (int64_t i = 0; i < n * b->scopes; i++) {
        const int32_t *chosen = ints(experts) + i * k;
        for (int64_t j = 0; j < k; j++)
            if (!went_before(b, chosen, j)) ints(sent)[i / n * D + device_of(b, chosen[j])]++;
    }
}

VECTORISED static void add_shares(const real *restrict s, double *restrict sums, int64_t E)
{
    double share = 1 / router_sum((double)sum_of(s, E));
    for (int64_t e = 0; e < E; e++) sums[e] += share * (double)s[e];
}

void balance_probability(const Balance *b, Tensor scores, Tensor probability)
{
    int64_t E = b->experts, n = tokens_here(b, scores, E);
    double bytes = (double)(tensor_bytes(scores) + 2 * tensor_bytes(probability));
    Work work = work_of(scores, n * b->scopes, 3.0 * (double)scores.count, bytes);
    if (!device_kernel(probability.device, work)) return;
    double *sums = device_aside(scores.device, "sums of scores", (size_t)E * sizeof *sums);
    Opened os = opened_new(scores, E);
    for (int64_t scope = 0; scope < b->scopes; scope++) {
        real *to = reals(probability) + scope * E;
        for (int64_t e = 0; e < E; e++) sums[e] = (double)to[e];
        for (int64_t i = scope * n; i < (scope + 1) * n; i++) add_shares(opened_read(&os, i * E, E), sums, E);
        for (int64_t e = 0; e < E; e++) to[e] = (real)sums[e];
    }
    opened_free(&os);
    free(sums);
}

/* ---- the losses ---- */

/* What an expert's probability is multiplied by, in a scope of this load. */
static double weight_of(const Balance *b, const int32_t *load, const int32_t *sent, int64_t expert)
{
    int64_t each = b->experts / b->devices, device = device_of(b, expert);
    double T = (double)b->tokens, even = (double)b->experts / ((double)b->top_k * T), on_device = 0;
    for (int64_t e = device * each; e < (device + 1) * each; e++) on_device += (double)load[e];
    double weight = b->expert * even * (double)load[expert] + b->device * even * on_device / (double)each;
    if (b->communication != 0)
        weight +=
            b->communication * (double)b->devices / ((double)b->devices_limited * T) * (double)sent[device];
    return weight;
}

double balance_loss(const Balance *b, Tensor load, Tensor sent, Tensor probability, Tensor weights)
{
    int64_t E = b->experts, D = b->devices;
    assert(E % D == 0 && (b->communication == 0 || sent.count == b->scopes * D));
    double loss = 0, bytes = (double)(tensor_bytes(load) + tensor_bytes(sent) + tensor_bytes(probability) +
                                      tensor_bytes(weights));
    Work work = work_of(weights, b->scopes, 8.0 * (double)weights.count, bytes);
    if (!device_kernel(weights.device, work)) return 0;
    for (int64_t i = 0; i < b->scopes * E; i++) {
        int64_t scope = i / E;
        const int32_t *sent_of = sent.count ? ints(sent) + scope * D : NULL;
        double weight = weight_of(b, ints(load) + scope * E, sent_of, i % E);
        reals(weights)[i] = (real)weight;
        loss += weight * (double)reals(probability)[i] / (double)b->tokens;
    }
    return loss;
}

/* d += by times the gradient of sum(weight_i s_i) / sum(s): (weight_i - the same sum) / sum(s) */
VECTORISED static void add_weights(const real *restrict s, const real *restrict weight, real by,
                                   real *restrict d, int64_t E)
{
    real share = (real)(1 / router_sum((double)sum_of(s, E))), mean = dot_of(s, weight, E) * share;
    for (int64_t e = 0; e < E; e++) d[e] += by * share * (weight[e] - mean);
}

void balance_backward(const Balance *b, Tensor scores, Tensor weights, double scale, Tensor dscores)
{
    int64_t E = b->experts, n = tokens_here(b, scores, E);
    double bytes = (double)(tensor_bytes(scores) + tensor_bytes(weights) + 2 * tensor_bytes(dscores));
    Work work = work_of(dscores, n * b->scopes, 6.0 * (double)scores.count, bytes);
    if (!device_kernel(dscores.device, work_backward(work))) return;
    Opened os = opened_new(scores, E), od = opened_new(dscores, E);
    for (int64_t i = 0; i < n * b->scopes; i++) {
        real *d = opened_read(&od, i * E, E);
        add_weights(opened_read(&os, i * E, E), reals(weights) + i / n * E, (real)(scale / (double)b->tokens),
                    d, E);
        opened_write(&od, i * E, E);
    }
    opened_free(&os);
    opened_free(&od);
}

/* ---- z-loss ---- */

static Work z_work(Tensor logits, Tensor written, int64_t E, double flops)
{
    return work_of(logits, logits.count / E, flops * (double)logits.count,
                   (double)(tensor_bytes(logits) + 2 * tensor_bytes(written)));
}

/* x becomes its softmax. */
VECTORISED static double z_row(real *x, int64_t E)
{
    double z = softmax_in_place(x, E);
    return z * z;
}

VECTORISED static void z_row_backward(real *restrict x, double scale, real *restrict d, int64_t E)
{
    real by = (real)(2 * scale * softmax_in_place(x, E));
    for (int64_t e = 0; e < E; e++) d[e] += by * x[e];
}

double z_loss_forward(Tensor logits, int64_t E)
{
    if (!device_kernel(logits.device, z_work(logits, (Tensor){0}, E, 4))) return 0;
    double sum = 0;
    real *x = device_aside(logits.device, "a row's softmax", (size_t)E * sizeof *x);
    for (int64_t i = 0; i < logits.count; i += E) {
        tensor_read(logits, i, E, x);
        sum += z_row(x, E);
    }
    free(x);
    return sum;
}

void z_loss_backward(Tensor logits, double scale, Tensor dlogits, int64_t E)
{
    if (!device_kernel(dlogits.device, work_backward(z_work(logits, dlogits, E, 7)))) return;
    real *x = device_aside(logits.device, "a row's softmax", (size_t)E * sizeof *x);
    Opened od = opened_new(dlogits, E);
    for (int64_t i = 0; i < logits.count; i += E) {
        tensor_read(logits, i, E, x);
        z_row_backward(x, scale, opened_read(&od, i, E), E);
        opened_write(&od, i, E);
    }
    opened_free(&od);
    free(x);
}

/* ---- the bias ---- */

void balance_bias(Tensor bias, Tensor load, double gamma)
{
    int64_t E = bias.count;
    double bytes = (double)(2 * tensor_bytes(bias) + tensor_bytes(load)), all = 0;
    assert(load.count == E);
    if (!device_kernel(bias.device, work_of(bias, 1, 3.0 * (double)E, bytes))) return;
    for (int64_t e = 0; e < E; e++) all += ints(load)[e];
    for (int64_t e = 0; e < E; e++) {
        double times = (double)E * ints(load)[e]; /* counts, which times E are exact; a mean is not */
        if (times != all) reals(bias)[e] += (real)(times < all ? gamma : -gamma);
    }
}
