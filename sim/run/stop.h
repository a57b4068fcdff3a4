/* stop.h - signals that end a run: after a step, where there is time for one. */
#ifndef SIM_RUN_STOP_H
#define SIM_RUN_STOP_H
#include <signal.h>
#include <stdint.h>

/* On every rank, before MPI starts: from here on USR1 asks for a stop, and no more. It is what a batch system sends ahead
 * of its limit (Slurm's --signal), and it may come at any time. */
void stop_on_warning(void);
/* On every rank, as the first step begins: TERM and INT ask for a stop, too. One that comes again, two seconds later or
 * more, ends the process as ever: the step may wait for a rank that is gone. On rank 0, which has a `path`, HUP (a
 * terminal closed) and XCPU (a limit on CPU time) end it at once, as ever; and each but USR1 is answered by a line on
 * standard error: how many of so many steps are kept in `path`. A signal that is ignored, as under nohup and in a
 * shell's background, stays so. */
void stop_listen(const char *path, int64_t steps);
/* Rank 0's file holds so many steps now. */
void stop_kept(int64_t steps);
/* And this is its newest checkpoint, from which it could go on. */
void stop_saved(const char *path);
/* Nothing is left to stop, or to say: TERM, INT, HUP and XCPU end the process as ever, without a word. */
void stop_forget(void);

/* Whether a stop is asked for: not 0; and by which signal, "a signal" where that was another rank's. */
const volatile sig_atomic_t *stop_asked(void);
const char *stop_name(void);
#endif
