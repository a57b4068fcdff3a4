/* launch.h - a test of ranks, on virtual ranks in its own process or, under mpirun, on those it was given. */
#ifndef TESTS_SUPPORT_LAUNCH_H
#define TESTS_SUPPORT_LAUNCH_H
#include "parallel/wire/comm.h"

/* This rank of the launch; NULL: virtual ranks. */
extern Comm *mpi;

/* Before the first test. Under MPI rank 0 alone asserts and prints; its first failure ends the whole job, so
 * that no rank is left in a collective. */
void launch_start(int *argc, char ***argv);
/* After the last: the exit status, 0 if none failed. */
int launch_stop(int failed);
#endif
