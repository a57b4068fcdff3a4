/* all_to_all_shape.h - what an all-to-all sends, and what it takes. */
#ifndef PARALLEL_COLLECTIVES_ALL_TO_ALL_SHAPE_H
#define PARALLEL_COLLECTIVES_ALL_TO_ALL_SHAPE_H
#include "parallel/collectives/all_to_all.h"

/* Once the counts are there: a->shape, without legs where no member sends anything. Returns whether each has rows for
 * each other, so that all learn of all beginnings. */
bool all_to_all_shape(AllToAll *a);
#endif
