/* expert_rows.h - tokens to the rows of the experts that are here, wherever the tokens are, and their results back.
 *
 *     tokens -> rows by expert -> | dispatch | -> rows by who sent them -> rows by expert
 *     tokens <-  sum by gates  <- | combine  | <-          ...          <-    results
 *
 * Where one rank has all experts there is nothing between: the first rows are the last. Else these have an expert's tokens
 * in the order of their ranks, and of each rank in that of their places: as one rank would see them all, so that its
 * products have the same bits. What enters the products is kept for backward, as Megatron-LM keeps it, and not sent twice:
 * but of a block that is computed again, whose rows are.
 *
 * A drawing of the all-to-all, of two ranks with two experts each and tokens a b c, d e f; "2:a" is a's row of expert 2:
 *
 *            by expert                    as they arrive              by expert
 *   rank 0   0:a 0:c 1:b | 2:a 3:b        0:a 0:c 1:b | 0:d 1:e       0:a 0:c 0:d 1:b 1:e
 *   rank 1   0:d 1:e | 2:e 2:f 3:d        2:a 3:b | 2:e 2:f 3:d       2:a 2:e 2:f 3:b 3:d
 *
 * Of an all-gather all tokens arrive on all ranks, with their choices and gates, and each rank takes the rows of its own
 * experts from them, in the same order. A token's sum is then one of its ranks' sums, and not of its choices one after the
 * other. */
#ifndef MODELS_LAYERS_EXPERT_ROWS_H
#define MODELS_LAYERS_EXPERT_ROWS_H
#include "models/layers/branch.h"
#include "models/layers/rows.h"

/* Tells all ranks of what was routed, and what arrives here its places, which are kept in `s`. */
ExpertRows expert_rows_new(const BlockRun *run, MemoryCategory kept, BranchSaved *s);
/* As they were. */
ExpertRows expert_rows_again(const BlockRun *run, BranchSaved *s);
void expert_rows_free(ExpertRows *r);

/* Whether results go home as they are: then it is there that they are kept. */
bool expert_rows_return(const BlockRun *run, const ExpertRows *r);

/* Forward: whole (n, C) -> new rows (rows, C), kept if they moved; and results (rows, C), which it takes over, times their
 * gates added to beta part (n, C). It returns what combine's backward reads. */
RowsMoving dispatch_begin(const BlockRun *run, const ExpertRows *r, MemoryCategory kept, Tensor whole);
Tensor dispatch_end(const BlockRun *run, const ExpertRows *r, MemoryCategory kept, Tensor whole,
                    RowsMoving *m);
Tensor combine(const BlockRun *run, const ExpertRows *r, MemoryCategory kept, Tensor results, Tensor gates,
               real beta, Tensor part);

/* Backward: of dy (n, C) and what combine() returned, which is taken over, dgates (n, k) and new dresults (rows, C); and
 * drows (rows, C), which are taken over, to dwhole (n, C), which is written. */
RowsMoving combine_backward_begin(const BlockRun *run, const ExpertRows *r, Tensor dy, Tensor results,
                                  Tensor gates, Tensor dgates);
Tensor combine_backward_end(const BlockRun *run, const ExpertRows *r, RowsMoving *m);
RowsMoving dispatch_backward_begin(const BlockRun *run, const ExpertRows *r, Tensor drows);
void dispatch_backward_end(const BlockRun *run, const ExpertRows *r, RowsMoving *m, Tensor dwhole);
#endif
