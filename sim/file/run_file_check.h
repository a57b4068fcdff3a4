/* run_file_check.h - what opening a run file checks of it; inside the file room only. */
#ifndef SIM_FILE_RUN_FILE_CHECK_H
#define SIM_FILE_RUN_FILE_CHECK_H
#include "models/machine/error.h"
#include "sim/file/run_file_held.h"

/* Fills in all of `run` but its file and path, which it has; `sums`: where the values are as their checksums say, or, of
 * one that has none yet, can be read. After a refusal, too, it is to be closed. */
bool run_file_check(RunFile *run, bool sums, Error *error);

/* An attribute as a terminal can be shown it, whoever made the file; false, and "", when there is none. */
bool run_file_text(const RunFile *run, const char *object, const char *name, char *text, size_t size);
#endif
