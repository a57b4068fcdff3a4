/* skeleton.h - a run file before its first step: every attribute, scale and dataset, filled with nothing. */
#ifndef SIM_FILE_SKELETON_H
#define SIM_FILE_SKELETON_H
#include "sim/config/config.h"
#include "sim/file/h5.h"
#include "sim/file/run_info.h"

/* Rows that each rank's values have: all ranks, or those that are recorded. */
size_t skeleton_ranks(const RunInfo *info);
/* And rows of what actions held: of a dry run, which has many actions that hold the same, some, to which more come as it
 * ends. A real one's file has one for each action: nothing of it grows in place. */
size_t skeleton_held(const RunInfo *info);
/* Bytes that a step's rows of experts take; 0: they are not told apart (step_record.h). */
size_t skeleton_rows_bytes(const RunInfo *info, const Config *config);
/* Everything of a new file but what steps write; room for `rows` of them. */
bool skeleton_create(H5 *file, const RunInfo *info, const Config *config, size_t rows, Error *error);
/* No step's actions in it, of room for `rows`. */
bool skeleton_no_actions(H5 *file, size_t rows, Error *error);
/* Gives the columns `rows` rows; more, or fewer. */
bool skeleton_extend(H5 *file, size_t rows, Error *error);
#endif
