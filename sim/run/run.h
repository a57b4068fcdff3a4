/* run.h - the command that trains: `sim --config F`, under mpirun or dry. */
#ifndef SIM_RUN_RUN_H
#define SIM_RUN_RUN_H
#include "models/machine/error.h"
#include "parallel/wire/comm.h"
#include "sim/base/standard.h"
#include "sim/run/options.h"

/* Whether rank 0 would not refuse the config, which is read here and held against its rules and, where they are
 * known (above 0), so many ranks: asked before MPI starts, as that takes longer than a small step. False fills
 * `error`. */
bool run_is_possible(const RunOptions *options, int ranks, Error *error);

/* One rank's whole run; every rank returns the same exit status. Rank 0 alone prints. */
int run_rank(Comm *comm, const RunOptions *options);

/* The same on `ranks` virtual ranks, one step, without storage. */
int run_dry(int ranks, const RunOptions *options);
#endif
