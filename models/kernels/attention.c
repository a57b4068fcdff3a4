/* attention.c - causal attention over BLAS, with the score matrix kept.
 *
 * Rows are taken in blocks: the queries r0..r1-1 see the keys 0..r1-1 only, so
 * what lies right of a block's last row is never computed. Within the block
 * the products know that the triangle above the diagonal is not wanted, or zero. */
#include "models/kernels/attention.h"
#include <string.h>
#include "models/kernels/attention_rows.h"
#include "models/kernels/dropout_apply.h"
#include "models/kernels/matmul.h"
#include "models/machine/tensor_values.h"
#include "models/machine/vector.h"

/* Queries whose scores stay in the second cache, of a head with T of them. */
static int64_t rows_of_block(int64_t T)
{
    enum { LEAST = 64, SCORES = 1 << 15 };
    int64_t rows = SCORES / T;
    return smaller_of(rows > LEAST ? rows : LEAST, T);
}

/* Scores of queries r0..r1-1, in rows of T, -> probabilities: query r sees r + 1 keys. */
VECTORISED static void causal_softmax(real *scores, int64_t r0, int64_t r1, int64_t T)
{
    softmax_rows(scores, r1 - r0, T, r0 + 1, 1);
    for (int64_t r = r0; r < r1; r++, scores += T)
        memset(scores + r + 1, 0, (size_t)(T - r - 1) * sizeof *scores);
}

/* dS = P * (dP - sum(dP * P)), row by row */
VECTORISED static void causal_softmax_backward(const real *p, real *d, int64_t r0, int64_t r1, int64_t T)
{
    real dot[ROWS_TOGETHER];
    for (int64_t r = r0, rows; r < r1; r += rows, p += rows * T, d += rows * T) {
        rows = rows_together(r1 - r);
        for (int64_t i = 0; i < rows; i++) dot[i] = dot_of(p + i * T, d + i * T, r + i + 1);
        for (int64_t i = 0; i < rows; i++) {
            for (int64_t j = 0; j <= r + i; j++) d[i * T + j] = p[i * T + j] * (d[i * T + j] - dot[i]);
            for (int64_t j = r + i + 1; j < r1; j++) d[i * T + j] = 0;
        }
    }
}

/* ---- reports: of a kernel each for what is done here a few rows of one head at a time ---- */

/* A product of each head, (T, width) by (width, T) or (T, T) by (T, width): causality needs half of it. Each has
 * scores, a factor or result that every head has, and one that heads may share, of a query's width or a value's. */
static Work product(AttentionShape s, Tensor scores, int64_t width, bool to_scores)
{
    Work w = {.kind = WORK_ATTENTION, .batch = s.B * s.heads, .m = s.T, .type = scores.dtype};
    w.n = to_scores ? s.T : width;
    w.k = to_scores ? width : s.T;
    w.flops = work_products(&w) / 2;
    w.bytes = tensor_traffic(scores, attention_cells(s) + s.B * s.T * (s.heads + s.kv_heads) * width);
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
    bool compute = device_kernel(device, product(s, P, s.hd, true));
    device_kernel(device, over_scores(s, WORK_SOFTMAX, P, 6, 2));
    if (saved.mask.device) device_kernel(device, dropped_scores(s, saved));
    if (whole) device_kernel(device, product(s, P, s.hd_v, false));
    return compute;
}

static bool report_backward(AttentionShape s, AttentionSaved saved, Device *device)
{
    Tensor P = saved.probabilities;
    bool compute = device_kernel(device, product(s, P, s.hd_v, false)); /* dv */
    device_kernel(device, product(s, P, s.hd_v, true));                 /* dP */
    if (saved.mask.device) device_kernel(device, work_backward(dropped_scores(s, saved)));
    device_kernel(device, work_backward(over_scores(s, WORK_SOFTMAX, P, 6, 3)));
    for (int i = 0; i < 2; i++) device_kernel(device, product(s, P, s.hd, false)); /* dq, dk */
    return compute;
}

/* The masks of queries r0..r1-1 of one head, without what they do not see; `row` is query 0's of the whole. */
static void draw(const AttentionDropout *d, int64_t row, int64_t r0, int64_t r1, int64_t T, uint8_t *mask)
{
    for (int64_t r = r0; r < r1; r++, mask += T) {
        dropout_draw(&d->dropout, row + r, T, 0, mask, r + 1);
        memset(mask + r + 1, 0, (size_t)(T - r - 1));
    }
}

/* What heads_divide() gives threads parts of. */
typedef struct Heads {
    AttentionShape s;
    Tensor dy, qkv, y, dqkv, scratch;
    const AttentionDropout *dropout;
    AttentionSaved saved;
    bool whole; /* forward: or what is saved alone */
} Heads;

static void heads_forward(void *context, int64_t first_head, int64_t end)
{
    const Heads *heads = context;
    const AttentionDropout *dropout = heads->dropout;
    AttentionShape s = heads->s;
    int64_t T = s.T, block = rows_of_block(T);
    real scale = (real)(1 / sqrt((double)s.hd));
    AttentionRows rows = attention_rows_new(s, heads->qkv, heads->y, (Tensor){0}, (Tensor){0});
    Opened P = opened_new(heads->saved.probabilities, block * T),
           dropped = opened_new(heads->saved.dropped, block * T);
    for (int64_t i = first_head; i < end; i++) {
        attention_rows_open(&rows, i);
        Piece q = head_piece(&rows.q), k = head_piece(&rows.k), v = head_piece(&rows.v);
        for (int64_t r0 = 0; r0 < T; r0 += block) {
            int64_t r1 = smaller_of(r0 + block, T), n = r1 - r0, first = (i * T + r0) * T;
            real *p = opened_for(&P, first);
            matmul_causal(scale, piece_rows(q, r0, r1), piece_transposed(piece_rows(k, 0, r1)), 0, p, T,
                          (Causal){CAUSAL_C, r0});
            causal_softmax(p, r0, r1, T);
            opened_write(&P, first, n * T);
            if (dropout) {
                uint8_t *mask = masks(heads->saved.mask) + first;
                real *kept = opened_for(&dropped, first);
                draw(dropout, attention_dropout_row(dropout, T, i / s.heads, i % s.heads, 0), r0, r1, T,
                     mask);
                dropout_apply(dropout_scale(dropout->dropout.rate), p, mask, kept, n * T);
                opened_write(&dropped, first, n * T);
                p = kept;
            }
            if (heads->whole)
                matmul_causal(1, piece(p, n, r1, T), piece_rows(v, 0, r1), 0, rows.y.at + r0 * rows.y.ld,
                              rows.y.ld, (Causal){CAUSAL_A, r0});
        }
        attention_rows_write(&rows, i);
    }
    attention_rows_free(&rows);
    opened_free(&P);
    opened_free(&dropped);
}

void attention_forward(AttentionShape s, Tensor qkv, const AttentionDropout *dropout, AttentionSaved saved,
                       Tensor y)
{
    Heads heads = {.s = s, .qkv = qkv, .y = y, .dropout = dropout, .saved = saved, .whole = y.device};
    if (report_forward(s, saved, qkv.device, heads.whole)) heads_divide(s, heads_forward, &heads);
}

void attention_probabilities(AttentionShape s, Tensor qkv, const AttentionDropout *dropout,
                             AttentionSaved saved)
{
    attention_forward(s, qkv, dropout, saved, (Tensor){0});
}

/* Of head i, which is open. */
static void head_backward(const AttentionRows *rows, const AttentionDropout *dropout, const Opened *P,
                          const Opened *dropped, Tensor mask, int64_t i, real *scratch)
{
    AttentionShape s = rows->s;
    int64_t T = s.T, block = rows_of_block(T);
    real scale = (real)(1 / sqrt((double)s.hd));
    Piece q = head_piece(&rows->q), k = head_piece(&rows->k), v = head_piece(&rows->v);
    const HeadRows *dq = &rows->dq, *dk = &rows->dk, *dv = &rows->dv;
    /* from the last block up: it reaches every key, so it may write dk and dv, in the first of the heads
     * that share them; all others add */
    for (int64_t r0 = (T - 1) / block * block; r0 >= 0; r0 -= block) {
        int64_t r1 = smaller_of(r0 + block, T), n = r1 - r0, first = (i * T + r0) * T;
        Causal causal = {CAUSAL_A, r0}, turned = {CAUSAL_A_TRANSPOSED, r0};
        const real *p = opened_read(P, first, n * T);
        const Opened *kept = dropout ? dropped : P;
        Piece seen = matmul_takes(kept->t.dtype)
                         ? piece_lying(kept->t, first, n, r1, T)
                         : piece(dropout ? opened_read(kept, first, n * T) : p, n, r1, T);
        real *dS = scratch + r0 * T, beta = r1 == T && first_of_shared(s, i) ? 0 : 1;
        Piece drows = piece_rows(head_piece(&rows->dy), r0, r1), scores = piece(dS, n, r1, T);
        matmul_causal(1, piece_transposed(seen), drows, beta, dv->at, dv->ld, turned);
        matmul_causal(1, drows, piece_transposed(piece_rows(v, 0, r1)), 0, dS, T, (Causal){CAUSAL_C, r0});
        for (int64_t r = 0; dropout && r < n; r++)
            dropout_apply(dropout_scale(dropout->dropout.rate), dS + r * T, masks(mask) + first + r * T,
                          dS + r * T, r0 + r + 1);
        causal_softmax_backward(p, dS, r0, r1, T);
        matmul_causal(scale, scores, piece_rows(k, 0, r1), 0, dq->at + r0 * dq->ld, dq->ld, causal);
        matmul_causal(scale, piece_transposed(scores), piece_rows(q, r0, r1), beta, dk->at, dk->ld, turned);
    }
}

static void heads_backward(void *context, int64_t first, int64_t end)
{
    const Heads *heads = context;
    AttentionShape s = heads->s;
    real *scratch = heads_scratch(heads->scratch);
    AttentionRows rows = attention_rows_new(s, heads->qkv, (Tensor){0}, heads->dqkv, heads->dy);
    int64_t most = rows_of_block(s.T) * s.T;
    Opened P = opened_new(heads->saved.probabilities, most), dropped = opened_new(heads->saved.dropped, most);
    for (int64_t i = first; i < end; i++) {
        attention_rows_open(&rows, i);
        head_backward(&rows, heads->dropout, &P, &dropped, heads->saved.mask, i, scratch);
        attention_rows_write(&rows, i);
    }
    attention_rows_free(&rows);
    opened_free(&P);
    opened_free(&dropped);
    heads_scratch_free(scratch, heads->scratch);
}

void attention_backward(AttentionShape s, Tensor dy, Tensor qkv, const AttentionDropout *dropout,
                        AttentionSaved saved, Tensor dqkv)
{
    Heads heads = {.s = s, .dy = dy, .qkv = qkv, .dqkv = dqkv, .dropout = dropout, .saved = saved};
    heads.scratch = tensor_new(dqkv.device, MEM_WORKSPACE, REAL, s.T * s.T);
    if (report_backward(s, saved, qkv.device)) heads_divide(s, heads_backward, &heads);
    tensor_free(&heads.scratch);
}
