/* routing.h - the tokens of a layer of experts: which of them each goes to and in which row, the losses that keep the
 * load even, and what is told of all that.
 *
 * All ranks of a region route all of its tokens alike, as they hold the same of them and of the router. What the gates'
 * gradients are of, each has a part of (branch_experts.h): so the router's gradients are parts of a sum, and of the
 * losses' each rank takes its share. */
#ifndef MODELS_LAYERS_ROUTING_H
#define MODELS_LAYERS_ROUTING_H
#include "models/kernels/permute.h"
#include "models/layers/branch.h"

/* What a layer tells of a step: sums over its tokens, a row of doubles. Losses are times their coefficients and, of a
 * scope's, its tokens: over all tokens' number they are means. */
enum {
    ROUTING_DROPPED,      /* choices that an expert had no room for */
    ROUTING_ENTROPY,      /* of scores over their sum, nats */
    ROUTING_BALANCE_LOSS, /* balance.h */
    ROUTING_Z_LOSS,
    ROUTING_SENT,     /* rows for experts of other ranks (expert_rows.h), in forward, */
    ROUTING_RECEIVED, /* and theirs for those here */
    ROUTING_LOAD      /* (E): choices, those that were dropped too */
};
/* Where behind them, if they have one, experts' bias is (E), which is whoever's who holds it to tell; and the width. */
static inline int64_t routing_bias(const ExpertsShape *e)
{
    return ROUTING_LOAD + e->count;
}
static inline int64_t routing_width(const ExpertsShape *e)
{
    return routing_bias(e) + (e->balance == BALANCE_BIAS ? e->count : 0);
}

/* The row that a layer adds to; NULL where nobody asks, as of what is only computed again on x's device. */
double *routing_row(const BlockRun *run, Tensor x);

/* What is kept of it. n tokens of all the region's, E experts, k of them a token. */
typedef struct Routing {
    Tensor *logits;  /* (n, E) REAL, for the z-loss */
    Tensor *scores;  /* (n, E) REAL */
    Tensor *experts; /* (n, k) INT32 */
    Tensor *gates;   /* (n, k) REAL */
    Tensor *weights; /* (scopes, E) REAL, for the balance loss; of a batch the step has them (batch_load.h) */
    Tensor *row;     /* (n, k) INT32: as in Permutation */
    Tensor *counts;  /* (ranks, E) INT32: rows of each expert, of all that share them (dispatch.h) */
    Tensor *dlogits; /* (n, E) REAL, from backward's first half to the second */
} Routing;

/* x (n, C), W (C, E) */
void routing_forward(const BlockRun *run, MemoryCategory kept, Tensor x, Tensor W, Routing r);
/* dgates (n, k) -> dlogits; frees what no other half reads. */
void routing_backward(const BlockRun *run, Tensor dgates, Routing r);

/* Rows that each of the ranks has for each expert: as counted, of all of them, or, on a dry device, as given or under the
 * load it is to assume, of which all have the same. `rows` is whoever asks' to free. */
typedef struct RoutingCounts {
    int64_t *rows; /* (ranks, E), or (E) */
    int64_t apart; /* E, or 0: from a rank's to the next's */
} RoutingCounts;
static inline const int64_t *routing_counts_of(const RoutingCounts *c, int rank)
{
    return c->rows + rank * c->apart;
}
RoutingCounts routing_counts(const BlockRun *run, Tensor counts);
/* Rows of B samples that there is room for: as many as there can be, whatever the load, as sizes on an accelerator are to
 * be known before (GShard, 2006.16668, section 3.2). */
int64_t routing_room(const GptShape *shape, int64_t B);
/* And of `rows` for the experts here, of all ranks that share them: likewise where there is a capacity; else, as all tokens
 * may go to a few of them, these rows. */
int64_t routing_room_here(const BlockRun *run, int64_t rows);
#endif
