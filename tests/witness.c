/* witness.c - counts, from outside, the bytes a program hands to MPI.
 *
 * Preloaded over MPI's profiling interface: every call that carries payload is
 * counted and passed on. A message under an odd tag is the stamp of one under
 * the even tag below: its simulated time, no payload, and counted by itself. A
 * violation is a stamp that is not five doubles, or does not go where the message
 * before it went, and a collective of MPI's own, since sim builds its own. What goes
 * through memory that ranks share no message has: sim tells of it by MPI_Pcontrol, and
 * it is added up by itself; told by a rank that has made no such memory it is a violation.
 * At the end each rank writes "rank bytes messages stamps violations beside-bytes
 * beside-messages" to $WITNESS.RANK. */
#include <mpi.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { BESIDE = 1002 }; /* COMM_MPI_BESIDE */
static long long bytes, messages, stamps, violations, beside_bytes, beside_messages, windows;
static int last_to, last_tag; /* of the last payload */
static MPI_Comm last_comm;

static void count(int n, MPI_Datatype type, int to, int tag, MPI_Comm comm)
{
    int size;
    PMPI_Type_size(type, &size);
    if (tag % 2) {
        stamps++;
        if ((size_t)n * (size_t)size != 5 * sizeof(double) || to != last_to || tag != last_tag + 1 ||
            comm != last_comm)
            violations++;
        return;
    }
    last_to = to;
    last_tag = tag;
    last_comm = comm;
    bytes += (long long)n * size;
    messages++;
}

#define WATCH(name)                                                                   \
    int MPI_##name(const void *b, int n, MPI_Datatype t, int to, int tag, MPI_Comm c) \
    {                                                                                 \
        count(n, t, to, tag, c);                                                      \
        return PMPI_##name(b, n, t, to, tag, c);                                      \
    }
#define WATCH_BEGUN(name)                                                                             \
    int MPI_##name(const void *b, int n, MPI_Datatype t, int to, int tag, MPI_Comm c, MPI_Request *r) \
    {                                                                                                 \
        count(n, t, to, tag, c);                                                                      \
        return PMPI_##name(b, n, t, to, tag, c, r);                                                   \
    }
WATCH(Send)
WATCH(Bsend)
WATCH(Ssend)
WATCH(Rsend)
WATCH_BEGUN(Isend)
WATCH_BEGUN(Ibsend)
WATCH_BEGUN(Issend)
WATCH_BEGUN(Irsend)

/* NOLINTNEXTLINE(readability-function-size): so many are MPI's own */
int MPI_Sendrecv(const void *sb, int sn, MPI_Datatype st, int to, int stag, void *rb, int rn, MPI_Datatype rt,
                 int from, int rtag, MPI_Comm c, MPI_Status *s)
{
    count(sn, st, to, stag, c);
    return PMPI_Sendrecv(sb, sn, st, to, stag, rb, rn, rt, from, rtag, c, s);
}

int MPI_Allreduce(const void *s, void *r, int n, MPI_Datatype t, MPI_Op o, MPI_Comm c)
{
    violations++;
    return PMPI_Allreduce(s, r, n, t, o, c);
}

int MPI_Bcast(void *b, int n, MPI_Datatype t, int root, MPI_Comm c)
{
    violations++;
    return PMPI_Bcast(b, n, t, root, c);
}

int MPI_Win_allocate_shared(MPI_Aint size, int unit, MPI_Info info, MPI_Comm c, void *base, MPI_Win *w)
{
    windows++;
    return PMPI_Win_allocate_shared(size, unit, info, c, base, w);
}

int MPI_Pcontrol(const int level, ...)
{
    va_list told;
    if (level != BESIDE) return MPI_SUCCESS;
    va_start(told, level);
    beside_messages += (long long)va_arg(told, uint64_t);
    beside_bytes += (long long)va_arg(told, uint64_t);
    va_end(told);
    violations += windows == 0;
    return MPI_SUCCESS;
}

int MPI_Finalize(void)
{
    const char *path = getenv("WITNESS");
    int rank;
    PMPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (path) {
        char name[4096];
        snprintf(name, sizeof name, "%s.%d", path, rank);
        FILE *file = fopen(name, "w");
        if (!file) abort();
        fprintf(file, "%d %lld %lld %lld %lld %lld %lld\n", rank, bytes, messages, stamps, violations,
                beside_bytes, beside_messages);
        fclose(file);
    }
    return PMPI_Finalize();
}
