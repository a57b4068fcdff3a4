/* double_tree.h - who is above and below whom in the trees of an all-reduce. */
#ifndef PARALLEL_COLLECTIVES_DOUBLE_TREE_H
#define PARALLEL_COLLECTIVES_DOUBLE_TREE_H
#include "parallel/wire/comm.h"

enum { TREE_BELOW = 3 };

/* A rank's neighbours in one tree. */
typedef struct TreePlace {
    int up, down[TREE_BELOW], downs; /* group ranks, in the order of addition; up: -1, it is the root */
} TreePlace;

/* How many trees a group has; each has the block of that number. */
int tree_count(Group *group);
TreePlace tree_place(Group *group, int tree);
#endif
