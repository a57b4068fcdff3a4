/* shared_folder.h - whether a file that all ranks write can be one: does every node see the folder it goes to? */
#ifndef SIM_RUN_SHARED_FOLDER_H
#define SIM_RUN_SHARED_FOLDER_H
#include "models/machine/error.h"
#include "parallel/wire/comm.h"

/* Collective. `path`: of a file whose folder rank 0 has, and can write to. False on all ranks where one of them does not
 * find there what rank 0 leaves for a moment; rank 0's error says which rank, on which node. */
bool shared_folder(Group *world, const char *path, Error *error);
#endif
