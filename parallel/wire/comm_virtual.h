/* comm_virtual.h - ranks as coroutines of one process: what a dry run walks on,
 * and what the tests train on without mpirun. */
#ifndef PARALLEL_WIRE_COMM_VIRTUAL_H
#define PARALLEL_WIRE_COMM_VIRTUAL_H
#include "models/machine/error.h"
#include "parallel/wire/comm.h"

/* Runs body(comm, context) for each of `ranks` virtual ranks to its end.
 * False, with the rank and message named, when all that are left wait for
 * messages nobody has sent: what would be a hang under MPI. False too when a
 * message was sent that nobody received. */
bool virtual_run(int ranks, void (*body)(Comm *comm, void *context), void *context, Error *error);
#endif
