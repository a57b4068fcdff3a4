/* all_to_all_state.h - an all-to-all under way (all_to_all.h). */
#ifndef PARALLEL_COLLECTIVES_ALL_TO_ALL_STATE_H
#define PARALLEL_COLLECTIVES_ALL_TO_ALL_STATE_H
#include "models/machine/tensor.h"
#include "parallel/collectives/row_counts.h"
#include "parallel/wire/comm.h"

typedef struct AllToAll {
    Group *group; /* NULL: nothing outstanding */
    Purpose purpose;
    int tag;
    Tensor out, in;
    int64_t width;
    RowCounts counts;
    int inside;    /* it goes in two hops, over nodes of so many; 0: straight */
    int hops, hop; /* how many, and the one under way */
    Tensor outgoing, incoming,
        passed_on;    /* of two hops: packed for the first, what it brings, and for the second */
    Request *request; /* (2 (n - 1)): those to receive, then those to send */
    int requests, at; /* of the hop: how many, and the first that may be under way */
    bool done;
    bool busy;         /* its own kernels call back into progress */
    bool meets;        /* of sizes alone */
    int tape, on_tape; /* it began on the tape of this number, as its ring of that; 0: on none */
    RingShape shape;
    double start;    /* simulated: the latest beginning known */
    int64_t *number; /* (the comm's lates) of its messages so far; NULL: none can be late */
} AllToAll;
#endif
