/* place.h - which node of a cluster a rank is in, and how a group of ranks lies over the nodes.
 *
 * Nodes are filled one after the other, slot by slot. Ranks count tensor first, then data, then pipe (parallel/grid.h),
 * and so do slots unless the axes say otherwise. Everything follows from the ranks' numbers, so a rank knows of every
 * group where it lies and asks nobody. */
#ifndef PARALLEL_NETWORK_PLACE_H
#define PARALLEL_NETWORK_PLACE_H
#include <stdbool.h>
#include <stdint.h>

enum { PLACE_AXES = 3 };

typedef struct Placement {
    int devices; /* a node; 0: one node has all */
    struct {
        int ranks, apart; /* along an axis of the grid; slots from one of them to the next */
    } axis[PLACE_AXES];   /* as ranks count; no ranks: a rank's slot is its number */
} Placement;

int place_slot(const Placement *placement, int rank);
int place_node(const Placement *placement, int rank);

/* A group's. Its members count node by node, as they do along any axis of a grid. */
typedef struct Spread {
    int size, nodes;
    int most, least;   /* members in a node */
    bool even;         /* as many in each, in one run */
    bool apart;        /* of more than one in a node, no two in neighbouring slots */
    int64_t strangers; /* pairs of members, ordered, that are in different nodes */
} Spread;
bool place_alike(const Spread *a, const Spread *b);
/* Of those members that go round, each from its node into that of its right neighbour's, how many leave their node. */
int place_borders(const Spread *spread);
Spread place_spread(const Placement *placement, const int *members, int size);
/* Where its members in each node begin: `first` has room for nodes + 1, the last of them the size. */
void place_runs(const Placement *placement, const int *members, int size, int *first);
#endif
