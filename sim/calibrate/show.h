/* show.h - what a calibration prints: what was measured beside what the model makes of it. */
#ifndef SIM_CALIBRATE_SHOW_H
#define SIM_CALIBRATE_SHOW_H
#include "sim/calibrate/exercise.h"
#include "sim/calibrate/links.h"
#include "sim/calibrate/rounds.h"

/* Each ends with the median of the errors' sizes. Of each kind of kernel a few shapes, from the shortest to the longest,
 * or `all`. */
void show_kernels(const Timings *timings, const Machine *machine, bool all);
void show_links(const LinkTimings *links, const NetworkNode *node);
void show_steps(const Exercise *exercise, int count);
void show_rounds(const Rounds *rounds);
/* Where the profile lies, and what to do with it; `kept`: the name that an earlier one has now, or NULL. */
void show_place(const char *path, const char *kept);
#endif
