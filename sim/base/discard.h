/* discard.h - files whose names go at once, and whose bytes go in a thread of their own: to give back the room of a
 * large file a disk may take longer than a step of training does. */
#ifndef SIM_BASE_DISCARD_H
#define SIM_BASE_DISCARD_H
#include <stddef.h>
#include "sim/base/beside.h"

/* At first all zero: none. */
typedef struct Discard {
    int *file; /* (files) open, and the last that hold them */
    size_t files;
    Beside beside;
} Discard;

/* Takes a file's name away; none goes where there is none. Not between discard_begin() and discard_end(). */
void discard_name(Discard *d, const char *path);
/* Begins to give their room back. Never waits. */
void discard_begin(Discard *d);
/* Until all of it is. */
void discard_end(Discard *d);
#endif
