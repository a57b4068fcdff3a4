/* draw.h - goodput against the interval between checkpoints, as a picture. */
#ifndef SIM_GOODPUT_DRAW_H
#define SIM_GOODPUT_DRAW_H
#include "sim/goodput/points.h"

/* Draws folder/goodput.png and .svg by folder/goodput.gp. */
bool goodput_draw(const Points *points, const char *config, const char *program_directory, const char *folder,
                  Error *error);
#endif
