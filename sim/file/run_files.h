/* run_files.h - the run files that a command is given: each by its name, or all of a folder. */
#ifndef SIM_FILE_RUN_FILES_H
#define SIM_FILE_RUN_FILES_H
#include <stdbool.h>
#include <stddef.h>
#include "models/machine/error.h"

typedef struct RunFiles {
    char **path; /* [count] */
    size_t count;
    char **skipped; /* [skips] files of folders that end in .h5 and are no run's: why, each in a line */
    size_t skips;
} RunFiles;

/* Adds the file; of a folder its run files, NAME.h5, by name: not those of folders in it, nor those that are here
 * already. False where a folder cannot be read or has none. */
bool run_files_add(RunFiles *files, const char *path, Error *error);
/* Tells on stderr which were skipped. */
void run_files_tell(const RunFiles *files, const char *command);
void run_files_free(RunFiles *files);
#endif
