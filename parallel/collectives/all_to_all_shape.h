/* all_to_all_shape.h - which way an all-to-all goes, what it sends, and what it takes. */
#ifndef PARALLEL_COLLECTIVES_ALL_TO_ALL_SHAPE_H
#define PARALLEL_COLLECTIVES_ALL_TO_ALL_SHAPE_H
#include "parallel/collectives/all_to_all_state.h"

/* Once the counts are there: a->inside; and a->shape, without legs where no member sends anything. Returns whether each
 * has rows for each other, so that all learn of all beginnings. */
bool all_to_all_shape(AllToAll *a);
#endif
