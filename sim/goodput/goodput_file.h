/* goodput_file.h - what was found in HDF5, "sim-goodput/1": a dataset a column, a row an interval.
 *
 *     /                attributes: schema, sim_version, created, command_line, config, title, ranks, nodes, steps, runs, seed,
 *                      asynchronous; step_time, mtbf, stall_time, write_time, restart_time (of it read_time), young, daly:
 *                      seconds; checkpoint_bytes
 *     /ini             the config's text as given
 *     /interval        steps between checkpoints: the scale of all columns
 *     /interval_time goodput goodput_error goodput_deviation goodput_expected checkpoints lost restarts failures wall_time */
#ifndef SIM_GOODPUT_GOODPUT_FILE_H
#define SIM_GOODPUT_GOODPUT_FILE_H
#include "sim/file/table_file.h"
#include "sim/goodput/points.h"

/* Whose it is. */
typedef struct GoodputOrigin {
    const char *config, *ini, *command_line; /* the ini as the user named it, its text, what was typed */
} GoodputOrigin;

/* Writes it to place->asked, and says the rest of `place`. */
bool goodput_file_write(const Points *points, const GoodputOrigin *origin, TablePlace *place, Error *error);
#endif
