/* comm_mpi_launch.c - what launchers say of a process before MPI has started. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "parallel/wire/comm_mpi.h"

#define MPIRUN_SIZE "OMPI_COMM_WORLD_SIZE"

/* The first of the names that is set, to a whole number; -1: none is. */
static int from_environment(const char *const *names, const char **name)
{
    for (; *names; names++) {
        const char *text = getenv(*names);
        char *end;
        long number = text ? strtol(text, &end, 10) : -1;
        if (!text || end == text || *end || number < 0 || number > INT_MAX) continue;
        *name = *names;
        return (int)number;
    }
    return -1;
}

int comm_mpi_rank(void)
{
    static const char *const ranks[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID",
                                        NULL};
    const char *name;
    int rank = from_environment(ranks, &name);
    return rank > 0 ? rank : 0;
}

bool comm_mpi_is_first(void)
{
    return comm_mpi_rank() == 0;
}

bool comm_mpi_among_programs(bool *first)
{
    static const char *const programs[] = {"OMPI_NUM_APP_CTX", NULL};
    const char *name, *sizes = getenv("OMPI_APP_CTX_NUM_PROCS"); /* "2 1 4": ranks 0, 2 and 3 are first */
    long rank = 0;
    char *next;
    *first = comm_mpi_is_first();
    for (; sizes && *sizes && !*first; sizes = next) {
        rank += strtol(sizes, &next, 10);
        if (next == sizes) break;
        *first = rank == comm_mpi_rank();
    }
    return from_environment(programs, &name) > 1;
}

int comm_mpi_launched(const char **says)
{
    static const char *const sizes[] = {MPIRUN_SIZE, "PMI_SIZE", "SLURM_NTASKS", NULL};
    int size = from_environment(sizes, says);
    return size > 0 ? size : 0;
}

bool comm_mpi_ends_together(void)
{
    const char *says;
    return comm_mpi_launched(&says) == 0 || strcmp(says, MPIRUN_SIZE) == 0;
}

bool comm_mpi_await_end(void)
{
    enum { SECONDS = 5 };
    const char *says;
    bool awaits = comm_mpi_ends_together() && comm_mpi_launched(&says) > 1;
    if (awaits) sleep(SECONDS);
    return awaits;
}
