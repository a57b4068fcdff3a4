/* forest.c - from a table of who is above whom. */
#include "tests/support/forest.h"

/* Who is above each in the first tree over so many nodes; -1: nobody. */
static const int ABOVE[RANKS_MAX + 1][RANKS_MAX] = {{0},
                                                    {-1},
                                                    {-1, 0},
                                                    {-1, 2, 0},
                                                    {-1, 2, 0, 2},
                                                    {-1, 2, 4, 2, 0},
                                                    {-1, 2, 4, 2, 0, 4},
                                                    {-1, 2, 4, 2, 0, 6, 4},
                                                    {-1, 2, 4, 2, 0, 6, 4, 6},
                                                    {-1, 2, 4, 2, 8, 6, 4, 6, 0}};

Forest forest_of(int ranks, int devices)
{
    Forest f = {.ranks = ranks, .devices = devices, .nodes = (ranks + devices - 1) / devices};
    f.chains = devices < ranks ? devices : ranks;
    f.halves = f.nodes > 1 ? 2 : 1;
    return f;
}

int forest_ranks_in(const Forest *f, int node)
{
    return node < f->nodes - 1 ? f->devices : f->ranks - node * f->devices;
}

static int in_second(const Forest *f, int node)
{
    return f->nodes % 2 == 0 ? f->nodes - 1 - node : (node + f->nodes - 1) % f->nodes;
}

/* The node that the tree of this half counts as `number`. */
static int node_numbered(const Forest *f, int half, int number)
{
    int node = number;
    for (int i = 0; half && i < f->nodes; i++)
        if (in_second(f, i) == number) node = i;
    return node;
}

/* What goes up from a node: its chain's sum, from the last to the first, and then that of each below in the order of
 * the tree's numbers. */
static real node_sum(const Forest *f, int tree, int number, int part, int64_t i)
{
    int half = tree % f->halves, chain = tree / f->halves, node = node_numbered(f, half, number),
        g = forest_ranks_in(f, node);
    real sum = wild(node * f->devices + (chain + g - 1) % g, part, i);
    for (int k = g - 2; k >= 0; k--) sum = wild(node * f->devices + (chain + k) % g, part, i) + sum;
    for (int below = 0; below < f->nodes; below++)
        if (ABOVE[f->nodes][below] == number) sum += node_sum(f, tree, below, part, i);
    return sum;
}

real forest_sum(const Forest *f, int tree, int part, int64_t i)
{
    return node_sum(f, tree, 0, part, i);
}

/* Neighbours of a rank in a tree, or those in other nodes alone: each is sent the block once. */
static int neighbours(const Forest *f, int tree, int rank, bool across)
{
    int half = tree % f->halves, chain = tree / f->halves, node = rank / f->devices,
        g = forest_ranks_in(f, node);
    int at = (rank % f->devices - chain % g + g) % g, count = across ? 0 : (at > 0) + (at < g - 1);
    int number = half ? in_second(f, node) : node;
    for (int other = 0; at == 0 && other < f->nodes; other++)
        count += ABOVE[f->nodes][other] == number || ABOVE[f->nodes][number] == other;
    return count;
}

static uint64_t bytes_of(const Forest *f, int rank, int64_t count, bool across)
{
    int trees = f->chains * f->halves;
    uint64_t elements = 0;
    for (int t = 0; t < trees; t++)
        elements += (uint64_t)neighbours(f, t, rank, across) * (uint64_t)block_count(count, trees, t);
    return elements * sizeof(real);
}

uint64_t forest_bytes(const Forest *f, int rank, int64_t count)
{
    return bytes_of(f, rank, count, false);
}

uint64_t forest_bytes_across(const Forest *f, int rank, int64_t count)
{
    return bytes_of(f, rank, count, true);
}
