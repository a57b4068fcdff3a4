/* standard.h - what a program does about its standard files and signals before anything else, and what it ends with. */
#ifndef SIM_BASE_STANDARD_H
#define SIM_BASE_STANDARD_H
#include <stdbool.h>
#include "models/machine/error.h"

/* What a command ends with, and the process; stopped: by a signal, and it may go on later (EX_TEMPFAIL of sysexits.h). */
enum { STATUS_OK = 0, STATUS_FAILED = 1, STATUS_BAD_REQUEST = 2, STATUS_STOPPED = 75 };

/* Takes the numbers of standard files that are closed, so that no other file becomes one and is printed into: prints
 * there fail. A file that grows beyond a limit (ulimit -f) is an error of the write, not a signal. */
void standard_prepare(void);

/* Whether all that was printed reached standard output: a full disk, or a closed file, is an error like another. */
bool standard_printed(Error *error);
#endif
