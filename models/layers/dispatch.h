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

/* What moves. */
typedef enum {
    DISPATCH_FORWARD,
    COMBINE_FORWARD,
    COMBINE_BACKWARD,
    DISPATCH_BACKWARD,
    PASSAGES,
} Passage;

/* What a rank sends and gets: of each rank so many rows, which lie in that order, one after the other. */
typedef struct DispatchRows {
    Tensor out, in;
    const int64_t *out_rows, *in_rows; /* (size): until the exchange ends */
    int64_t width;                     /* of a row */
} DispatchRows;

typedef struct DispatchOps {
    /* out (size, each): of rank j's experts, to that rank; in (size, each): what rank j has for here. Where the device is
     * dry `in` stays as it is: what whoever calls takes for granted. */
    void (*counts)(void *context, Device *device, const int64_t *out, int64_t *in, int64_t each);
    /* Each begins to move something, which end() waits for. */
    void *(*exchange)(void *context, Passage passage, const DispatchRows *rows);
    void *(*gather)(void *context, Passage passage, Tensor all); /* block `rank` of all is in place */
    void *(*scatter)(void *context, Passage passage,
                     Tensor all); /* block `rank` becomes the sum of all ranks' */
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
