/* double_tree.c - an all-reduce over pairs of binary trees (Sanders, Speck, Traeff 2009; NCCL since 2.4).
 *
 * Over six nodes of one rank two trees, each with half of the elements. Who is a leaf of one has others below it in the
 * other: so a rank sends S to 2 S, half of S over each of four edges at most. A ring's sends 2 (n-1)/n S.
 *
 *     0 ------- 4              5 ------- 1
 *          ____/ \                  ____/ \          the second is the first with the ranks counted from the
 *         2       5                3       0         other end; of an odd number, with each moved on by one
 *        / \                      / \
 *       1   3                    4   2
 *
 * Up: a rank adds to its own what comes from below, first a chain's, then the left one's, then the right one's as
 * drawn, and sends the sum up. Down: the root's sum goes to all, in place. In messages of at most 60 KiB, one after the
 * other, so that a tree's ranks all work at once. A sum's order follows from the tree alone: fixed.
 *
 * In a node of several ranks they stand in a chain, whose first is in the tree. There are as many chains as ranks, each
 * with trees and a block of the elements of its own, and the i-th begins at rank i: so all use their cards alike. Two
 * nodes of three, of all six trees the two of the second chain:
 *
 *     1 --- 4         4 --- 1        in the left one 4 adds 5 + 3 to its own, and 1 first 2 + 0 and then that;
 *     |     |         |     |        in the right one the other way round
 *     2     5         5     2
 *     |     |         |     |
 *     0     3         3     0
 *
 * In one node the chains are all there is. Of n ranks then each sends 2 (n-1)/n S, as over a ring; and over N nodes
 * 2 (g-1)/g S inside, and S/2g across for each neighbour that its node has in both trees.
 */
#include "parallel/collectives/double_tree.h"

static int trees_a_chain(const Spread *s)
{
    return s->nodes > 1 ? 2 : 1;
}

int tree_count(Group *group)
{
    const Spread s = group_spread(group);
    return trees_a_chain(&s) * s.most;
}

/* The tree of n that has the odd ones as leaves, and so a rank's lowest bit as its height: NCCL's ncclGetBtree. What is
 * not there is -1. */
static void binary_tree(int n, int rank, int *up, int down[2])
{
    int bit = 1;
    while (bit < n && !(rank & bit)) bit <<= 1;
    int below = bit >> 1;
    *up = down[0] = down[1] = -1;
    if (rank == 0) {
        if (n > 1) down[0] = below;
        return;
    }
    *up = (rank ^ bit) | bit << 1;
    if (*up >= n) *up = rank ^ bit;
    if (below > 0) down[0] = rank - below;
    while (below > 0 && rank + below >= n) below >>= 1;
    if (below > 0) down[1] = rank + below;
}

/* The number that a node has in the second tree, and back (ncclGetDtree). */
static int renumbered(int nodes, int node, bool back)
{
    if (nodes % 2 == 0) return nodes - 1 - node;
    return (node + (back ? 1 : nodes - 1)) % nodes;
}

/* Who begins the chain in a node, or -1 of no node. */
static int chain_first(Group *group, int node, int chain)
{
    const int *first = group_nodes(group);
    return node < 0 ? -1 : first[node] + chain % (first[node + 1] - first[node]);
}

/* This rank's. */
static int node_of(Group *group, const Spread *s)
{
    const int *first = group_nodes(group);
    int node = s->even ? group->rank / s->most : 0;
    while (first[node + 1] <= group->rank) node++;
    return node;
}

static void add_below(TreePlace *place, int rank)
{
    if (rank >= 0) place->down[place->downs++] = rank;
}

TreePlace tree_place(Group *group, int tree)
{
    const Spread s = group_spread(group);
    const int node = node_of(group, &s);
    const int each = trees_a_chain(&s), chain = tree / each, *first = group_nodes(group);
    const int size = first[node + 1] - first[node], own = group->rank - first[node],
              head = chain_first(group, node, chain), at = (group->rank - head + size) % size;
    TreePlace place = {.up = at > 0 ? first[node] + (own + size - 1) % size : -1};
    if (at + 1 < size) add_below(&place, first[node] + (own + 1) % size);
    if (at > 0) return place;
    bool second = tree % each == 1;
    int up, down[2];
    binary_tree(s.nodes, second ? renumbered(s.nodes, node, false) : node, &up, down);
    if (second) {
        if (up >= 0) up = renumbered(s.nodes, up, true);
        for (int i = 0; i < 2; i++)
            if (down[i] >= 0) down[i] = renumbered(s.nodes, down[i], true);
    }
    place.up = chain_first(group, up, chain);
    for (int i = 0; i < 2; i++) add_below(&place, chain_first(group, down[i], chain));
    return place;
}
