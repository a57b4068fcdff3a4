/* made_up.h - run files whose numbers a test of charts knows by heart. */
#ifndef TESTS_SUPPORT_MADE_UP_H
#define TESTS_SUPPORT_MADE_UP_H
#include <stdbool.h>

typedef struct MadeUp {
    int ranks, steps;
    bool dry, unfinished, no_formula, untimed;
    double seconds;  /* of each step; 0: 1. The actions of the last took 1 s. */
    double distance; /* added to each loss */
    int skipped;     /* steps at the beginning */
    /* Or 0. A checkpoint of 1 MB after so many steps, for which training waits 2 ms; it is in its place after the next
     * one, which takes 4 % longer. Rank r copies 250000 (r + 1) bytes. */
    int checkpoint_every;
    /* Or 0. In so many layers after a first without them 4 experts each share 8 tokens evenly; from half of the steps
     * on all tokens choose expert 0. */
    int sparse_layers;
    /* Whether it is of the machine that it trained on: a step was foretold to take 0.5 s, of which several ranks would
     * wait 0.125 for each other, and the rest was computed as foretold. */
    bool foretold;
} MadeUp;

/* Rank r sends 1000 (r + 1) bytes of all-reduce as its formula says, and 10 of control without one. */
void record_made_up(const char *path, MadeUp made);
#endif
