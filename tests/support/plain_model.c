/* plain_model.c - the papers' formulas in plain loops. */
#include "tests/support/plain_model.h"
#include <string.h>
#include "models/layers/branch_attention.h"
#include "models/layers/branch_experts.h"
#include "models/layers/branch_latent.h"
#include "models/layers/branch_mlp.h"
#include "models/layers/latent_tensors.h"
#include "models/machine/tensor_values.h"
#include "tests/support/probe.h"

/* y = x normed; RMSNorm knows neither mean nor bias. */
static void plain_norm(int kind, const double *x, const real *gain, const real *bias, double *y, int64_t n,
                       int64_t C)
{
    bool layer = kind == NORM_LAYERNORM;
    for (int64_t i = 0; i < n; i++, x += C, y += C) {
        double mean = 0, squares = 0;
        for (int64_t j = 0; j < C && layer; j++) mean += x[j] / (double)C;
        for (int64_t j = 0; j < C; j++) squares += (x[j] - mean) * (x[j] - mean) / (double)C;
        for (int64_t j = 0; j < C; j++)
            y[j] = (x[j] - mean) / sqrt(squares + 1e-5) * (double)gain[j] +
                   (layer && bias ? (double)bias[j] : 0);
    }
}

/* y = x W + b; a tensor without elements is no bias. */
static double *plain_linear(const double *x, Tensor W, Tensor b, int64_t n, int64_t in, int64_t out)
{
    double *y = doubles(n * out);
    for (int64_t i = 0; i < n * out; i++) {
        y[i] = b.count ? (double)reals(b)[i % out] : 0;
        for (int64_t k = 0; k < in; k++) y[i] += x[i / out * in + k] * (double)reals(W)[k * out + i % out];
    }
    return y;
}

/* x (rows, width) of a whole tensor from row `first` on */
static void plain_dropout(Dropout d, DropoutPlace place, double *x, int64_t first, int64_t rows,
                          int64_t width)
{
    uint8_t mask[64];
    double kept = 1 - round(d.rate * 65536) / 65536;
    d.place = place;
    for (int64_t i = 0; d.rate > 0 && i < rows; i++) {
        dropout_draw(&d, first + i, width, 0, mask, width);
        for (int64_t j = 0; j < width; j++) x[i * width + j] *= mask[j] / kept;
    }
}

/* Numbers j and j + hd/2 of a head are a point, turned by t base^(-2j/hd). */
static void plain_rope(double *head, int64_t hd, int64_t t, double base)
{
    for (int64_t j = 0; j < hd / 2; j++) {
        double angle = (double)t * pow(base, -2 * (double)j / (double)hd), a = head[j], b = head[j + hd / 2];
        head[j] = a * cos(angle) - b * sin(angle);
        head[j + hd / 2] = a * sin(angle) + b * cos(angle);
    }
}

/* What a head's queries meet in their sample: T rows of hd numbers a key, `ld` apart, and of hd_v a value. */
typedef struct PlainKeys {
    const double *k, *v;
    int64_t T, hd, ld, hd_v, ld_v;
} PlainKeys;

/* y += the query's of row t against the keys and values of rows 0..t. */
static void plain_query(const double *q, const PlainKeys *keys, double *y, int64_t t, Dropout d,
                        int64_t dropout_row)
{
    double weight[64], sum = 0;
    for (int64_t u = 0; u <= t; u++) {
        double score = 0;
        for (int64_t j = 0; j < keys->hd; j++) score += q[j] * keys->k[u * keys->ld + j];
        sum += weight[u] = exp(score / sqrt((double)keys->hd));
    }
    for (int64_t u = 0; u < keys->T; u++) weight[u] = u <= t ? weight[u] / sum : 0;
    plain_dropout(d, DROPOUT_ATTENTION, weight, dropout_row, 1, keys->T);
    for (int64_t u = 0; u <= t; u++)
        for (int64_t j = 0; j < keys->hd_v; j++) y[j] += weight[u] * keys->v[u * keys->ld_v + j];
}

static double *plain_attention(double *qkv, const GptShape *s, int64_t B, Dropout d)
{
    int64_t T = s->sequence, C = s->hidden, a = s->heads, hd = C / a, kv = s->kv_heads, ld = qkv_width(s, 1);
    double *y = doubles(B * T * C);
    for (int64_t row = 0; s->position == POSITION_ROPE && row < B * T; row++)
        for (int64_t h = 0; h < a + kv; h++) plain_rope(qkv + row * ld + h * hd, hd, row % T, s->rope_base);
    for (int64_t row = 0; row < B * T; row++)
        for (int64_t h = 0; h < a; h++) {
            const double *sample = qkv + row / T * T * ld;
            int64_t t = row % T, of = h / (a / kv) * hd; /* a / kv heads in a row read the same */
            const PlainKeys keys = {sample + C + of, sample + C + kv * hd + of, T, hd, ld, hd, ld};
            plain_query(qkv + row * ld + h * hd, &keys, y + row * C + h * hd, t, d,
                        ((d.first_sample + row / T) * a + h) * T + t);
        }
    return y;
}

/* Of a number and the next the point turns by t base^(-2j/width). */
static void plain_rope_pairs(double *x, int64_t width, int64_t t, double base)
{
    for (int64_t j = 0; j < width; j += 2) {
        double angle = (double)t * pow(base, -(double)j / (double)width), a = x[j], b = x[j + 1];
        x[j] = a * cos(angle) - b * sin(angle);
        x[j + 1] = a * sin(angle) + b * cos(angle);
    }
}

static double *plain_latent_queries(const double *input, const Tensor *w, const GptShape *s, int64_t n)
{
    int64_t C = s->hidden, rank = s->q_lora_rank, out = s->heads * key_width(s);
    if (!rank) return plain_linear(input, w[LATENT_Q], w[LATENT_Q + 1], n, C, out);
    double *latent = plain_linear(input, w[LATENT_Q_DOWN], w[LATENT_Q_DOWN + 1], n, C, rank);
    plain_norm(NORM_RMSNORM, latent, reals(w[LATENT_Q_NORM]), NULL, latent, n, rank);
    double *q = plain_linear(latent, w[LATENT_Q_UP], w[LATENT_Q_UP + 1], n, rank, out);
    free(latent);
    return q;
}

/* 2405.04434, equations 37 to 46: what heads make of the input. */
static double *plain_latent(const double *input, const Tensor *w, const GptShape *s, int64_t B, Dropout d)
{
    int64_t T = s->sequence, n = B * T, a = s->heads, rank = s->kv_lora_rank, R = s->qk_rope_head_dim,
            N = s->qk_nope_head_dim, V = s->v_head_dim, hd = N + R, up = N + V;
    double *q = plain_latent_queries(input, w, s, n), *latent = doubles(n * rank);
    double *down = plain_linear(input, w[LATENT_KV_DOWN], w[LATENT_KV_DOWN + 1], n, s->hidden, rank + R);
    for (int64_t i = 0; i < n * rank; i++) latent[i] = down[i / rank * (rank + R) + i % rank];
    plain_norm(NORM_RMSNORM, latent, reals(w[LATENT_KV_NORM]), NULL, latent, n, rank);
    double *kv = plain_linear(latent, w[LATENT_KV_UP], w[LATENT_KV_UP + 1], n, rank, a * up);
    double *k = doubles(n * a * hd), *y = doubles(n * a * V);
    for (int64_t row = 0; row < n; row++) {
        double *shared = down + row * (rank + R) + rank;
        plain_rope_pairs(shared, R, row % T, s->rope_base);
        for (int64_t h = row * a; h < (row + 1) * a; h++) {
            plain_rope_pairs(q + h * hd + N, R, row % T, s->rope_base);
            memcpy(k + h * hd, kv + h * up, (size_t)N * sizeof *k);
            memcpy(k + h * hd + N, shared, (size_t)R * sizeof *k);
        }
    }
    for (int64_t row = 0; row < n; row++)
        for (int64_t h = 0; h < a; h++) {
            int64_t first = row / T * T * a + h, t = row % T;
            const PlainKeys keys = {k + first * hd, kv + first * up + N, T, hd, a * hd, V, a * up};
            plain_query(q + (row * a + h) * hd, &keys, y + (row * a + h) * V, t, d,
                        ((d.first_sample + row / T) * a + h) * T + t);
        }
    free(q), free(latent), free(down), free(kv), free(k);
    return y;
}

static double plain_activation(int kind, double x, double up)
{
    double silu = x / (1 + exp(-x));
    if (kind == ACTIVATION_RELU) return fmax(x, 0);
    if (kind == ACTIVATION_SILU) return silu;
    if (kind == ACTIVATION_SWIGLU) return silu * up;
    return 0.5 * x * (1 + tanh(sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x)));
}

/* x (n, F), or gated (n, 2F) */
static double *plain_activations(const double *x, const GptShape *s, int64_t n, int64_t F)
{
    int64_t ld = is_gated(s) ? 2 * F : F;
    double *y = doubles(n * F);
    for (int64_t i = 0; i < n * F; i++) {
        const double *at = x + i / F * ld + i % F;
        y[i] = plain_activation(s->activation, *at, is_gated(s) ? at[F] : 0);
    }
    return y;
}

/* y += gate times an MLP of inner width F, without biases, of one token. */
static void plain_expert(const double *x, const GptShape *s, const real *in, const real *out, int64_t F,
                         double gate, double *y)
{
    int64_t C = s->hidden, ld = is_gated(s) ? 2 * F : F;
    double *inner = doubles(ld);
    for (int64_t f = 0; f < ld; f++)
        for (int64_t c = 0; c < C; c++) inner[f] += x[c] * (double)in[c * ld + f];
    double *outer = plain_activations(inner, s, 1, F);
    for (int64_t c = 0; c < C; c++)
        for (int64_t f = 0; f < F; f++) y[c] += gate * outer[f] * (double)out[f * C + c];
    free(inner), free(outer);
}

/* The scores of one token. */
static void plain_scores(const double *x, const GptShape *s, const real *W, double *score)
{
    int64_t E = s->experts.count;
    double sum = 0;
    for (int64_t e = 0; e < E; e++) {
        double logit = 0;
        for (int64_t c = 0; c < s->hidden; c++) logit += x[c] * (double)W[c * E + e];
        sum += score[e] = exp(logit);
    }
    for (int64_t e = 0; e < E; e++)
        score[e] = s->experts.router == ROUTER_SIGMOID ? score[e] / (1 + score[e]) : score[e] / sum;
}

/* Of the group of expert e the best score, or with sigmoids the best two together; scores with their biases. */
static double plain_group(const double *score, const ExpertsShape *e, int64_t expert)
{
    int64_t each = e->count / e->groups, first = expert / each * each;
    double best = -INFINITY, second = -INFINITY;
    for (int64_t i = first; i < first + each; i++) {
        double other = score[i] > best ? best : score[i];
        if (score[i] > best) best = score[i];
        if (other > second) second = other;
    }
    return best + (e->router == ROUTER_SIGMOID && each > 1 ? second : 0);
}

/* Whether expert `a` is chosen before `b`: it is of the better group, as one group alone is gone to; or has more. */
static bool plain_before(const double *score, const ExpertsShape *e, int64_t a, int64_t b)
{
    double one = plain_group(score, e, a), other = plain_group(score, e, b);
    if (e->groups > e->groups_limited && one != other) return one > other;
    return score[a] > score[b];
}

/* How many of `room` an expert still takes of all choices, best ones first; by gates, those that have more. */
typedef struct PlainChoice {
    int64_t token, expert;
    double gate;
    bool taken;
} PlainChoice;

static void plain_drop(const ExpertsShape *e, int64_t n, PlainChoice *choice)
{
    double room = ceil(e->capacity * (double)(n * e->top_k) / (double)e->count - 1e-9);
    for (int64_t i = 0; e->capacity > 0 && i < n * e->top_k; i++) {
        double before = 0;
        for (int64_t j = 0; j < n * e->top_k; j++) {
            bool first = j < i;
            if (e->drop == DROP_BY_PROBABILITY && choice[i].gate != choice[j].gate)
                first = choice[j].gate > choice[i].gate;
            before += first && choice[j].expert == choice[i].expert;
        }
        choice[i].taken = before < room;
    }
}

/* Capacity is of all n tokens. Choices stand rank after rank: all tokens' best, then all second ones. A bias (E) is in
 * the choice alone; without elements there is none. */
static double *plain_experts(const double *x, const Tensor *w, Tensor bias, const GptShape *s, int64_t n)
{
    const ExpertsShape *e = &s->experts;
    int64_t C = s->hidden, E = e->count, k = e->top_k, inner = expert_inner_width(s);
    double *y = doubles(n * C);
    PlainChoice *choice = calloc((size_t)(n * k), sizeof *choice);
    for (int64_t i = 0; i < n; i++) {
        double score[16], judged[16], sum = 0;
        plain_scores(x + i * C, s, reals(w[ROUTER_WEIGHT]), score);
        for (int64_t a = 0; a < E; a++) judged[a] = score[a] + (bias.count ? (double)reals(bias)[a] : 0);
        for (int64_t a = 0; a < E; a++) {
            int64_t place = 0;
            for (int64_t b = 0; b < E; b++) place += b != a && !plain_before(judged, e, a, b);
            if (place < k) choice[place * n + i] = (PlainChoice){i, a, e->scale * score[a], true};
            if (place < k) sum += score[a];
        }
        for (int64_t j = 0; j < k && e->normalise; j++) choice[j * n + i].gate /= sum;
    }
    plain_drop(e, n, choice);
    for (int64_t i = 0; i < n * k; i++)
        if (choice[i].taken)
            plain_expert(x + choice[i].token * C, s,
                         reals(w[EXPERTS_IN_WEIGHT]) + choice[i].expert * C * inner,
                         reals(w[EXPERTS_OUT_WEIGHT]) + choice[i].expert * e->ffn * C, e->ffn, choice[i].gate,
                         y + choice[i].token * C);
    for (int64_t i = 0; i < n && e->shared; i++)
        plain_expert(x + i * C, s, reals(w[SHARED_IN_WEIGHT]), reals(w[SHARED_OUT_WEIGHT]),
                     e->shared * e->ffn, 1, y + i * C);
    free(choice);
    return y;
}

/* A branch's own part, of its input. */
static double *plain_part(const double *input, const Branch *branch, const Tensor *w, Tensor bias,
                          const GptShape *s, int64_t B, Dropout d)
{
    int64_t C = s->hidden, n = B * s->sequence;
    if (branch == &branch_experts) return plain_experts(input, w, bias, s, n);
    bool mlp = branch == &branch_mlp, latent = branch == &branch_latent;
    double *inner = mlp      ? plain_linear(input, w[MLP_IN_WEIGHT], w[MLP_IN_BIAS], n, C, inner_width(s))
                    : latent ? NULL
                             : plain_linear(input, w[QKV_WEIGHT], w[QKV_BIAS], n, C, qkv_width(s, 1));
    double *outer = mlp      ? plain_activations(inner, s, n, s->ffn)
                    : latent ? plain_latent(input, w, s, B, d)
                             : plain_attention(inner, s, B, d);
    int out = mlp ? MLP_OUT_WEIGHT : latent ? LATENT_OUT : ATTENTION_OUT_WEIGHT;
    double *result = plain_linear(outer, w[out], w[out + 1], n, mlp ? s->ffn : heads_width(s), C);
    free(inner), free(outer);
    return result;
}

/* x -> x + branch(x), normed before or after, in place */
static void plain_branch(double *x, const Branch *branch, const Tensor *w, Tensor bias, const GptShape *s,
                         int64_t B, Dropout d)
{
    int64_t C = s->hidden, n = B * s->sequence;
    double *input = doubles(n * C);
    memcpy(input, x, (size_t)(n * C) * sizeof *x);
    if (!s->post_norm) plain_norm(s->norm, x, reals(w[NORM_GAIN]), reals(w[NORM_BIAS]), input, n, C);
    double *result = plain_part(input, branch, w, bias, s, B, d);
    plain_dropout(d, branch->dropout, result, d.first_sample * s->sequence, n, C);
    for (int64_t i = 0; i < n * C; i++) x[i] += result[i];
    if (s->post_norm) plain_norm(s->norm, x, reals(w[NORM_GAIN]), reals(w[NORM_BIAS]), x, n, C);
    free(input), free(result);
}

/* Of tokens (B, T + 1) the embedding. */
static double *plain_embedding(const Gpt *gpt, const Tensor *units, const int32_t *tokens, int64_t B,
                               Dropout d)
{
    const GptShape *s = &gpt->shape;
    const real *words = reals(units[gpt->layer[0].unit[EMBEDDING_WORDS]]);
    const real *positions = reals(units[gpt->layer[0].unit[EMBEDDING_POSITIONS]]);
    int64_t T = s->sequence, C = s->hidden;
    double *x = doubles(B * T * C);
    for (int64_t i = 0; i < B * T * C; i++) {
        int64_t t = i / C % T, j = i % C;
        double angle = (double)t * pow(10000, -(double)(j - j % 2) / (double)C);
        x[i] = (double)words[tokens[i / C / T * (T + 1) + t] * C + j];
        if (s->position == POSITION_LEARNED) x[i] += (double)positions[t * C + j];
        if (s->position == POSITION_SINUSOIDAL)
            x[i] = sqrt((double)C) * x[i] + (j % 2 ? cos(angle) : sin(angle));
    }
    plain_dropout(d, DROPOUT_EMBEDDING, x, d.first_sample * T, B * T, C);
    return x;
}

double plain_gpt(const Gpt *gpt, const Tensor *units, const Tensor *buffers, const int32_t *tokens, int64_t B,
                 Dropout d, double *probabilities)
{
    const GptShape *s = &gpt->shape;
    const GptLayer *layer = gpt->layer, *end = &layer[s->layers + 1];
    int64_t T = s->sequence, C = s->hidden, V = s->vocab, n = B * T;
    const real *last = reals(units[end->unit[HEAD_OWN]]), *bias = last + C;
    const real *head = s->tie_embeddings ? reals(units[end->unit[HEAD_WORDS]]) : last + (s->norm ? C : 2 * C);
    double *x = plain_embedding(gpt, units, tokens, B, d), loss = 0;
    for (d.layer = 1; d.layer <= s->layers; d.layer++) {
        const Block *block = layer[d.layer].layout->block;
        Tensor flat[BLOCK_UNITS] = {0};
        for (int u = 0; u < layer[d.layer].units; u++) flat[u] = units[layer[d.layer].unit[u]];
        BlockParameters p = block_parameters(layer[d.layer].layout, flat);
        const int number = layer[d.layer].buffer;
        Tensor buffer = {0};
        if (number >= 0) buffer = buffers[number];
        for (int b = 0; b < block->branches; b++)
            plain_branch(x, block->branch[b], p.branch[b], buffer, s, B, d);
    }
    plain_norm(s->norm, x, last, bias, x, n, C);
    for (int64_t i = 0; i < n; i++) {
        double logit[64] = {0}, others = 0;
        int32_t target = tokens[i / T * (T + 1) + i % T + 1];
        for (int64_t v = 0; v < V; v++)
            for (int64_t j = 0; j < C; j++) logit[v] += x[i * C + j] * (double)head[v * C + j];
        for (int64_t v = 0; v < V; v++) others += v == target ? 0 : exp(logit[v] - logit[target]);
        for (int64_t v = 0; v < V; v++)
            probabilities[i * V + v] = exp(logit[v] - logit[target]) / (1 + others);
        loss += log1p(others); /* -log p, p = 1 / (1 + others) */
    }
    free(x);
    return loss;
}
