/* comm_mpi.h - ranks as MPI processes. */
#ifndef PARALLEL_WIRE_COMM_MPI_H
#define PARALLEL_WIRE_COMM_MPI_H
#include "parallel/wire/comm.h"

/* Before MPI has started, from what launchers leave in the environment (Open MPI's mpirun, PMIx, PMI, Slurm):
 * which this process is of its launch, 0 where nobody says; */
int comm_mpi_rank(void);
/* whether it is the first, or alone; */
bool comm_mpi_is_first(void);
/* of how many it is one, with the name of who says so: 0 where nobody does; */
int comm_mpi_launched(const char **says);
/* and whether the others are ended when one ends with a status that is not 0: by mpirun they are, or there are none. */
bool comm_mpi_ends_together(void);
/* Whether mpirun starts several programs as one launch (its parts between colons), or one with several lines of
 * options; `first`: this process is the first of its part. */
bool comm_mpi_among_programs(bool *first);
/* For who is not the first and has found, as the first has, that there is nothing to start: where it will be ended
 * with it, waits for that, a few seconds at most, so that the first can say why, and nobody is ended inside MPI's
 * start, where Open MPI's mpirun may hang. True: nothing has ended it, so the first has found otherwise. */
bool comm_mpi_await_end(void);

/* The level of the MPI_Pcontrol() by which a rank tells of bytes that it counts and no message has: followed by how many
 * messages, and bytes, both uint64_t, a ring would have sent (parallel/collectives/windows.c). */
enum { COMM_MPI_BESIDE = 1002 };

/* Starts MPI; from here on fail() ends every rank. */
Comm *comm_mpi_start(int *argc, char ***argv);
/* All ranks, after their last message. */
void comm_mpi_stop(Comm *comm);
/* Ends the job on every rank with this status, without waiting for anyone. */
_Noreturn void comm_mpi_abort(int status);
#endif
