/* comm.h - how one rank talks to another: point-to-point, counted by purpose.
 *
 * Two backends stand behind it: comm_mpi (one process a rank) and comm_virtual
 * (all ranks in this process, as coroutines). Whatever leaves a rank leaves
 * through comm_send, and is counted there. Data may be NULL on a dry device:
 * then only its size travels. */
#ifndef PARALLEL_COMM_H
#define PARALLEL_COMM_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Why bytes move. The names are the columns of /comm. */
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
    TP_GRADIENTS,     /* sequence parallelism: gradients of what is not cut */
    TP_NORM,          /* each slice's part of the gradient norm */
    PP_SEND_FORWARD,  /* activations to the next stage */
    PP_SEND_BACKWARD, /* their gradients to the one before */
    PP_EMBEDDING,     /* a tied embedding's gradient, between the first stage and the last */
    PP_NORM,          /* each stage's part of the gradient norm */
    INIT_BROADCAST,   /* the config, the text, and weights read from a file */
    OUTPUT_GATHER,    /* weights and gradients on their way to a file */
    CONTROL,          /* agreement on errors, and each step's record to rank 0 */
    PURPOSES
} Purpose;
extern const char *const purpose_name[PURPOSES];

typedef struct Comm Comm;

/* Ranks that talk among themselves; `rank` is the caller's place among them.
 * Each group has a tag space of its own. */
typedef struct Group {
    Comm *comm;
    int rank, size;
    const int *members; /* world ranks, in group order; owned */
    int channel;        /* same number on all members, different between groups they share */
    int sequence;       /* collectives begun: members begin them in the same order, so it is their tag */
    void *handle;       /* the backend's */
} Group;

typedef struct Request {
    Comm *comm; /* NULL: nothing outstanding */
    _Alignas(16) unsigned char state[64];
} Request;

typedef struct CommBackend {
    void (*group_begin)(Group *group);
    void (*group_end)(Group *group);
    void (*send)(Group *group, int to, int tag, const void *data, size_t bytes, Request *request);
    void (*receive)(Group *group, int from, int tag, void *data, size_t bytes, Request *request);
    bool (*test)(Request *request); /* done? */
    void (*wait)(Request *request);
} CommBackend;

struct Comm {
    const CommBackend *backend;
    int rank, size;
    uint64_t bytes[PURPOSES], messages[PURPOSES]; /* handed to the network by this rank */
};

/* Members call this together, each with the same list. */
Group *group_new(Comm *comm, int channel, const int *members, int size);
Group *group_world(Comm *comm, int channel);
void group_free(Group *group);

/* Begin a message of `bytes` from `data` to group rank `to`; an empty one is not sent.
 * data stays untouched until the request is done. */
void comm_send(Group *group, int to, int tag, Purpose purpose, const void *data, size_t bytes,
               Request *request);
void comm_receive(Group *group, int from, int tag, void *data, size_t bytes, Request *request);
bool comm_test(Request *request);
void comm_wait(Request *request);
#endif
