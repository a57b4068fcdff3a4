/* latent_heads.c - rows of queries, keys and values, joined and taken apart. */
#include "models/kernels/latent_heads.h"
#include <assert.h>
#include <string.h>
#include "models/machine/tensor_values.h"

/* All four, open, and how wide their rows are. */
typedef struct Rows {
    Opened q, kv, shared, qkv;
    int64_t queries, heads, rotary, width;
} Rows;

static Rows rows_new(AttentionShape s, Tensor q, Tensor kv, Tensor shared, Tensor qkv)
{
    int64_t n = s.B * s.T;
    Rows r = {.queries = q.count / n,
              .heads = kv.count / n,
              .rotary = shared.count / n,
              .width = attention_width(s)};
    r.q = opened_new(q, r.queries);
    r.kv = opened_new(kv, r.heads);
    r.shared = opened_new(shared, r.rotary);
    r.qkv = opened_new(qkv, r.width);
    assert(s.kv_heads == s.heads && r.queries == s.heads * s.hd && qkv.count == n * r.width &&
           r.heads == s.heads * (s.hd - r.rotary + s.hd_v));
    return r;
}

static void rows_free(Rows *r)
{
    opened_free(&r->q);
    opened_free(&r->kv);
    opened_free(&r->shared);
    opened_free(&r->qkv);
}

/* All of it once, and of what heads share a copy each. */
static Work work_of(AttentionShape s, Tensor qkv)
{
    return work_through(WORK_COPY, qkv, s.B * s.T, 0, 2 * (double)tensor_bytes(qkv));
}

void latent_heads_join(AttentionShape s, Tensor q, Tensor kv, Tensor shared, Tensor qkv)
{
    if (!device_kernel(qkv.device, work_of(s, qkv))) return;
    Rows r = rows_new(s, q, kv, shared, qkv);
    int64_t own = s.hd - r.rotary;
    for (int64_t i = 0; i < s.B * s.T; i++) {
        const real *from = opened_read(&r.kv, i * r.heads, r.heads),
                   *turned = opened_read(&r.shared, i * r.rotary, r.rotary);
        real *row = opened_for(&r.qkv, i * r.width), *key = row + r.queries, *value = key + r.queries;
        memcpy(row, opened_read(&r.q, i * r.queries, r.queries), (size_t)r.queries * sizeof *row);
        for (int64_t h = 0; h < s.heads; h++, from += own + s.hd_v, key += s.hd, value += s.hd_v) {
            memcpy(key, from, (size_t)own * sizeof *key);
            memcpy(key + own, turned, (size_t)r.rotary * sizeof *key);
            memcpy(value, from + own, (size_t)s.hd_v * sizeof *value);
        }
        opened_write(&r.qkv, i * r.width, r.width);
    }
    rows_free(&r);
}

void latent_heads_part(AttentionShape s, Tensor dqkv, Tensor dq, Tensor dkv, Tensor dshared)
{
    if (!device_kernel(dqkv.device, work_of(s, dqkv))) return;
    Rows r = rows_new(s, dq, dkv, dshared, dqkv);
    int64_t own = s.hd - r.rotary;
    for (int64_t i = 0; i < s.B * s.T; i++) {
        const real *row = opened_read(&r.qkv, i * r.width, r.width), *key = row + r.queries,
                   *value = key + r.queries;
        real *to = opened_for(&r.kv, i * r.heads), *turned = opened_for(&r.shared, i * r.rotary);
        memcpy(opened_for(&r.q, i * r.queries), row, (size_t)r.queries * sizeof *row);
        memset(turned, 0, (size_t)r.rotary * sizeof *turned);
        for (int64_t h = 0; h < s.heads; h++, to += own + s.hd_v, key += s.hd, value += s.hd_v) {
            memcpy(to, key, (size_t)own * sizeof *to);
            memcpy(to + own, value, (size_t)s.hd_v * sizeof *to);
            for (int64_t j = 0; j < r.rotary; j++) turned[j] += key[own + j];
        }
        opened_write(&r.q, i * r.queries, r.queries);
        opened_write(&r.kv, i * r.heads, r.heads);
        opened_write(&r.shared, i * r.rotary, r.rotary);
    }
    rows_free(&r);
}
