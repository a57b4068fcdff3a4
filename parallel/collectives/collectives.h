/* collectives.h - collectives built from point-to-point sends.
 *
 * Rings, pairs of trees and exchanges are objects that are begun, progressed while something else
 * computes, and ended; binomial trees and the rest run to their end. All work on any number of
 * ranks and any count, also fewer elements than ranks (empty blocks are not
 * sent). The order of every addition is fixed, so runs repeat bit for bit.
 *
 * In simulated time a ring has a lane of its own. It starts when its last member
 * has begun it: each block's stamp is the latest beginning its sender knows of,
 * and after n - 1 steps all know it (but for empty blocks). A step takes as long as its longest block,
 * so that all members end together, 2 (n-1) (latency + S / (n bandwidth)) later
 * for an all-reduce of S bytes over ideal links, whenever their messages were really
 * found; what it takes over others the network says (parallel/network), and what trees take. What
 * a rank has sent and received meanwhile took its ports first, and rings that
 * run at once follow each other in the order of their ring_end(); only what
 * outlasts the compute lane there is waited for. Where a ring's tensors are dry
 * its members exchange no messages but meet, to learn of the last beginning (and
 * where no block is empty: else they take every step). So of a group whose members
 * all do the same a few may be walked, for the others (comm_virtual.h). So do pairs of trees.
 * Of real ranks that share a node's memory a ring goes through that instead (windows.c), of tensors that lie there
 * (shared_tensor.h) without a copy: the same sums, to the last bit, and counted and foretold as the ring it stands for.
 * Binomial trees and the rest are messages sent and awaited on the compute lane. All the CPU time spent
 * in here, additions too, is communication's and not compute. */
#ifndef PARALLEL_COLLECTIVES_COLLECTIVES_H
#define PARALLEL_COLLECTIVES_COLLECTIVES_H
#include "models/machine/tensor.h"
#include "parallel/wire/comm.h"

/* `total` elements are cut into n blocks, the first total % n one element longer. */
int64_t block_offset(int64_t total, int n, int block);
int64_t block_count(int64_t total, int n, int block);

/* A ring over some of a group's members: of its `size` ranks, the i-th is the group's first + i apart. */
typedef struct Leg {
    int first, apart, size, rank;
    bool reduces, gathers;
    bool narrow; /* over each part's block that the leg before left here */
} Leg;

typedef enum { OVER_RINGS, OVER_TREES, THROUGH_SLOTS, IN_PLACE } CollectiveWay;

typedef struct Collective {
    Group *group; /* NULL: nothing outstanding */
    Purpose purpose;
    int tag;
    Leg leg[RING_LEGS];
    int legs, at;
    Tensor *whole, *part; /* of the leg under way */
    int parts;
    int64_t apart;                 /* from a block of a part to the next; 0: they lie side by side */
    int step, reduce_steps, steps; /* of the leg */
    bool moving;                   /* the requests of `step` are begun */
    CollectiveWay way;
    struct Tree *tree; /* those (belts.c) */
    int trees;
    uint32_t first_chunk, chunks; /* of all that go through the group's window (windows.c) */
    struct Collective *next;      /* that began after it */
    bool done;
    bool busy;         /* inside a step: its own kernels call back into progress */
    bool meets;        /* of sizes alone: no steps are taken, its members meet */
    int tape, on_tape; /* it began on the tape of this number, as its ring of that; 0: on none */
    Tensor outgoing, incoming;
    void (*arrived)(void *context); /* an exchange's */
    void *context;
    Request send, receive; /* so it stays where it is while outstanding */
    RingShape shape;
    double start;    /* simulated: the latest beginning known */
    int64_t *number; /* (the comm's lates) of its messages so far; NULL: none can be late */
} Collective;

/* Collectives over `parts` tensors at once, each cut into blocks by
 * itself and in place; block b of all parts travels as one message.
 *   reduce-scatter: on return rank r's block r holds the sum of all ranks'
 *                   (what the other blocks hold is not said)
 *   all-gather:     rank r's block r is copied to all
 *   all-reduce:     one after the other; or, where the network says so and the
 *                   group has as many members in each of its nodes, hierarchical:
 *                   a reduce-scatter inside each node, an all-reduce of each
 *                   block across them, an all-gather inside; or, where it says
 *                   so, over pairs of trees (double_tree.c)
 * Bytes a rank sends: (n-1)/n of the parts for either half, to a block's
 * rounding (Patarasuk & Yuan 2009), on rings whichever way; but in a hierarchy of
 * g members a node only 1/g leave it. The parts must live until the end. */
void ring_reduce_scatter_begin(Collective *c, Group *group, Purpose purpose, const Tensor *part, int parts);
void ring_all_gather_begin(Collective *c, Group *group, Purpose purpose, const Tensor *part, int parts);
void ring_all_reduce_begin(Collective *c, Group *group, Purpose purpose, const Tensor *part, int parts);
/* A reduce-scatter or, unless it `reduces`, an all-gather of parts whose n blocks, of equal counts, lie `apart` elements
 * from each other: a part begins with its first, and its count is that of all blocks. */
void ring_apart_begin(Collective *c, Group *group, Purpose purpose, const Tensor *part, int parts,
                      int64_t apart, bool reduces);
/* A reduction that adds at the end: block b of `part`, whose count n divides, goes from each rank straight to rank
 * b, in the same time. When all are there, that of rank k in block k of c->incoming (the own in none),
 * arrived(context) is called; what it leaves in the part's own block goes to all where an all-gather follows. On
 * one rank nothing is called. */
void exchange_begin(Collective *c, Group *group, Purpose purpose, Tensor part, bool gathers,
                    void (*arrived)(void *context), void *context);
/* Moves on as far as messages have arrived; true when all is done. Never waits. */
bool ring_progress(Collective *c);
/* Waits for the rest and gives the buffers back. */
void ring_end(Collective *c);

/* Binomial trees (Thakur et al. 2005): log2(n) rounds. */
void tree_broadcast(Group *group, Purpose purpose, void *data, size_t bytes, int root);
/* root's `t` becomes the sum over ranks; the others' is used up. */
void tree_reduce(Group *group, Purpose purpose, Tensor t, int root);

/* Straight to and from the root: rank r's `bytes` are piece r of `all` (root only); of a gather's where not all ranks
 * are walked, the pieces are those of the walked ones. */
void gather(Group *group, Purpose purpose, const void *mine, size_t bytes, void *all, int root);
/* The same one after the other, for what is too much to lie in memory together: the root visits each piece. */
typedef void VisitPiece(void *context, int i, const void *piece);
void gather_each(Group *group, Purpose purpose, const void *mine, size_t bytes, VisitPiece *visit,
                 void *context, int root);
/* The same among ranks of one process, counted alike: none of it is copied, and each waits until the root has visited
 * what it lends, whatever that is. */
void gather_lent(Group *group, Purpose purpose, const void *mine, size_t bytes, VisitPiece *visit,
                 void *context, int root);
void scatter(Group *group, Purpose purpose, const void *all, size_t bytes, void *mine, int root);

/* The sum of every rank's number, the same bits on all: a ring gathers them, all add in rank order. 0 where the
 * device is dry. */
double sum_in_rank_order(Group *group, Purpose purpose, Device *device, double mine);
#endif
