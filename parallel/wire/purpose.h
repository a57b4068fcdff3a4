/* purpose.h - why bytes move, a row each: its name, the axis of the grid it moves along, and what waiting for it
 * counts as. The names are the columns of /comm. */
#ifndef PARALLEL_WIRE_PURPOSE_H
#define PARALLEL_WIRE_PURPOSE_H
#include <stddef.h>
#include "models/machine/lanes.h"

/* Of the grid of ranks (parallel/grid.h); bits, so that a set of them is their sum. The last two are parts of the data's:
 * along one lie those that share a layer's experts, along the other those that hold the same ones. */
typedef enum {
    AXIS_NONE = 0,
    AXIS_TENSOR = 1,
    AXIS_DATA = 2,
    AXIS_PIPE = 4,
    AXIS_EXPERT = 8,
    AXIS_EXPERT_DATA = 16
} Axis;

typedef enum {
    DP_SCATTER,          /* inputs from the main rank */
    DP_BROADCAST,        /* parameters from the main rank */
    DP_GATHER,           /* losses to the main rank */
    DP_REDUCE,           /* gradients to the main rank */
    DP_ALL_REDUCE,       /* DDP's gradients */
    ZERO_REDUCE_SCATTER, /* gradients to their shards */
    ZERO_ALL_GATHER,     /* parameters from their shards */
    ZERO_NORM,           /* each shard's part of the gradient norm */
    TP_ALL_REDUCE,       /* entering and leaving a tensor-parallel region */
    TP_ALL_GATHER,       /* the same under sequence parallelism, and what is gathered again in backward */
    TP_REDUCE_SCATTER,
    TP_CROSS_ENTROPY, /* three numbers a position from every slice of the vocabulary */
    TP_GRADIENTS,     /* gradients of what ranks hold alike: shared keys and values, and what is not cut */
    TP_NORM,          /* each slice's part of the gradient norm */
    MOE_COUNTS,       /* how many rows each rank has for each expert */
    MOE_DISPATCH,     /* rows to their experts; in backward, the gradients of what comes back */
    MOE_COMBINE,      /* what experts made of them back home; in backward, the gradients of what was sent */
    PP_SEND_FORWARD,  /* a stage's output to the next stage */
    PP_SEND_BACKWARD, /* the gradient of a stage's input to the stage before */
    PP_EMBEDDING,     /* gradients of a tied embedding, between the first stage and the last */
    PP_NORM,          /* each stage's part of the gradient norm */
    MOE_LOAD,         /* how many tokens chose each expert, summed over the replicas */
    INIT_BROADCAST,   /* the config, the text, and weights read from a file */
    OUTPUT_GATHER,    /* weights and gradients on their way to a file */
    CONTROL,          /* agreement on errors, and each step's record to rank 0 */
    PURPOSES
} Purpose;

typedef struct PurposeRow {
    const char *name;
    Axis axis;       /* AXIS_NONE: the run's own, which no simulated second is spent on */
    Part idle, wire; /* before it was sent, and from then on until it arrived */
} PurposeRow;
extern const PurposeRow purpose_row[PURPOSES];
/* NULL: none has that name, which a file of another sim may say. */
const PurposeRow *purpose_named(const char *name);
#endif
