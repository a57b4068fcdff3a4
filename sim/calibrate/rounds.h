/* rounds.h - how far apart the rounds of a calibration were, each of which did the same: what else the machine did
 * meanwhile is in what was measured. */
#ifndef SIM_CALIBRATE_ROUNDS_H
#define SIM_CALIBRATE_ROUNDS_H
#include <stdbool.h>
#include <stddef.h>

enum { CALIBRATE_SECONDS_MOST = 3600 }; /* what --seconds takes */

typedef struct Rounds {
    int count;
    double least, most; /* seconds, by a clock on the wall */
} Rounds;

void rounds_add(Rounds *rounds, double seconds);
/* "4 rounds, the slowest 8 % above the fastest" */
void rounds_describe(const Rounds *rounds, char *text, size_t size);
/* Whether they say that it was disturbed, or too few to say anything, and what to do about it; `asked`: the seconds that
 * it was to take. */
bool rounds_warn(const Rounds *rounds, double asked, char *text, size_t size);
#endif
