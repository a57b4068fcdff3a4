/* same_request.h - whether all ranks were started with one request: mpirun starts a program of its own for each of its
 * parts between colons, and ranks that train by different rules wait for each other, crash, or learn what nobody
 * asked for. */
#ifndef SIM_RUN_SAME_REQUEST_H
#define SIM_RUN_SAME_REQUEST_H
#include "models/machine/error.h"
#include "parallel/wire/comm.h"
#include "sim/run/options.h"

/* All ranks ask. False on all where one has other options than rank 0, or is another sim; rank 0's `error` says which,
 * and in what. What the config's file says does not count, as rank 0's is sent to all. */
bool same_request(Group *world, const RunOptions *options, Error *error);
#endif
