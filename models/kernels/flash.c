/* flash.c - attention without the score matrix: tiles of scores that are made, used and forgotten.
 *
 * Forward takes the tiles of a block of queries from left to right. With m the
 * largest score of a row so far and l the sum of exp(score - m), a new tile
 * that raises m to m' scales what was gathered by exp(m - m'):
 *
 *     l = l exp(m - m') + sum(exp(score - m'))     y = y exp(m - m') + exp(score - m') v
 *
 * and in the end y / l is the attention and m + log l the row's log-sum-exp.
 * From it backward has each probability again as exp(score - lse). */
#include "models/kernels/attention.h"
#include "models/kernels/attention_rows.h"
#include "models/kernels/dropout_apply.h"
#include "models/kernels/matmul.h"
#include "models/machine/tensor_values.h"
#include "models/machine/vector.h"

enum { TILE = 64 };

/* A tile: queries r0..r1-1 of one head against keys c0..c1-1, of which query r sees those up to r. In its
 * cells a row is TILE long. */
typedef struct Tile {
    int64_t r0, r1, c0, c1;
} Tile;

static Tile tile_at(int64_t r0, int64_t c0, int64_t T)
{
    return (Tile){r0, smaller_of(r0 + TILE, T), c0, smaller_of(c0 + TILE, T)};
}

static int64_t seen(Tile t, int64_t r)
{
    return smaller_of(t.c1, r + 1) - t.c0;
}

/* Of a product of cells, of which those on the diagonal are causal. */
static Causal causal_at(Tile t, CausalPart part)
{
    return (Causal){t.r0 == t.c0 ? part : CAUSAL_NONE, 0};
}

/* cells = scale a b^T, with a row of a for each query and a row of b for each key; where they are seen */
static void cross(Tile t, real scale, Piece a, Piece b, real *cells)
{
    matmul_causal(scale, piece_rows(a, t.r0, t.r1), piece_transposed(piece_rows(b, t.c0, t.c1)), 0, cells,
                  TILE, causal_at(t, CAUSAL_C));
}

static Piece as_piece(Tile t, const real *cells)
{
    return piece(cells, t.r1 - t.r0, t.c1 - t.c0, TILE);
}

static void draw(Tile t, AttentionShape s, const AttentionDropout *d, int64_t b, int64_t h, uint8_t *mask)
{
    for (int64_t r = t.r0; r < t.r1; r++, mask += TILE)
        dropout_draw(&d->dropout, attention_dropout_row(d, s.T, b, h, r), s.T, t.c0, mask, seen(t, r));
}

/* to = from * mask / (1 - rate) where seen, and 0 elsewhere */
static void drop(Tile t, const AttentionDropout *d, const uint8_t *mask, const real *from, real *to)
{
    for (int64_t r = t.r0; r < t.r1; r++, from += TILE, to += TILE, mask += TILE) {
        dropout_apply(dropout_scale(d->dropout.rate), from, mask, to, seen(t, r));
        for (int64_t j = seen(t, r); j < t.c1 - t.c0; j++) to[j] = 0;
    }
}

/* scores -> exp(score - m), with m, l and the rows of y so far brought up to them */
VECTORISED static void online_softmax(Tile t, real *cells, real *m, real *l, real *y, int64_t C, int64_t hd_v)
{
    for (int64_t r = t.r0; r < t.r1; r++, cells += TILE) {
        int64_t n = seen(t, r), i = r - t.r0;
        real most = max_of(cells, n);
        if (t.c0 == 0) {
            m[i] = most, l[i] = 0;
        } else if (most > m[i]) {
            real by = real_exp(m[i] - most);
            m[i] = most, l[i] *= by;
            for (int64_t j = 0; j < hd_v; j++) y[r * C + j] *= by;
        }
        l[i] += exponentials(cells, n, m[i]);
        for (int64_t j = n; j < t.c1 - t.c0; j++) cells[j] = 0;
    }
}

/* Causality needs half of the products; everything passes once, as a head's keys and values stay near. */
static Work work_of(AttentionShape s, Tensor qkv, bool backward, size_t bytes)
{
    Work w = {.kind = WORK_FLASH,
              .backward = backward,
              .batch = s.B * s.heads,
              .m = s.T,
              .n = s.T,
              .k = s.hd,
              .v = s.hd_v,
              .type = qkv.dtype};
    w.flops = work_products(&w) / 2 + 6 * (double)attention_cells(s);
    w.bytes = (double)bytes;
    return w;
}

/* Of head i, which is open; scratch: a tile and two columns of one. */
static void head_forward(const AttentionRows *rows, const AttentionDropout *dropout, int64_t i, real *scratch,
                         real *lse)
{
    AttentionShape s = rows->s;
    int64_t T = s.T, b = i / s.heads, h = i % s.heads, ld = rows->y.ld;
    real scale = (real)(1 / sqrt((double)s.hd)), *out = rows->y.at, *P = scratch, *m = P + TILE * TILE,
         *l = m + TILE;
    Piece q = head_piece(&rows->q), k = head_piece(&rows->k), v = head_piece(&rows->v);
    uint8_t mask[TILE * TILE];
    for (int64_t r0 = 0; r0 < T; r0 += TILE) {
        for (int64_t c0 = 0; c0 <= r0; c0 += TILE) {
            Tile t = tile_at(r0, c0, T);
            cross(t, scale, q, k, P);
            online_softmax(t, P, m, l, out, ld, s.hd_v);
            if (dropout) draw(t, s, dropout, b, h, mask);
            if (dropout) drop(t, dropout, mask, P, P);
            matmul_causal(1, as_piece(t, P), piece_rows(v, c0, t.c1), c0 > 0, out + r0 * ld, ld,
                          causal_at(t, CAUSAL_A));
        }
        for (int64_t r = r0; r < smaller_of(r0 + TILE, T); r++) {
            for (int64_t j = 0; j < s.hd_v; j++) out[r * ld + j] /= l[r - r0];
            lse[r] = m[r - r0] + (real)log((double)l[r - r0]);
        }
    }
}

/* What heads_divide() gives threads parts of. */
typedef struct Heads {
    AttentionShape s;
    Tensor dy, qkv, lse, y, dqkv, scratch;
    const AttentionDropout *dropout;
} Heads;

static void heads_forward(void *context, int64_t first, int64_t end)
{
    const Heads *h = context;
    real *scratch = heads_scratch(h->scratch);
    AttentionRows rows = attention_rows_new(h->s, h->qkv, h->y, (Tensor){0}, (Tensor){0});
    for (int64_t i = first; i < end; i++) {
        attention_rows_open(&rows, i);
        head_forward(&rows, h->dropout, i, scratch, reals(h->lse) + i * h->s.T);
        attention_rows_write(&rows, i);
    }
    attention_rows_free(&rows);
    heads_scratch_free(scratch, h->scratch);
}

void flash_forward(AttentionShape s, Tensor qkv, const AttentionDropout *dropout, Tensor lse, Tensor y)
{
    Heads heads = {.s = s, .qkv = qkv, .lse = lse, .y = y, .dropout = dropout};
    heads.scratch = tensor_new(y.device, MEM_WORKSPACE, REAL, TILE * TILE + 2 * TILE);
    if (device_kernel(y.device,
                      work_of(s, qkv, false, tensor_bytes(qkv) + tensor_bytes(lse) + tensor_bytes(y))))
        heads_divide(s, heads_forward, &heads);
    tensor_free(&heads.scratch);
}

/* scores -> probabilities */
VECTORISED static void from_lse(Tile t, real *cells, const real *lse)
{
    for (int64_t r = t.r0; r < t.r1; r++, cells += TILE) {
        int64_t n = seen(t, r);
        for (int64_t j = 0; j < n; j++) cells[j] = real_exp(cells[j] - lse[r]);
        for (int64_t j = n; j < t.c1 - t.c0; j++) cells[j] = 0;
    }
}

/* P -> dS = P * (dP - sum(dP * P)) */
VECTORISED static void softmax_backward(Tile t, real *restrict P, const real *restrict dP, const real *dot)
{
    for (int64_t r = t.r0; r < t.r1; r++, P += TILE, dP += TILE)
        for (int64_t j = 0; j < seen(t, r); j++) P[j] *= dP[j] - dot[r];
}

/* sum(dP * P) of each row, which is sum(dy * y): the sum over keys moves inside the one over hd_v */
VECTORISED static void row_dots(const HeadRows *dy, const HeadRows *y, real *dot)
{
    for (int64_t t = 0; t < dy->rows; t++) dot[t] = dot_of(dy->at + t * dy->ld, y->at + t * y->ld, dy->hd);
}

/* Of head i, which is open; scratch: two tiles, and T reals. */
static void head_backward(const AttentionRows *rows, const AttentionDropout *dropout, int64_t i,
                          real *scratch, const real *lse)
{
    AttentionShape s = rows->s;
    int64_t T = s.T, b = i / s.heads, h = i % s.heads;
    real scale = (real)(1 / sqrt((double)s.hd)), *P = scratch, *other = P + TILE * TILE,
         *dot = other + TILE * TILE;
    Piece q = head_piece(&rows->q), k = head_piece(&rows->k), v = head_piece(&rows->v),
          dy = head_piece(&rows->dy);
    const HeadRows *dq = &rows->dq, *dk = &rows->dk, *dv = &rows->dv;
    uint8_t mask[TILE * TILE];
    row_dots(&rows->dy, &rows->y, dot);
    for (int64_t c0 = 0; c0 < T; c0 += TILE)
        for (int64_t r0 = c0; r0 < T; r0 += TILE) {
            Tile t = tile_at(r0, c0, T);
            /* who comes first writes, the others add */
            real beta = first_of_shared(s, i) && r0 == c0 ? 0 : 1;
            cross(t, scale, q, k, P);
            from_lse(t, P, lse);
            if (dropout) draw(t, s, dropout, b, h, mask);
            if (dropout) drop(t, dropout, mask, P, other);
            Causal causal = causal_at(t, CAUSAL_A), turned = causal_at(t, CAUSAL_A_TRANSPOSED);
            matmul_causal(1, piece_transposed(as_piece(t, dropout ? other : P)), piece_rows(dy, r0, t.r1),
                          beta, dv->at + c0 * dv->ld, dv->ld, turned);
            cross(t, 1, dy, v, other);
            if (dropout) drop(t, dropout, mask, other, other);
            softmax_backward(t, P, other, dot);
            Piece dscores = as_piece(t, P);
            matmul_causal(scale, dscores, piece_rows(k, c0, t.c1), c0 > 0, dq->at + r0 * dq->ld, dq->ld,
                          causal);
            matmul_causal(scale, piece_transposed(dscores), piece_rows(q, r0, t.r1), beta,
                          dk->at + c0 * dk->ld, dk->ld, turned);
        }
}

static void heads_backward(void *context, int64_t first, int64_t end)
{
    const Heads *h = context;
    real *scratch = heads_scratch(h->scratch);
    AttentionRows rows = attention_rows_new(h->s, h->qkv, h->y, h->dqkv, h->dy);
    for (int64_t i = first; i < end; i++) {
        attention_rows_open(&rows, i);
        head_backward(&rows, h->dropout, i, scratch, reals(h->lse) + i * h->s.T);
        attention_rows_write(&rows, i);
    }
    attention_rows_free(&rows);
    heads_scratch_free(scratch, h->scratch);
}

void flash_backward(AttentionShape s, Tensor dy, Tensor qkv, const AttentionDropout *dropout, Tensor lse,
                    Tensor y, Tensor dqkv)
{
    Heads heads = {.s = s, .dy = dy, .qkv = qkv, .lse = lse, .y = y, .dqkv = dqkv, .dropout = dropout};
    heads.scratch = tensor_new(dqkv.device, MEM_WORKSPACE, REAL, 2 * TILE * TILE + s.T);
    size_t bytes =
        tensor_bytes(dy) + tensor_bytes(qkv) + tensor_bytes(lse) + tensor_bytes(y) + tensor_bytes(dqkv);
    if (device_kernel(dqkv.device, work_of(s, qkv, true, bytes))) heads_divide(s, heads_backward, &heads);
    tensor_free(&heads.scratch);
}
