/* forest.h - the trees of an all-reduce, told again and otherwise than in parallel/collectives: what they send, and in
 * which order they add. */
#ifndef TESTS_SUPPORT_FOREST_H
#define TESTS_SUPPORT_FOREST_H
#include "tests/support/ranks.h"

/* Over nodes of so many devices, the last of which may have fewer ranks. */
typedef struct Forest {
    int ranks, devices, nodes, chains, halves;
} Forest;

Forest forest_of(int ranks, int devices);
int forest_ranks_in(const Forest *f, int node);
/* Element i of wild() as the tree adds it. */
real forest_sum(const Forest *f, int tree, int part, int64_t i);
/* What a rank sends of so many elements. */
uint64_t forest_bytes(const Forest *f, int rank, int64_t count);
/* And of that out of its node. */
uint64_t forest_bytes_across(const Forest *f, int rank, int64_t count);
#endif
