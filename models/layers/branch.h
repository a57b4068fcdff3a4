/* branch.h - what a block is made of: branches beside the residual, each a table of tensors and a few functions.
 *
 *     x -> norm -> the branch's own part -> dropout -> + x
 *
 * All but that part is the same for all of them (block.h). It begins and ends outside the region (region.h), has as many
 * linear layers as it likes (linear.h), and does between them what it is there for. */
#ifndef MODELS_LAYERS_BRANCH_H
#define MODELS_LAYERS_BRANCH_H
#include "models/kernels/dropout.h"
#include "models/layers/batch_load.h"
#include "models/layers/dispatch.h"
#include "models/layers/gpt_shape.h"
#include "models/layers/parameter.h"
#include "models/layers/region.h"

/* What backward computes again instead of forward keeping it (Korthikanti et al. 2205.05198, section 5):
 * nothing; the attention's probabilities; or all but the block's input (Chen et al. 1604.06174). */
typedef enum { RECOMPUTE_NONE, RECOMPUTE_SELECTIVE, RECOMPUTE_FULL } Recompute;

/* The most of anything here: a block's branches; a branch's tensors, and what it keeps. */
enum { BLOCK_BRANCHES = 2, BRANCH_TENSORS = 16, BRANCH_KEPT = 19 };

typedef struct Branch Branch;
/* The branches of a block, one after the other. */
typedef struct Block {
    int branches;
    const Branch *branch[BLOCK_BRANCHES];
} Block;

/* How a block is run. */
typedef struct BlockRun {
    const GptShape *shape;
    const Block *block;
    const Region *region;
    const Dispatch *dispatch;
    Recompute recompute;
    int64_t B;
    Dropout dropout; /* place is filled in here */
    double scale; /* backward: of a loss of the branches' own, a sum over tokens, in what gradients are of */
    double *routing;     /* forward: the layer's row (routing.h), which is added to; NULL: nobody asks */
    int32_t *taken;      /* (E): forward writes of each expert the rows that it takes; NULL: nobody asks */
    const int64_t *load; /* (E), of a dry device: of each expert the choices among block_rows(); NULL: even */
    const int32_t *given; /* in place of it: the rows that each expert takes (E), of rank j of the dispatch
                           * given_apart j behind; NULL: they follow from the load */
    int64_t given_apart;
    Tensor bias;            /* forward: of experts' scores (router.h), (E) REAL; without elements: none */
    const BatchLoad *batch; /* the layer's, where losses of loads are of a global batch; else NULL */
} BlockRun;

/* What forward keeps of a branch for backward. T' is T, or T/t with sequence parallelism. */
typedef struct BranchSaved {
    Tensor x;       /* (B, T', C): the branch's input */
    Tensor norm;    /* (B, T', C): x normed; with post_norm the sum before its norm */
    Tensor mask;    /* (B, T', C), with dropout */
    Tensor dresult; /* (B, T', C): of what its own part made, from backward's first half to the second */
    Tensor kept[BRANCH_KEPT]; /* its own, by numbers of its own; in either half */
} BranchSaved;
/* What its own part reads; whose gradient needs it last frees it. */
Tensor *branch_input(const BlockRun *run, BranchSaved *s);

/* What the tensors that forward makes are booked as: those backward reads, of them those that selective recomputation
 * brings back, and the result. */
typedef struct Booking {
    MemoryCategory kept, again, output;
} Booking;

/* The flat ranges of a block, units of the model: of what all its ranks hold alike, and of experts. */
enum { BLOCK_OWN, BLOCK_EXPERTS, BLOCK_UNITS };

/* One of a branch's tensors, in the order they lie in one of a block's flat ranges. A tensor that a shape has not, as a
 * bias, is one without elements. Of those of experts each has one of that shape, one after the other. */
typedef struct BranchTensor {
    const char *name; /* behind the layer's: Hugging Face's, of GPT-2 where that has it */
    TensorShape (*shape)(const GptShape *shape, int ranks); /* of a region of so many ranks */
    Init init;
    int unit; /* BLOCK_OWN or BLOCK_EXPERTS */
} BranchTensor;
enum { NORM_GAIN, NORM_BIAS, NORM_TENSORS }; /* the first of every branch; its own follow */
TensorShape norm_gain_shape(const GptShape *shape, int ranks);
TensorShape norm_bias_shape(const GptShape *shape, int ranks);
/* Of what is added to a product with `weight`, cut as its columns are. */
TensorShape bias_shape(const GptShape *shape, TensorShape weight);

/* w are its weights, d their gradients, by the numbers of its table. */
struct Branch {
    const BranchTensor *tensor;
    int tensors;
    DropoutPlace dropout; /* of its result */
    /* input (B, T', C) -> a new result, likewise; what backward will read is kept. */
    Tensor (*forward)(const BlockRun *run, Booking booking, const Tensor *w, Tensor input, BranchSaved *s);
    /* dresult -> a new dinput; frees what only that reads. With d it adds to the gradients whose products go well beside
     * it, and frees what those alone read. */
    Tensor (*backward)(const BlockRun *run, const Tensor *w, const Tensor *d, Tensor dresult, BranchSaved *s);
    /* Adds to all other gradients, and frees what is left. */
    void (*backward_weight)(const BlockRun *run, const Tensor *d, BranchSaved *s);
    /* What selective recomputation does not keep; and back, the same bits, as workspace. NULL: there is nothing. */
    void (*forget)(BranchSaved *s);
    void (*recover)(const BlockRun *run, BranchSaved *s);
};

/* Rows inside the region. */
static inline int64_t block_rows(const BlockRun *run)
{
    return run->B * run->shape->sequence;
}
#endif
