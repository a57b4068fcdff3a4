/* all_to_all_hops.h - the messages of an all-to-all: straight to whom they are for, or in two hops. */
#ifndef PARALLEL_COLLECTIVES_ALL_TO_ALL_HOPS_H
#define PARALLEL_COLLECTIVES_ALL_TO_ALL_HOPS_H
#include "parallel/collectives/all_to_all_state.h"

/* Rows that one rank sends to another in a hop, where a->inside says which way it goes; to itself, what it keeps. */
int64_t hop_rows(const AllToAll *a, int hop, int from, int to);
/* Once a->hops is known: the buffers, what stays with this rank, and what is packed for the first hop. */
void hops_prepare(AllToAll *a);
/* Begins the messages of a->hop, and what follows when all of them are there. Of sizes alone without any messages, only
 * the latter. */
void hop_begin(AllToAll *a);
void hop_end(AllToAll *a);
#endif
