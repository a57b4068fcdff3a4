/* profile.h - a machine as a file that hardware.profile can name. */
#ifndef SIM_CALIBRATE_PROFILE_H
#define SIM_CALIBRATE_PROFILE_H
#include <stdio.h>
#include "models/hardware/software.h"
#include "parallel/network/node.h"
#include "sim/base/utc.h"
#include "sim/calibrate/rounds.h"

typedef struct Profile {
    Machine machine;
    NetworkNode node;
    int ranks;              /* it was measured on, */
    Rounds rounds;          /* in these */
    char created[UTC_TEXT]; /* when */
} Profile;

/* Whose numbers are yet to be measured: a CPU without accelerators, on which every kernel runs as it is. Of `devices`
 * ranks with so many bytes of memory together. */
Profile profile_begin(int devices, double memory);
/* The file, each number with its unit and how it was found; `what`: a Profile. */
void profile_write(FILE *out, const void *what);
#endif
