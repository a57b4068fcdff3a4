/* fit.h - from what kernels and links took to the few numbers of a machine's model: each by least squares of relative
 * errors, log(model / measured), weighed by the root of all their seconds, over the shapes that it bears on; one number
 * after the other, and round again. */
#ifndef SIM_CALIBRATE_FIT_H
#define SIM_CALIBRATE_FIT_H
#include "parallel/network/node.h"
#include "sim/calibrate/links.h"
#include "sim/calibrate/timings.h"

/* The chip of a machine whose software is given; the timings have settled. Of kinds that were not timed the numbers stay
 * as they are, and so does what no timing tells: processors, memory. */
void fit_chip(Machine *machine, const Timings *timings);
/* The links inside a node, from two messages of different sizes or more, and likewise rings. */
void fit_links(NetworkNode *node, const LinkTimings *links);
#endif
