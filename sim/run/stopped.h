/* stopped.h - what rank 0 says when a signal ends it. */
#ifndef SIM_RUN_STOPPED_H
#define SIM_RUN_STOPPED_H
#include <stdint.h>

/* From here on TERM, INT, HUP (a terminal closed) and XCPU (a limit on CPU time) end the process as ever, after a line
 * on standard error: how many of so many steps are kept in `path`. A signal that is ignored, as under nohup and in a
 * shell's background, stays so. */
void stopped_tell(const char *path, int64_t steps);
/* The file holds so many steps now. */
void stopped_kept(int64_t steps);
/* Nothing is left to say. */
void stopped_forget(void);
#endif
