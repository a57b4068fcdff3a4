/* capacity.c - choices counted one after the other, in the order in which experts take them. */
#include "models/kernels/capacity.h"
#include <math.h>
#include <stdlib.h>
#include "models/machine/tensor_values.h"

int64_t capacity_taken(const Capacity *c)
{
    double even = (double)(c->tokens * c->top_k) / (double)c->experts;
    return (int64_t)ceil(c->factor * even * (1 - 1e-12)); /* 1.1 times 50 is 55, as its decimals have it */
}

/* One choice of a scope: where it stands in kept, and by what it goes before others. */
typedef struct Claim {
    int64_t at;
    double gate;
} Claim;

static int larger_gate_first(const void *a, const void *b)
{
    const Claim *one = a, *other = b;
    if (one->gate != other->gate) return one->gate > other->gate ? -1 : 1;
    return one->at < other->at ? -1 : 1;
}

/* A NaN goes last: what compares has to be an order. */
static double order_of(real gate)
{
    return isnan(gate) ? -HUGE_VAL : (double)gate;
}

/* The choices of the scope that begins at choice `first`, in the order in which experts take them. */
static void claims_of(const Capacity *c, int64_t first, Tensor gates, Claim *claims)
{
    int64_t k = c->top_k, count = c->tokens * k;
    if (c->policy == DROP_BY_POSITION) {
        for (int64_t i = 0; i < count; i++)
            claims[i] = (Claim){.at = first + i % c->tokens * k + i / c->tokens};
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        real gate;
        tensor_read(gates, first + i, 1, &gate);
        claims[i] = (Claim){first + i, order_of(gate)};
    }
    qsort(claims, (size_t)count, sizeof *claims, larger_gate_first);
}

void capacity_keep(const Capacity *c, Tensor experts, Tensor gates, Tensor kept)
{
    int64_t count = c->tokens * c->top_k, most = capacity_taken(c);
    bool reads = c->policy == DROP_BY_PROBABILITY;
    double bytes = (double)(tensor_bytes(experts) + tensor_bytes(kept) + (reads ? tensor_bytes(gates) : 0));
    if (!device_kernel(kept.device, work_through(WORK_ROUTER, kept, kept.count / c->top_k, 0, bytes))) return;
    Claim *claims = device_aside(kept.device, "claims to experts", (size_t)count * sizeof *claims);
    int64_t *taken = device_aside(kept.device, "claims to experts", (size_t)c->experts * sizeof *taken);
    for (int64_t first = 0; first < kept.count; first += count) {
        for (int64_t e = 0; e < c->experts; e++) taken[e] = 0;
        claims_of(c, first, gates, claims);
        for (int64_t i = 0; i < count; i++)
            masks(kept)[claims[i].at] = taken[ints(experts)[claims[i].at]]++ < most;
    }
    free(claims);
    free(taken);
}
