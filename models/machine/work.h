/* work.h - what a kernel does, said in numbers that depend on no machine: which kernel of a training step it is, the
 * shape it has, the type it is in, and its operations and bytes.
 *
 * Whoever asks what it takes on some machine has all there is to know: a product's time follows from its shape and
 * type, that of all else from its bytes or, on a CPU, its operations. The bytes are those of the operands, each in the
 * type it is stored in and read or written once, whatever this machine's kernel does with them.
 *
 * Over values, m n of them go through the kernel in rows of n, of scores a batch of heads: they are read from the
 * kernel before and written for the next. One that is fused with either need not, so 2 m n values are what fusing
 * saves at most.
 *
 * Causal attention needs half of its products. The kernels here leave out what lies right of the diagonal, by tiles of
 * a few or blocks of 64 queries; so does FlashAttention on an accelerator, by its own blocks, and `flops` says half. A batched product
 * of the scores, as on an accelerator without it, computes them whole: work_products().
 *
 * In no report, as an accelerator has no kernel for it or the time is nothing: widening to what BLAS takes (tensor.h),
 * tokens on their way, the loss' scale (a factor of the first gradient, and of the optimizer's), and looking for an
 * overflow (in the norm's squares). */
#ifndef MODELS_MACHINE_WORK_H
#define MODELS_MACHINE_WORK_H
#include "models/machine/dtype.h"

typedef enum {
    /* products: a batch of (m, k) by (k, n) */
    WORK_MATMUL,
    WORK_ATTENTION, /* one product of each head, the scores (T, T) being its result or a factor */
    WORK_FLASH, /* all products of each head and the softmax between them: m and n positions, k numbers a key, v a value */
    /* over values */
    WORK_SOFTMAX, /* of scores: scaled, causal */
    WORK_NORM,
    WORK_ACTIVATION,
    WORK_DROPOUT,
    WORK_RESIDUAL, /* the sum with what went past a branch, or with its gradient */
    WORK_BIAS,     /* backward: the sums of columns */
    WORK_POSITION, /* learned, in sines, or rotary */
    WORK_EMBEDDING,
    WORK_ROUTER,  /* which experts a token goes to, and what balances their load */
    WORK_PERMUTE, /* tokens to rows by expert, and back */
    WORK_CROSS_ENTROPY,
    /* over parameters */
    WORK_ACCUMULATE, /* a gradient joins others of its parameter */
    WORK_CONVERT,    /* between types */
    WORK_QUANTIZE,   /* to and from 8 bits, and the sum of what came so */
    WORK_SQUARES,    /* of the gradients, for their norm */
    WORK_OPTIMIZER,
    /* aside */
    WORK_REDUCE, /* the sums of a collective: part of its own time, on the links */
    WORK_ZERO,
    WORK_COPY,
    WORK_KINDS
} WorkKind;

/* Who would pay for it, were this an accelerator. */
typedef enum {
    PAID_BY_COMPUTE,
    PAID_BY_NETWORK,
    PAID_BY_NOBODY /* results are written where they belong, sums begin by writing, collectives take what lies apart */
} WorkPayer;

typedef struct WorkKindInfo {
    const char *name;
    int products[2];  /* of each of the batch: forward, backward */
    int of_values[2]; /* of them with v in place of k */
    WorkPayer payer;
} WorkKindInfo;
extern const WorkKindInfo work_kind[WORK_KINDS];

typedef struct Work {
    WorkKind kind;
    bool backward; /* of a product not told: its shape is all */
    bool adds;     /* a product joins what is there: a weight's gradient that of samples before */
    int64_t batch, m, n, k, v;
    DType type;   /* of the factors: the narrower; of the values that go through */
    double flops; /* that have to be done: of a causal product half */
    double bytes;
} Work;

/* Of `rows` rows of `columns` values. */
static inline Work work_over(WorkKind kind, DType type, int64_t rows, int64_t columns, double flops,
                             double bytes)
{
    return (Work){
        .kind = kind, .batch = 1, .m = rows, .n = columns, .type = type, .flops = flops, .bytes = bytes};
}

static inline Work work_backward(Work work)
{
    work.backward = true;
    return work;
}

/* Whether they say the same in all: one kernel, of one shape. */
bool work_is(const Work *a, const Work *b);

/* Operations of its products with nothing left out: what papers count, and what a kernel does that computes a causal
 * product whole. 0 of all that is no product. */
double work_products(const Work *work);

/* What was done of a kind. */
typedef struct WorkDone {
    double kernels, flops, bytes;
    double products; /* as work_products() */
    double again;    /* of them: computed again for backward */
    double seconds;  /* that its kernels took on the machine that is simulated; 0: none is */
} WorkDone;
void work_done(WorkDone *done, const Work *work, bool again);
/* Adds it so many times. */
void work_join(WorkDone *to, const WorkDone *done, double times);
WorkDone work_between(const WorkDone *before, const WorkDone *after);
/* Of all kinds together. */
WorkDone work_sum(const WorkDone done[WORK_KINDS]);
#endif
