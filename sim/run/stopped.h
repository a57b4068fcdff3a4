/* stopped.h - what rank 0 says when TERM or INT ends it. */
#ifndef SIM_RUN_STOPPED_H
#define SIM_RUN_STOPPED_H
#include <stdint.h>

/* From here on TERM and INT end the process as ever, after a line on standard error: how many of so many steps are
 * kept in `path`. A signal that is ignored, as in a shell's background, stays so. */
void stopped_tell(const char *path, int64_t steps);
/* The file holds so many steps now. */
void stopped_kept(int64_t steps);
/* Nothing is left to say. */
void stopped_forget(void);
#endif
