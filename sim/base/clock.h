/* clock.h - the wall clock. */
#ifndef SIM_BASE_CLOCK_H
#define SIM_BASE_CLOCK_H

/* Seconds since some moment that is the same for the whole process; never goes back. */
double clock_now(void);
#endif
