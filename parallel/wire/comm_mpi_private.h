/* comm_mpi_private.h - what the two sources of the door to MPI have of each other. */
#ifndef PARALLEL_WIRE_COMM_MPI_PRIVATE_H
#define PARALLEL_WIRE_COMM_MPI_PRIVATE_H
#include "parallel/wire/comm.h"

/* A condition that others bring about, and how to sleep for it, no longer than tenths of a millisecond; NULL: for that
 * long. */
typedef struct Await {
    bool (*has_come)(void *context);
    void (*sleep)(void *context);
    void *context;
} Await;
/* Looks, and after a while sleeps between looks where cores are shared or what it waits for wakes it, until it has; ends
 * the job as stall.h has it, in words of `what`. */
void comm_mpi_wait_until(Await await, const Request *what);
/* Until all of an MPI_Comm are here, likewise. */
void comm_mpi_wait_for_all(const void *ranks, Comm *comm);
bool comm_mpi_on_one_node(const Group *group);

/* The backend's. */
void comm_mpi_window_begin(Group *group);
void comm_mpi_window_end(Group *group);
void comm_mpi_beside(uint64_t messages, uint64_t bytes);
void comm_mpi_await(Group *group, int rank, int which, uint32_t count, const Request *what);
#endif
