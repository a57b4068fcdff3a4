/* dispatch.h - where rows leave for the ranks that hold their experts, and their results come back: expert parallelism.
 *
 * Each of `size` ranks has tokens of its own and holds E / size experts of a layer, rank j those from j E / size on. What
 * leaves for the experts comes back from them: two pairs, of which backward goes the other way (GShard, Lepikhin et al.
 * 2006.16668; DeepSpeed-MoE, Rajbhandari et al. 2201.05596):
 *
 *                dispatch forward, combine backward     combine forward, dispatch backward
 *   all-to-all   rows, to the ranks of their experts    results, to the ranks of their tokens
 *   all-gather   all tokens, to all                     each rank's part of all tokens' sums, reduce-scattered
 *
 * All that go by all-to-all are as many rows as there are choices of experts elsewhere. An all-gather sends all tokens
 * to all, whatever they choose: less only where each token goes to most of the ranks.
 *
 * The model calls these; what moves the bytes stands behind DispatchOps (parallel/expert_parallel.h). With one rank
 * nothing moves (expert_rows.h). */
#ifndef MODELS_LAYERS_DISPATCH_H
#define MODELS_LAYERS_DISPATCH_H
#include "models/machine/tensor.h"

typedef enum { DISPATCH_ALL_TO_ALL, DISPATCH_ALL_GATHER } DispatchWay;

/* Which way it moves. */
typedef enum { TO_EXPERTS, TO_TOKENS } Passage;

typedef struct DispatchOps {
    /* counts (size, size, each): how many rows rank i has for each of rank j's experts; this rank's are in place. Waits.
     * NULL on a dry device. */
    void (*counts)(void *context, Device *device, int64_t each, int32_t *counts);
    /* exchange, gather and scatter begin to move something, which end() waits for. */
    /* rows (size, size), which stays until then: how many rank i has for rank j's experts. To the experts `out` is by who
     * gets them, and `in` by who sent them; to the tokens they come the same way back. */
    void *(*exchange)(void *context, Passage passage, Tensor out, Tensor in, int64_t width,
                      const int64_t *rows);
    /* All tokens to the experts: block `rank` of all is in place; and results to the tokens: block `rank` becomes the sum
     * of all ranks'. */
    void *(*gather)(void *context, Tensor all);
    void *(*scatter)(void *context, Tensor all);
    void (*end)(void *moving);
} DispatchOps;

typedef struct Dispatch {
    int size, rank;
    DispatchWay way;
    bool overlap; /* while rows move is computed what does not wait for them; the bits are the same */
    const DispatchOps *ops; /* not called when size is 1 */
    void *context;
} Dispatch;

/* Of E experts those a rank holds, and the first of them. */
static inline int64_t dispatch_held(const Dispatch *d, int64_t E)
{
    return E / d->size;
}
static inline int64_t dispatch_first(const Dispatch *d, int64_t E)
{
    return E / d->size * d->rank;
}
#endif
