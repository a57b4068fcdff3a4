/* rows.h - rows of the experts that are here: which there are, their tensors, and those on their way. */
#ifndef MODELS_LAYERS_ROWS_H
#define MODELS_LAYERS_ROWS_H
#include "models/kernels/permute.h"

typedef struct ExpertRows {
    int64_t experts;  /* here */
    int64_t *counts;  /* (experts): rows of each */
    int64_t rows;     /* of all of them */
    int64_t room;     /* that tensors have for them */
    int64_t home;     /* and for those of the tokens here, of all experts */
    Permutation sent; /* the tokens here, to the rows of all experts */
    Permutation come; /* rows or tokens as they arrive, to the rows here; without elements: in order */
    Tensor all_gates; /* of all tokens, where they arrive */
    int64_t *between; /* (size, size): of each rank for each; NULL: nothing moves */
} ExpertRows;

/* Room for rows of this width, of like's type; and of a tensor with it those there are. */
Tensor expert_rows_room(const ExpertRows *r, Tensor like, MemoryCategory category, int64_t width);
Tensor expert_rows_used(const ExpertRows *r, Tensor rows);

/* Rows on their way. */
typedef struct RowsMoving {
    Tensor out, in;
    void *moving;           /* NULL: nothing does */
    Tensor results, dgates; /* what combine's backward reads and writes when it has arrived */
} RowsMoving;
#endif
