/* formulas.h - what the formulas (theory.h) have of a run, for its file to hold beside what is counted. */
#ifndef SIM_RUN_FORMULAS_H
#define SIM_RUN_FORMULAS_H
#include "sim/run/step.h"

/* Bytes of one step; rows are those of the file (rows.h). NaN: no formula. */
typedef struct Formulas {
    int *rank;                      /* (rows) whose it is */
    double *bytes;                  /* (rows, PURPOSES) sent */
    double *memory;                 /* (rows, MEMORY_CATEGORIES) at the peak */
    double *copy;                   /* (rows) that a checkpoint is written from, beside training */
    double links[ROUTES][PURPOSES]; /* of all ranks */
} Formulas;

/* On rank 0 of the world, which begins with step `first`. */
Formulas formulas_new(const Trainer *trainer, const Group *world, int64_t first);
void formulas_free(Formulas *formulas);
#endif
