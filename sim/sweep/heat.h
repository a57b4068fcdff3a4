/* heat.h - the picture of a sweep: the best of each pair of two keys' values. */
#ifndef SIM_SWEEP_HEAT_H
#define SIM_SWEEP_HEAT_H
#include "sim/sweep/result.h"

/* Whether the axes are keys of the space; fills `key` with which of them, across and up: where no names are given, the
 * two that have most values; -1 up where there is one key alone. */
bool heat_axes(const Space *space, const char *const axes[2], int key[2], Error *error);
/* Draws sweep.png and .svg into `folder`, which is made if missing, over these keys. `left_out` says why it is not
 * drawn where there are more values than a picture shows; else "". */
bool heat_draw(const Sweep *sweep, const int key[2], const char *program_directory, const char *folder,
               char *left_out, unsigned long size, Error *error);
#endif
