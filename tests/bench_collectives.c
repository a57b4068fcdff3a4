/* bench_collectives.c [SECONDS [KIND [KIBIBYTES]]] - under mpirun: an all-reduce, a reduce-scatter and an all-gather, or
 * one of them, of 4 KiB to 64 MiB a rank or so much, by sim where it lies in memory that the ranks share, through slots
 * there and by messages, beside Open MPI's in place and a copy of as many bytes in memory.
 *
 * All of the same memory, so that each finds what the one before has left in caches. By turns, which begin with another way
 * each round; each from a barrier on so many times in a row that what ranks begin apart is little of it, and from the first
 * rank's begin to the last one's end on the clock of the node: where ranks outnumber cores one that waits for its core is
 * counted, too. MPI_Wtime() would not do: each process has it from a moment of its own on. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "models/machine/error.h"
#include "models/machine/real.h"
#include "parallel/collectives/collectives.h"
#include "parallel/collectives/shared_tensor.h"
#include "parallel/wire/comm_mpi.h"
#include "tests/support/sample.h"

typedef enum { SHARED, SHARED_PARTS, SLOTS, SLOTS_PARTS, MESSAGES, MESSAGES_PARTS, BY_MPI, COPY, WAYS } Way;
typedef enum { ALL_REDUCED, REDUCED, GATHERED, KINDS } Kind;
static const char *const kind_name[KINDS] = {"all-reduce", "reduce-scatter", "all-gather"};

enum { IN_PARTS = 8, ROUNDS_LEAST = 5, ROUNDS_MOST = 200, AGAIN_MOST = 1 << 16 };

typedef struct Bench {
    Comm *comm;
    Group *sharing, *slots, *messages; /* all ranks; the last has no window */
    Kind kind;
    Tensor t;     /* what is summed or gathered, in the arena of the first */
    Tensor other; /* room for a copy */
} Bench;

static void by_sim(const Bench *b, Group *group, int parts)
{
    static void (*const begin[KINDS])(Collective *, Group *, Purpose, const Tensor *, int) = {
        ring_all_reduce_begin, ring_reduce_scatter_begin, ring_all_gather_begin};
    Collective c;
    Tensor part[IN_PARTS];
    for (int i = 0; i < parts; i++)
        part[i] = tensor_view(b->t, block_offset(b->t.count, parts, i), block_count(b->t.count, parts, i));
    begin[b->kind](&c, group, CONTROL, part, parts);
    ring_end(&c);
}

static void by_mpi(const Bench *b)
{
    const MPI_Datatype type = sizeof(real) == sizeof(float) ? MPI_FLOAT : MPI_DOUBLE;
    const int count = (int)b->t.count, block = count / b->comm->size;
    if (b->kind == ALL_REDUCED)
        MPI_Allreduce(MPI_IN_PLACE, b->t.data, count, type, MPI_SUM, MPI_COMM_WORLD);
    else if (b->kind == REDUCED)
        MPI_Reduce_scatter_block(MPI_IN_PLACE, b->t.data, block, type, MPI_SUM, MPI_COMM_WORLD);
    else
        MPI_Allgather(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, b->t.data, block, type, MPI_COMM_WORLD);
}

static void go(const Bench *b, Way way)
{
    switch (way) {
    case SHARED: by_sim(b, b->sharing, 1); break;
    case SHARED_PARTS: by_sim(b, b->sharing, IN_PARTS); break;
    case SLOTS: by_sim(b, b->slots, 1); break;
    case SLOTS_PARTS: by_sim(b, b->slots, IN_PARTS); break;
    case MESSAGES: by_sim(b, b->messages, 1); break;
    case MESSAGES_PARTS: by_sim(b, b->messages, IN_PARTS); break;
    case BY_MPI: by_mpi(b); break;
    case COPY: memcpy(b->other.data, b->t.data, tensor_bytes(b->t)); break;
    case WAYS: break;
    }
}

/* Seconds, on all ranks of a node from the same moment on. */
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Seconds of all ranks for one of `again` in a row, after one that finds what the way before has left in caches. */
static double once(const Bench *b, Way way, int again)
{
    double mine[2], latest[2]; /* that they had not begun and have ended, as the largest */
    go(b, way);
    MPI_Barrier(MPI_COMM_WORLD);
    mine[0] = -now();
    for (int i = 0; i < again; i++) go(b, way);
    mine[1] = now();
    MPI_Allreduce(mine, latest, 2, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
    return (latest[0] + latest[1]) / again;
}

/* How often in a row a way takes so many seconds; the same on all ranks. */
static int times(const Bench *b, Way way, double seconds)
{
    int again = 1;
    while (again < AGAIN_MOST && once(b, way, again) * again < seconds) again *= 2;
    return again;
}

static void print_round(const Bench *b, size_t bytes, int round, const double seconds[WAYS])
{
    char name[96];
    if (b->comm->rank) return;
    snprintf(name, sizeof name, "%s of %zu KiB on %d ranks", kind_name[b->kind], bytes >> 10, b->comm->size);
    sample(name, "Open MPI's in place", "us", round, 1e6 * seconds[BY_MPI]);
    sample(name, "that over sim's in place", "1", round, seconds[BY_MPI] / seconds[SHARED]);
    sample(name, "over sim's through slots", "1", round, seconds[BY_MPI] / seconds[SLOTS]);
    sample(name, "over sim's by messages", "1", round, seconds[BY_MPI] / seconds[MESSAGES]);
    sample(name, "eight parts over one in place", "1", round, seconds[SHARED_PARTS] / seconds[SHARED]);
    sample(name, "through slots", "1", round, seconds[SLOTS_PARTS] / seconds[SLOTS]);
    sample(name, "by messages", "1", round, seconds[MESSAGES_PARTS] / seconds[MESSAGES]);
    sample(name, "sim's in place over a copy", "1", round, seconds[SHARED] / seconds[COPY]);
    sample(name, "through slots over a copy", "1", round, seconds[SLOTS] / seconds[COPY]);
    fflush(stdout);
}

static void time_all(Bench *b, size_t bytes, double budget)
{
    Device device = {.dry = false};
    const int64_t count = (int64_t)(bytes / sizeof(real)) / b->comm->size * b->comm->size;
    double seconds[WAYS] = {0};
    int again[WAYS], more = 1;
    b->t = shared_tensor_new(b->sharing, &device, MEM_WORKSPACE, REAL, count);
    b->other = tensor_new(&device, MEM_WORKSPACE, REAL, count);
    tensor_zero(b->t); /* which sums leave as it is */
    tensor_zero(b->other);
    for (Way way = 0; way < WAYS; way++) again[way] = times(b, way, budget / ROUNDS_LEAST / WAYS / 2);
    const double began = now();
    for (int round = 0; more; round++) {
        for (Way way = 0; way < WAYS; way++) {
            const Way turn = (Way)((way + round) % WAYS);
            seconds[turn] = once(b, turn, again[turn]);
        }
        print_round(b, bytes, round, seconds);
        more = round + 1 < ROUNDS_LEAST || (round + 1 < ROUNDS_MOST && now() - began < budget);
        MPI_Bcast(&more, 1, MPI_INT, 0, MPI_COMM_WORLD);
    }
    shared_tensor_free(b->sharing, &b->t);
    tensor_free(&b->other);
}

int main(int argc, char **argv)
{
    const double budget = argc > 1 ? atof(argv[1]) : 1;
    Bench b = {.comm = comm_mpi_start(&argc, &argv)};
    b.comm->windows = true;
    b.sharing = group_world(b.comm, CHANNEL_DATA);
    b.slots = group_world(b.comm, CHANNEL_TENSOR);
    b.messages = group_world(b.comm, CHANNEL_EXPERT);
    group_share(b.sharing);
    group_share(b.slots);
    device_keep_memory();
    for (b.kind = 0; b.kind < KINDS; b.kind++)
        for (size_t bytes = 4 << 10; bytes <= 64 << 20; bytes *= 4)
            if ((argc < 3 || strcmp(argv[2], kind_name[b.kind]) == 0) &&
                (argc < 4 || (size_t)atol(argv[3]) << 10 == bytes))
                time_all(&b, bytes, budget);
    group_free(b.sharing);
    group_free(b.slots);
    group_free(b.messages);
    comm_mpi_stop(b.comm);
    return 0;
}
