/* checkpoint_parts.h - whether a checkpoint is whole, by nothing but itself. */
#ifndef SIM_INSPECT_CHECKPOINT_PARTS_H
#define SIM_INSPECT_CHECKPOINT_PARTS_H
#include "sim/inspect/arrays.h"

/* Whether it has, of each parameter, what the optimizer that its config names needs, of values of that kind, in one
 * shape; and whether all of them add up to their checksums. Reads the file once. */
bool checkpoint_parts_check(H5 *file, const Arrays *arrays, H5Kind kind, Error *error);
#endif
