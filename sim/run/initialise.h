/* initialise.h - what a run begins with, where no file has it: told of where it takes long. */
#ifndef SIM_RUN_INITIALISE_H
#define SIM_RUN_INITIALISE_H
#include "sim/run/step.h"

/* Draws the weights of every unit; `tells`: this rank shows how far it is. */
void initialise_weights(Trainer *t, bool tells);

/* Makes what the samples are drawn from, on a rank that draws some. */
void initialise_data(Trainer *t, bool tells);
#endif
