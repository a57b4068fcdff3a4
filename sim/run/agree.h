/* agree.h - one verdict for all ranks before anything collective is begun. */
#ifndef SIM_RUN_AGREE_H
#define SIM_RUN_AGREE_H
#include "parallel/wire/comm.h"

/* Rank 0's verdict reaches every rank and is returned there; the others' argument is ignored. */
bool agree(Group *world, bool ok);
#endif
