/* attention.c - causal attention over BLAS, with the score matrix kept.
 *
 * Rows are taken in blocks: the queries r0..r1-1 see the keys 0..r1-1 only, so
 * what lies right of a block's last row is never computed. Within the block
 * the triangle above the diagonal is computed and then set to zero. */
#include "models/kernels/attention.h"
#include <string.h>
#include "models/kernels/dropout_apply.h"
#include "models/kernels/matmul.h"
#include "models/machine/tensor_values.h"
#include "models/machine/vector.h"

enum { ROWS = 64 };

AttentionHead attention_head(AttentionShape s, int64_t b, int64_t h)
{
    int64_t row = b * s.T * attention_width(s), shared = h / (s.heads / s.kv_heads);
    return (AttentionHead){.q = row + h * s.hd,
                           .k = row + (s.heads + shared) * s.hd,
                           .v = row + (s.heads + s.kv_heads + shared) * s.hd};
}

/* scores (rows, T) -> probabilities, row r seeing r0 + r + 1 keys */
VECTORISED static void causal_softmax(real *scores, int64_t r0, int64_t r1, int64_t T)
{
    for (int64_t r = r0; r < r1; r++) {
        real *row = scores + r * T;
        softmax_in_place(row, r + 1);
        memset(row + r + 1, 0, (size_t)(T - r - 1) * sizeof *row);
    }
}

/* dS = P * (dP - sum(dP * P)), row by row */
VECTORISED static void causal_softmax_backward(const real *probabilities, real *dscores, int64_t r0,
                                               int64_t r1, int64_t T)
{
    for (int64_t r = r0; r < r1; r++) {
        const real *p = probabilities + r * T;
        real *d = dscores + r * T;
        real dot = dot_of(p, d, r + 1);
        for (int64_t j = 0; j <= r; j++) d[j] = p[j] * (d[j] - dot);
        for (int64_t j = r + 1; j < r1; j++) d[j] = 0;
    }
}

/* ---- reports: of a kernel each for what is done here a few rows of one head at a time ---- */

/* A product of each head, (T, hd) by (hd, T) or (T, T) by (T, hd): causality needs half of it. Each has scores, a
 * factor or result that every head has, and one that heads may share. */
static Work product(AttentionShape s, Tensor scores, bool to_scores)
{
    Work w = {.kind = WORK_ATTENTION, .batch = s.B * s.heads, .m = s.T, .type = scores.dtype};
    w.n = to_scores ? s.T : s.hd;
    w.k = to_scores ? s.hd : s.T;
    w.flops = work_products(&w) / 2;
    w.bytes = tensor_traffic(scores, attention_cells(s) + s.B * s.T * (s.heads + s.kv_heads) * s.hd);
    return w;
}

/* Over the scores: so many operations each, and so many of them read and written. */
static Work over_scores(AttentionShape s, WorkKind kind, Tensor scores, double flops, int64_t passes)
{
    int64_t cells = attention_cells(s);
    Work w = work_over(kind, scores.dtype, s.T, s.T, flops * (double)cells,
                       tensor_traffic(scores, passes * cells));
    w.batch = s.B * s.heads;
    return w;
}

static Work dropped_scores(AttentionShape s, AttentionSaved saved)
{
    Work w = over_scores(s, WORK_DROPOUT, saved.probabilities, 1, 2);
    w.bytes += (double)tensor_bytes(saved.mask);
    return w;
}

static bool report_forward(AttentionShape s, AttentionSaved saved, Device *device, bool whole)
{
    Tensor P = saved.probabilities;
    bool compute = device_kernel(device, product(s, P, true));
    device_kernel(device, over_scores(s, WORK_SOFTMAX, P, 6, 2));
    if (saved.mask.device) device_kernel(device, dropped_scores(s, saved));
    if (whole) device_kernel(device, product(s, P, false));
    return compute;
}

static bool report_backward(AttentionShape s, AttentionSaved saved, Device *device)
{
    Tensor P = saved.probabilities;
    bool compute = device_kernel(device, product(s, P, false)); /* dv */
    device_kernel(device, product(s, P, true));                 /* dP */
    if (saved.mask.device) device_kernel(device, work_backward(dropped_scores(s, saved)));
    device_kernel(device, work_backward(over_scores(s, WORK_SOFTMAX, P, 6, 3)));
    for (int i = 0; i < 2; i++) device_kernel(device, product(s, P, false)); /* dq, dk */
    return compute;
}

/* One head's (T, T) of what is saved; of a zero tensor, that. */
static Tensor cells_of(AttentionShape s, Tensor t, int64_t b, int64_t h)
{
    return t.device ? tensor_view(t, (b * s.heads + h) * s.T * s.T, s.T * s.T) : t;
}

/* The masks of queries r0..r1-1 of one head, without what they do not see; `row` is query 0's of the whole. */
static void draw(const AttentionDropout *d, int64_t row, int64_t r0, int64_t r1, int64_t T, uint8_t *mask)
{
    for (int64_t r = r0; r < r1; r++) {
        dropout_draw(&d->dropout, row + r, T, 0, mask + r * T, r + 1);
        memset(mask + r * T + r + 1, 0, (size_t)(T - r - 1));
    }
}

void attention_forward(AttentionShape s, Tensor qkv, const AttentionDropout *dropout, AttentionSaved saved,
                       Tensor y)
{
    Tensor wqkv = wide_of(qkv), wy = wide_for(y);
    int64_t T = s.T, C = s.heads * s.hd, ld = attention_width(s);
    real scale = (real)(1 / sqrt((double)s.hd));
    bool whole = y.device; /* or what is saved alone */
    bool compute = report_forward(s, saved, qkv.device, whole);
    for (int64_t b = 0; compute && b < s.B; b++)
        for (int64_t h = 0; h < s.heads; h++) {
            Tensor P = cells_of(s, saved.probabilities, b, h), wP = wide_for(P);
            Tensor dropped = cells_of(s, saved.dropped, b, h), wdropped = wide_for(dropped);
            Tensor mask = cells_of(s, saved.mask, b, h);
            AttentionHead at = attention_head(s, b, h);
            for (int64_t r0 = 0; r0 < T; r0 += ROWS) {
                int64_t r1 = smaller_of(r0 + ROWS, T), n = r1 - r0;
                const real *q = reals(wqkv) + at.q, *k = reals(wqkv) + at.k, *v = reals(wqkv) + at.v;
                real *p = reals(wP), *out = whole ? reals(wy) + b * T * C + h * s.hd : NULL;
                matmul_pieces(scale, piece(q + r0 * ld, n, s.hd, ld),
                              piece_transposed(piece(k, r1, s.hd, ld)), 0, p + r0 * T, T);
                causal_softmax(p, r0, r1, T);
                if (dropout) {
                    real *kept = reals(wdropped);
                    draw(dropout, attention_dropout_row(dropout, T, b, h, 0), r0, r1, T, masks(mask));
                    dropout_apply(dropout_scale(dropout->dropout.rate), p + r0 * T, masks(mask) + r0 * T,
                                  kept + r0 * T, n * T);
                    p = kept;
                }
                if (whole)
                    matmul_pieces(1, piece(p + r0 * T, n, r1, T), piece(v, r1, s.hd, ld), 0, out + r0 * C, C);
            }
            wide_store(&wP, P);
            wide_store(&wdropped, dropped);
        }
    wide_free(&wqkv, qkv);
    wide_store(&wy, y);
}

void attention_probabilities(AttentionShape s, Tensor qkv, const AttentionDropout *dropout,
                             AttentionSaved saved)
{
    attention_forward(s, qkv, dropout, saved, (Tensor){0});
}

void attention_backward(AttentionShape s, Tensor dy, Tensor qkv, const AttentionDropout *dropout,
                        AttentionSaved saved, Tensor dqkv)
{
    Tensor wdy = wide_of(dy), wqkv = wide_of(qkv), wdqkv = wide_for(dqkv);
    int64_t T = s.T, C = s.heads * s.hd, hd = s.hd, ld = attention_width(s);
    Tensor scratch = tensor_new(dqkv.device, MEM_WORKSPACE, REAL, T * T);
    real scale = (real)(1 / sqrt((double)hd));
    bool compute = report_backward(s, saved, qkv.device);
    for (int64_t b = 0; compute && b < s.B; b++)
        for (int64_t h = 0; h < s.heads; h++) {
            Tensor P = cells_of(s, saved.probabilities, b, h), wP = wide_of(P);
            Tensor dropped = cells_of(s, saved.dropped, b, h), wdropped = wide_of(dropped);
            Tensor mask = cells_of(s, saved.mask, b, h);
            AttentionHead at = attention_head(s, b, h);
            /* from the last block up: it reaches every key, so it may write dk and dv, in the first of the heads
             * that share them; all others add */
            for (int64_t r0 = (T - 1) / ROWS * ROWS; r0 >= 0; r0 -= ROWS) {
                int64_t r1 = smaller_of(r0 + ROWS, T), n = r1 - r0;
                const real *q = reals(wqkv) + at.q, *k = reals(wqkv) + at.k, *v = reals(wqkv) + at.v;
                real *dq = reals(wdqkv) + at.q, *dk = reals(wdqkv) + at.k, *dv = reals(wdqkv) + at.v;
                const real *p = reals(wP), *seen = dropout ? reals(wdropped) : p;
                const real *dout = reals(wdy) + b * T * C + h * hd;
                real *dS = reals(scratch), beta = r1 == T && h % (s.heads / s.kv_heads) == 0 ? 0 : 1;
                Piece drows = piece(dout + r0 * C, n, hd, C), scores = piece(dS + r0 * T, n, r1, T);
                matmul_pieces(1, piece_transposed(piece(seen + r0 * T, n, r1, T)), drows, beta, dv, ld);
                matmul_pieces(1, drows, piece_transposed(piece(v, r1, hd, ld)), 0, dS + r0 * T, T);
                for (int64_t r = r0; dropout && r < r1; r++)
                    dropout_apply(dropout_scale(dropout->dropout.rate), dS + r * T, masks(mask) + r * T,
                                  dS + r * T, r + 1);
                causal_softmax_backward(p, dS, r0, r1, T);
                matmul_pieces(scale, scores, piece(k, r1, hd, ld), 0, dq + r0 * ld, ld);
                matmul_pieces(scale, piece_transposed(scores), piece(q + r0 * ld, n, hd, ld), beta, dk, ld);
            }
            wide_free(&wP, P);
            wide_free(&wdropped, dropped);
        }
    tensor_free(&scratch);
    wide_free(&wdy, dy);
    wide_free(&wqkv, qkv);
    wide_store(&wdqkv, dqkv);
}
