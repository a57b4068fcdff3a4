/* share.h - what the formulas of bytes and of memory share; inside the theory only.
 *
 * N replicas; t slices; L layers, h hidden, f inner MLP width, a heads, V vocabulary, s
 * sequence; b samples a microbatch, m microbatches; w bytes a value. Of layers with experts: E of them, k a token. */
#ifndef SIM_THEORY_SHARE_H
#define SIM_THEORY_SHARE_H
#include "parallel/schedule/plan.h"
#include "sim/config/config.h"

/* A rank's place on the grid, and what its stages hold. */
typedef struct Share {
    int ranks, rank;
    int pipe, replica, replicas, slice, t;
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
/* Rows that experts have room for, of a microbatch. */
double theory_experts_rows(const Config *config);
Share theory_share(const Config *config, const Plan *plan, int ranks, int rank);
Units theory_units(const Config *config, int replicas);
/* Bytes a rank's 1/N of each unit is on its way, of `width` a value; quantised one a value, and a scale of four
 * for each block of 256, where blocks begin anew with each tensor: one more for each but the first. */
Units theory_pieces(const Config *config, int replicas, bool quantized, double width);
/* Bytes of a value as parameters and activations are kept; and gradients. */
double theory_width(const Config *config);
double theory_gradient_width(const Config *config, int microbatches);
/* Parameters a rank holds, padded. */
double theory_held(const Config *config, const Share *share, Units u);
#endif
