/* layout.h - what a run file is made of: its skeleton, written before the first step. */
#ifndef SIM_FILE_LAYOUT_H
#define SIM_FILE_LAYOUT_H
#include "sim/file/h5.h"
#include "sim/file/recorder.h"

/* Whether a file is a run's, of this layout; `schema` becomes what it says of itself, "" when nothing. */
enum { LAYOUT_SCHEMA = 64 };
bool layout_is_run(H5 *file, char schema[LAYOUT_SCHEMA]);
extern const char layout_step[]; /* the dataset whose row, written last, says that a step is finished */

/* Everything of a new file but what steps write; room for `rows` of them. */
bool layout_create(H5 *file, const RunInfo *info, const Config *config, size_t rows, Error *error);
/* Gives the columns `rows` rows; more, or fewer. */
bool layout_extend(H5 *file, size_t rows, Error *error);
/* Writes the first `count` rows of /timeline/actions. */
bool layout_write_actions(H5 *file, const TimelineRow *rows, size_t count, Error *error);
#endif
