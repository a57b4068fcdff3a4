/* seconds.h - a time as people say it, also a short one. */
#ifndef SIM_GOODPUT_SECONDS_H
#define SIM_GOODPUT_SECONDS_H
#include <stddef.h>

/* "12.3 ms", "17.5 s", "41 min 30 s", "2 h 07 min", "2.04 days". */
void goodput_seconds(double seconds, char *text, size_t size);
#endif
