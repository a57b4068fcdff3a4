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

/* The same for some of `ranks` alone, ascending, each of which stands for all that do what it does: in a collective of
 * sizes, whose members bring equal moments, it answers for those that are not walked. Whoever sends one of them a
 * message, or waits for one's, ends the job: such ranks are not alike. */
typedef struct WalkedRanks {
    int ranks, count;
    const int *rank; /* (count); rank 0 is the first; NULL where all are walked */
} WalkedRanks;
/* The i-th of them, and how many it stands for: itself and those after it, up to the next. */
int walked_rank(const WalkedRanks *walked, int i);
int walked_stands_for(const WalkedRanks *walked, int i);
int walked_place(const WalkedRanks *walked, int rank); /* which `i` is that rank, one that is walked */
bool virtual_run_some(const WalkedRanks *walked, void (*body)(Comm *comm, void *context), void *context,
                      Error *error);
#endif
