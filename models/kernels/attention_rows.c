/* attention_rows.c - a head's rows, one after the other. */
#include "models/kernels/attention_rows.h"
#include <stdlib.h>
#include "models/machine/half.h"
#include "models/machine/tensor_values.h"

/* ---- of one tensor ---- */

static HeadRows rows_new(Tensor t, int64_t rows, int64_t hd, int64_t apart, bool lying)
{
    HeadRows h = {.t = t, .rows = rows, .hd = hd, .apart = apart, .ld = apart};
    if (!is_half(t.dtype) || lying) return h;
    h.room = device_aside(t.device, "16-bit values in 32", (size_t)(rows * hd) * sizeof *h.room);
    h.ld = hd;
    return h;
}

static void rows_at(HeadRows *h, int64_t first)
{
    h->first = first;
    h->at = h->room ? h->room : is_half(h->t.dtype) ? NULL : reals(h->t) + first;
}

/* To be written: fetched while they are computed, as the processor does not know where the next row lies. */
static void rows_for(HeadRows *h, int64_t first)
{
    enum { LINE = 64 / sizeof(uint16_t) };
    rows_at(h, first);
    const uint16_t *row = (const uint16_t *)h->t.data + first;
    for (int64_t i = 0; h->room && i < h->rows; i++, row += h->apart)
        for (int64_t j = 0; j < h->hd; j += LINE) __builtin_prefetch(row + j, 1);
}

static void rows_read(HeadRows *h, int64_t first)
{
    rows_at(h, first);
    for (int64_t i = 0; h->room && i < h->rows; i++)
        tensor_read(h->t, first + i * h->apart, h->hd, h->room + i * h->hd);
}

static void rows_write(const HeadRows *h)
{
    if (h->room)
        half_round_rows(h->t.dtype, h->room, (uint16_t *)h->t.data + h->first, h->rows, h->hd, h->apart);
}

/* ---- of all ---- */

AttentionRows attention_rows_new(AttentionShape s, Tensor qkv, Tensor y, Tensor dqkv, Tensor dy)
{
    int64_t T = s.T, hd = s.hd, hd_v = s.hd_v, C = s.heads * hd_v, ld = attention_width(s);
    bool taken = matmul_takes(qkv.dtype);
    return (AttentionRows){.s = s,
                           .q = rows_new(qkv, T, hd, ld, taken),
                           .k = rows_new(qkv, T, hd, ld, taken),
                           .v = rows_new(qkv, T, hd_v, ld, taken),
                           .y = rows_new(y, T, hd_v, C, false),
                           .dq = rows_new(dqkv, T, hd, ld, false),
                           .dk = rows_new(dqkv, T, hd, ld, false),
                           .dv = rows_new(dqkv, T, hd_v, ld, false),
                           .dy = rows_new(dy, T, hd_v, C, !y.device && matmul_takes(dy.dtype))};
}

void attention_rows_free(AttentionRows *r)
{
    HeadRows *all[] = {&r->q, &r->k, &r->v, &r->y, &r->dq, &r->dk, &r->dv, &r->dy};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]->room);
    *r = (AttentionRows){.s = r->s};
}

void attention_rows_open(AttentionRows *r, int64_t i)
{
    AttentionShape s = r->s;
    int64_t b = i / s.heads, h = i % s.heads, out = b * s.T * s.heads * s.hd_v + h * s.hd_v;
    bool backward = r->dy.t.device, first = first_of_shared(s, i);
    AttentionHead at = attention_head(s, b, h);
    rows_read(&r->q, at.q);
    if (first) rows_read(&r->k, at.k);
    if (first) rows_read(&r->v, at.v);
    if (r->y.t.device && backward) rows_read(&r->y, out);
    if (r->y.t.device && !backward) rows_for(&r->y, out);
    if (!backward) return;
    rows_read(&r->dy, out);
    rows_for(&r->dq, at.q);
    if (first) rows_for(&r->dk, at.k);
    if (first) rows_for(&r->dv, at.v);
}

void attention_rows_write(const AttentionRows *r, int64_t i)
{
    bool backward = r->dy.t.device, last = first_of_shared(r->s, i + 1);
    if (!backward) {
        rows_write(&r->y);
        return;
    }
    rows_write(&r->dq);
    if (last) rows_write(&r->dk);
    if (last) rows_write(&r->dv);
}

void heads_divide(AttentionShape s, TeamPart *part, void *context)
{
    team_divide(s.B * s.heads, s.heads / s.kv_heads, part, context);
}

real *heads_scratch(Tensor scratch)
{
    return team_place() == 0
               ? reals(scratch)
               : device_aside(scratch.device, "a thread's attention scores", tensor_bytes(scratch));
}

void heads_scratch_free(real *room, Tensor scratch)
{
    if (room != reals(scratch)) free(room);
}
