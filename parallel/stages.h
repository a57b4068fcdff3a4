/* stages.h - what moves between the stages of a pipeline.
 *
 * A send hands its tensor over and goes on; a receive waits. A message is known
 * by its direction, its sender's stage and its microbatch, never by its order.
 * What is handed over is the network's and leaves the device's ledger, so that
 * peaks do not depend on when the other end takes it. */
#ifndef PARALLEL_STAGES_H
#define PARALLEL_STAGES_H
#include "parallel/data/data_parallel.h"
#include "parallel/schedule/plan.h"

typedef struct Outgoing {
    void *data;
    Request request;
    struct Outgoing *next;
} Outgoing;

typedef struct Stages {
    Group *group;
    Shape shape;
    const int *rank_of; /* of every stage; the plan's */
    Outgoing *outgoing; /* sent and perhaps not yet on the way */
    Outgoing *spare;    /* over, for the next ones */
    Group *slices;      /* the tensor group whose ranks send a part each of what they all hold; or NULL */
    Group *embedding;   /* the first stage and the last, of which this rank is one; or NULL */
    const Gpt *gpt;
} Stages;

/* Adds to a plan of what is computed the sends and receives, and what a step of this strategy does before and
 * after. */
void stages_lower(Plan *plan, const DataParallelConfig *data);

/* All ranks of the pipeline call it; the groups, `plan` and `gpt` must live as long. With `slices` a message is
 * scattered over that group, which holds it whole at either end (Narayanan et al. 2104.04473, section 4.1). */
Stages *stages_new(Group *group, Group *slices, const Plan *plan, const Gpt *gpt);
void stages_free(Stages *p);

/* A stage's output to the next stage, or the gradient of its input to the one before. Takes `t` over, and leaves it zero. The
 * compute lane is paused, here and in a receive: making room is not computing. */
void stages_send(Stages *p, Purpose direction, int stage, int microbatch, Tensor *t);
/* Into `t`, what stage `from` has sent. */
void stages_receive(Stages *p, Purpose direction, int from, int microbatch, const Tensor *t);
/* Waits until all that was sent is on its way. */
void stages_flush(Stages *p);

/* A tied embedding has one gradient: the sum of the first stage's and the last's, on both. For each data-parallel
 * rank what it owns of the reduced gradients. */
void stages_sum_embedding(Stages *p, DataParallel *d);

/* Brings `t`, which stage `stage`'s rank has, to the first rank of the pipeline; `index` tells it from others. */
void stages_collect(Stages *p, int stage, int index, Tensor t);
#endif
