/* exercise.h - what a machine is measured by: a few small models that train here for a few steps, one rank by itself,
 * in shapes like those of the shipped configs and larger; and products from 16 to 1024 on every side. */
#ifndef SIM_CALIBRATE_EXERCISE_H
#define SIM_CALIBRATE_EXERCISE_H
#include "models/machine/error.h"
#include "sim/calibrate/stopwatch.h"

typedef struct Exercise {
    const char *name, *config; /* the text of an ini */
    double seconds, foretold;  /* of a step: the median measured, and what a machine's model says */
    double between; /* of `seconds`, before the first kernel: what the host does between two steps */
    double seen[96], gaps[96]; /* (times) of either */
    int times;
} Exercise;

/* The first step of each time is not kept. Drawing the weights takes as long as a step, so there are several. */
enum { EXERCISES = 11, EXERCISE_STEPS = 4 };
/* All of them, not yet done. */
void exercises_begin(Exercise exercise[EXERCISES]);
/* Trains the model for a few steps and keeps what the kernels of all but the first took, on this rank alone. */
bool exercise_do(Exercise *exercise, Timings *timings, Error *error);
/* The medians of what was done. */
void exercise_settle(Exercise *exercise);
/* The same step walked on this machine. */
bool exercise_foretell(Exercise *exercise, const Machine *machine, Error *error);

enum { PRODUCT_SETS = 3 };
/* Products of set `set`: all sides, sides that are no multiples of 8, and some in bf16. */
void products_do(int set, Timings *timings);
#endif
