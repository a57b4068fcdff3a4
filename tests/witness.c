/* witness.c - counts, from outside, the bytes a program hands to MPI.
 *
 * Preloaded over MPI's profiling interface: every call that carries payload is
 * counted and passed on; a collective of MPI's own is counted as a violation,
 * since sim builds its own. At the end each rank writes "rank bytes messages
 * violations" to $WITNESS.RANK. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

static long long bytes, messages, violations;

static void count(int n, MPI_Datatype type)
{
    int size;
    PMPI_Type_size(type, &size);
    bytes += (long long)n * size;
    messages++;
}

#define WATCH(name)                                                                   \
    int MPI_##name(const void *b, int n, MPI_Datatype t, int to, int tag, MPI_Comm c) \
    {                                                                                 \
        count(n, t);                                                                  \
        return PMPI_##name(b, n, t, to, tag, c);                                      \
    }
#define WATCH_BEGUN(name)                                                                             \
    int MPI_##name(const void *b, int n, MPI_Datatype t, int to, int tag, MPI_Comm c, MPI_Request *r) \
    {                                                                                                 \
        count(n, t);                                                                                  \
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

int MPI_Sendrecv(const void *sb, int sn, MPI_Datatype st, int to, int stag, void *rb, int rn, MPI_Datatype rt,
                 int from, int rtag, MPI_Comm c, MPI_Status *s)
{
    count(sn, st);
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
        fprintf(file, "%d %lld %lld %lld\n", rank, bytes, messages, violations);
        fclose(file);
    }
    return PMPI_Finalize();
}
