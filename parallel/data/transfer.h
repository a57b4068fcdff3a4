/* transfer.h - units on their way over the data-parallel group: as they are, or quantised.
 *
 * Quantised as in ZeRO++ (Wang et al. 2306.10209), each value once on its way:
 *   all-gather:      every rank quantises its block, a ring carries the blocks, and all, their
 *                    owner too, open them: everybody has the same values
 *   reduce-scatter:  every rank quantises each other's block and sends it there; the owner opens
 *                    them and adds in rank order in REAL, its own as it is
 *   all-reduce:      the one, and then the sums as in the other
 * A block of values with one scale lies in one tensor: a norm's gains do not coarsen the matrix
 * beside them, and what tensor-parallel ranks hold alike stays alike. */
#ifndef PARALLEL_DATA_TRANSFER_H
#define PARALLEL_DATA_TRANSFER_H
#include "models/layers/gpt_parameters.h"
#include "parallel/collectives/collectives.h"

typedef enum { ALL_GATHER, REDUCE_SCATTER, ALL_REDUCE } Movement;
typedef struct Transfer {
    Collective ring; /* group NULL: nothing outstanding; ring_progress() moves it on */
    Movement movement;
    const Gpt *gpt;
    const int *unit; /* (parts): what each is of, padded to a multiple of the ranks */
    int parts;
    Tensor *part;
    Tensor packed, sum; /* quantised: what travels; and a part's block as it is added up */
} Transfer;

/* What moves, how, and as what it is counted. */
typedef struct TransferOptions {
    Group *group;
    Purpose purpose;
    Movement movement;
    bool quantized;
    const Gpt *gpt;
    const int *unit; /* (parts), as in Transfer; it must live as long */
    int parts;
    const Tensor *part; /* (parts); copied */
} TransferOptions;

/* As the ring collectives, in place; it stays where it is while outstanding. */
void transfer_begin(Transfer *t, const TransferOptions *o);
void transfer_end(Transfer *t);
#endif
