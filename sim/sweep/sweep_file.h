/* sweep_file.h - a sweep's table in HDF5, "sim-sweep/1": a dataset a column, a row a combination.
 *
 *     /                       attributes: schema, sim_version, created, command_line, config, title
 *     /ini                    the config's text as given
 *     /combination            0, 1, ...: the scale of all columns
 *     /key, /values/KEY       the keys that are swept, and each one's values: the last key's turn fastest
 *     /keys/KEY               its value in each combination
 *     /step_time tokens_per_second tokens_per_second_device mfu hfu bubble_ratio memory_peak memory_capacity
 *     /ranks replicas microbatches place state reason
 *     /reasons                why combinations are refused: /reason is a place in it, or -1 */
#ifndef SIM_SWEEP_SWEEP_FILE_H
#define SIM_SWEEP_SWEEP_FILE_H
#include "sim/file/table_file.h"
#include "sim/sweep/result.h"

/* Writes it to place->asked, and says the rest of `place`. */
bool sweep_file_write(const Sweep *sweep, TablePlace *place, Error *error);

/* Whether the file calls itself a sweep's, whatever else is in it. */
bool sweep_file_is(const char *path);
/* Reads one back; false, with nothing to free, where it is none or damaged. */
bool sweep_file_read(Sweep *sweep, const char *path, Error *error);
#endif
