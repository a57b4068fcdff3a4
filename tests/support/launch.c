/* launch.c - starting and stopping what a test of ranks runs on. */
#include "tests/support/launch.h"
#include <stdio.h>
#include <stdlib.h>
#include "parallel/wire/comm_mpi.h"

Comm *mpi;

void launch_start(int *argc, char ***argv)
{
    if (getenv("OMPI_COMM_WORLD_SIZE")) mpi = comm_mpi_start(argc, argv);
    if (mpi) setenv("CMOCKA_TEST_ABORT", "1", 1);
    setvbuf(stdout, NULL, _IONBF, 0); /* an abort must not swallow the verdict */
    if (mpi && mpi->rank > 0 && !freopen("/dev/null", "w", stdout)) exit(1); /* where cmocka reports */
}

int launch_stop(int failed)
{
    if (mpi && failed && mpi->rank == 0) comm_mpi_abort(1);
    if (mpi) comm_mpi_stop(mpi);
    return failed != 0;
}
