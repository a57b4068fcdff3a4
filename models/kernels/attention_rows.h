/* attention_rows.h - what attention reads and writes of a head, as products take it: where it lies, or of 16 bits in reals, a
 * head at a time. For the inside of a kernel, so not on a dry device. */
#ifndef MODELS_KERNELS_ATTENTION_ROWS_H
#define MODELS_KERNELS_ATTENTION_ROWS_H
#include "models/kernels/attention_shape.h"
#include "models/kernels/matmul.h"
#include "models/machine/team.h"

/* T rows of hd values. */
typedef struct HeadRows {
    Tensor t;
    int64_t rows, hd, apart; /* in t a row begins `apart` values after the one before */
    int64_t first;           /* and those of the head that is open at `first` */
    real *at;                /* where they are in reals, each `ld` values after the one before */
    int64_t ld;
    real *room; /* for one head of 16 bits; NULL: of REAL, or a factor that products take as it lies */
} HeadRows;
static inline Piece head_piece(const HeadRows *h)
{
    return h->room ? piece(h->at, h->rows, h->hd, h->ld)
                   : piece_lying(h->t, h->first, h->rows, h->hd, h->apart);
}

typedef struct AttentionRows {
    AttentionShape s;
    HeadRows q, k, v, y, dq, dk, dv, dy;
} AttentionRows;

/* Forward: of no dqkv and no dy; y is written, if there is any. Backward: y is read, if there is any, and dy in reals beside
 * it. */
AttentionRows attention_rows_new(AttentionShape s, Tensor qkv, Tensor y, Tensor dqkv, Tensor dy);
void attention_rows_free(AttentionRows *r);
/* Head i of all samples' heads, which are opened in order. dk and dv stay open over all heads that share them. */
void attention_rows_open(AttentionRows *r, int64_t i);
/* What was written of it goes back. */
void attention_rows_write(const AttentionRows *r, int64_t i);
/* Of all samples' heads each of a team's threads (team.h) has some, those together that share keys and values. */
void heads_divide(AttentionShape s, TeamPart *part, void *context);
/* What such a part has for scratch: `scratch` itself, or room as large beside it, in no ledger. */
real *heads_scratch(Tensor scratch);
void heads_scratch_free(real *room, Tensor scratch);
/* Whether head i is the first of those that share keys and values. */
static inline bool first_of_shared(AttentionShape s, int64_t i)
{
    return i % (s.heads / s.kv_heads) == 0;
}
#endif
