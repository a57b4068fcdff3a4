/* share.h - what the formulas of bytes and of memory share; inside the theory only.
 *
 * N replicas; t slices; L layers, h hidden, f inner MLP width, a heads, V vocabulary, s
 * sequence; b samples a microbatch, m microbatches; w bytes a value. Of layers with experts: E of them, k a token; each of
 * ep replicas holds E/ep, which N/ep hold alike. */
#ifndef SIM_THEORY_SHARE_H
#define SIM_THEORY_SHARE_H
#include "parallel/schedule/plan.h"
#include "parallel/wire/purpose.h"
#include "sim/config/config.h"

/* A rank's place on the grid, and what its stages hold. */
typedef struct Share {
    int ranks, rank;
    int pipe, replica, replicas, slice, t;
    int ep, holder, holders;  /* of the replicas those that hold the same experts, and its place among them */
    double blocks, sparse;    /* how many this rank holds; of them with experts */
    bool first, last, single; /* the first stage, the last; there is only one */
} Share;

/* Parameters of the units that move as one: the embedding's two, a block, one with experts without these, and they, the
 * final norm with the untied head.
 * For GPT-2's kind and f = 4 h the sum is the familiar 12 L h^2 (1 + 13 / (12 h)) + (V + s) h + 2 h (Narayanan et al.
 * 2104.04473, eq. 2, plus the final norm). A pipeline's last stage has a copy of a tied embedding. */
typedef struct Units {
    double wte, wpe, block, sparse, experts, final;
} Units;

/* How many blocks a stage has; and of them with experts. */
typedef struct Blocks {
    double all, sparse;
} Blocks;
Blocks theory_blocks(const Config *config, const Plan *plan, int stage);
/* Values that a layer's experts, or those that a token goes to and that are shared, are wide inside, both halves where
 * gated and what they make: the columns and rows of their matrices together. */
double theory_experts_width(const GptShape *shape, double experts);
/* What an expert takes of a scope: ceil(factor tokens k / E). */
double theory_capacity(const Config *config);
/* Rows that experts have room for, of a microbatch: no more than there are choices. */
double theory_experts_rows(const Config *config);
/* And of one of ranks that share experts, of all their tokens; without a capacity those that come under an even load. */
double theory_experts_rows_here(const Config *config, int rank);
/* Under an even load those that a rank's tokens have for the experts of one of ep ranks. */
double theory_even_rows(const Config *config, int rank);
Share theory_share(const Config *config, const Plan *plan, int ranks, int rank);
Units theory_units(const Config *config, int replicas);
/* Bytes a rank's 1/N of each unit is on its way, of `width` a value; quantised one a value, and a scale of four
 * for each block of 256, where blocks begin anew with each tensor: one more for each but the first. */
Units theory_pieces(const Config *config, int replicas, bool quantized, double width);
/* Bytes of a value as parameters and activations are kept; and gradients. */
double theory_width(const Config *config);
double theory_gradient_width(const Config *config, int microbatches);
/* Of the bytes of theory_bytes() what moves of experts that replicas share, among those that hold the same ones. */
void theory_bytes_of_experts(const Config *config, int microbatches, const Share *share,
                             double bytes[PURPOSES]);
/* Parameters a rank holds, padded; and without experts', and they. */
double theory_held(const Config *config, const Share *share, Units u);
double theory_held_dense(const Config *config, const Share *share, Units u);
double theory_held_experts(const Share *share, Units u);
#endif
