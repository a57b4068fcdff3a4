/* comm_mpi.h - ranks as MPI processes. */
#ifndef PARALLEL_WIRE_COMM_MPI_H
#define PARALLEL_WIRE_COMM_MPI_H
#include "parallel/wire/comm.h"

/* Starts MPI; from here on fail() ends every rank. */
Comm *comm_mpi_start(int *argc, char ***argv);
/* All ranks, after their last message. */
void comm_mpi_stop(Comm *comm);
/* Ends the job on every rank with this status, without waiting for anyone. */
_Noreturn void comm_mpi_abort(int status);
#endif
