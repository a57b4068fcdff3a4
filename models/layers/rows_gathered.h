/* rows_gathered.h - rows out of all tokens of the ranks that share experts, which an all-gather brings to each of them: what
 * expert_rows.h says, of that way. */
#ifndef MODELS_LAYERS_ROWS_GATHERED_H
#define MODELS_LAYERS_ROWS_GATHERED_H
#include "models/layers/branch.h"
#include "models/layers/rows.h"

/* Tells all ranks of choices and gates; come and all_gates, kept in `s`. */
void gathered_places(const BlockRun *run, ExpertRows *r, MemoryCategory kept, BranchSaved *s);
void gathered_places_again(const BlockRun *run, ExpertRows *r, BranchSaved *s);

/* All tokens begin to arrive, of whole or of the gradient dy (n, C). */
RowsMoving gathered_begin(const BlockRun *run, Tensor whole);
Tensor gathered_dispatch_end(const BlockRun *run, const ExpertRows *r, MemoryCategory kept, RowsMoving *m);
Tensor gathered_combine(const BlockRun *run, const ExpertRows *r, Tensor results, real beta, Tensor part);
Tensor gathered_combine_backward_end(const BlockRun *run, const ExpertRows *r, RowsMoving *m);
RowsMoving gathered_dispatch_backward_begin(const BlockRun *run, const ExpertRows *r, Tensor drows);
void gathered_dispatch_backward_end(const BlockRun *run, RowsMoving *m, Tensor dwhole);
#endif
