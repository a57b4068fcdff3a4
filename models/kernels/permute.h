/* permute.h - tokens to rows sorted by expert, and back.
 *
 * Letters: n tokens of k choices each (router.h), E experts, C width.
 *
 * A row is one choice's copy of its token. All rows of an expert stand together, in the order of their tokens, those of
 * expert 0 first: what a product over each expert reads (grouped.h), and what is sent to the ranks that hold them. What
 * comes from several ranks, from each a run for each expert, is put together likewise: an expert sees its tokens in the
 * order of their places, as it does where nothing is split, if the ranks are in that order.
 *
 *     tokens       choices          rows                          dropped choices have none
 *      a b c       a:0,1 b:1 c:0    0: a c   1: a b
 *
 * Counts are known to the host, as sizes follow from them. Tensors are REAL, BF16 or FP16 in any mixture. */
#ifndef MODELS_KERNELS_PERMUTE_H
#define MODELS_KERNELS_PERMUTE_H
#include "models/machine/real.h"
#include "models/machine/tensor.h"

typedef struct Permutation {
    int64_t tokens, choices; /* n and k */
    int64_t rows;            /* fewer than n k where some are dropped */
    Tensor row;              /* (n, k), INT32: the row of each choice, or -1 */
} Permutation;

/* counts (E): choices of each expert, of experts (n, k), INT32, without those that are not kept (capacity.h; without
 * elements all are). On a dry device they stay as they are: what whoever calls takes for granted. */
void permute_counts(Tensor experts, Tensor kept, int64_t E, int64_t *counts);

/* Choices as other ranks are told of them: experts (n, k), -1 where p has no row. */
void choices_told(const Permutation *p, Tensor experts, Tensor told);
/* And of so told ones which are of the E experts from `first` on, kept, UINT8; and these, from 0 on, here, INT32. */
void choices_here(Tensor told, int64_t first, int64_t E, Tensor here, Tensor kept);

/* Of those counts. Its memory is of `category`. */
Permutation permutation_of_choices(Tensor experts, Tensor kept, int64_t k, int64_t E, const int64_t *counts,
                                   MemoryCategory category);
/* Of rows that are there by source and, of each source, by expert, to rows by expert and, of each expert, by source:
 * counts (sources, E). Each row is a token of one choice. There is memory for `room` of them. */
Permutation permutation_of_received(Device *device, int64_t sources, int64_t E, const int64_t *counts,
                                    int64_t room, MemoryCategory category);
void permutation_free(Permutation *p);

/* rows (rows, C) from x (n, C); dx, the sum over a token's rows */
void permute_forward(const Permutation *p, Tensor x, Tensor rows, int64_t C);
void permute_backward(const Permutation *p, Tensor drows, Tensor dx, int64_t C);

/* y (n, C), of beta = 0 the sum over a token's rows, in the order of its choices, each times its gate of gates (n, k), 0
 * where it has none; of beta = 1 that added to y, row after row. Backward, dgates of a dropped choice is 0; drows may be
 * rows. */
void combine_forward(const Permutation *p, Tensor rows, Tensor gates, real beta, Tensor y, int64_t C);
void combine_backward(const Permutation *p, Tensor dy, Tensor rows, Tensor gates, Tensor drows, Tensor dgates,
                      int64_t C);
#endif
