/* cores.h - the cores of a node, which its ranks share. */
#ifndef PARALLEL_WIRE_CORES_H
#define PARALLEL_WIRE_CORES_H
#include <stdbool.h>
#include <stdint.h>

enum { CORES_MOST = 1024 };

/* A bit each; of hardware threads that share a core the core's first stands for all, as the second adds little to products. */
typedef struct Cores {
    uint64_t bits[CORES_MOST / 64];
} Cores;

/* Those that this process may run on: fewer than the node's where a launcher has bound it. `root`: of /proc and
 * /sys, "" but in tests. */
Cores cores_allowed(const char *root);
int cores_count(const Cores *cores);
/* Whether this process may run on some of the processors alone. */
bool cores_are_fewer(void);
/* Adds those of another. */
void cores_join(Cores *cores, const Cores *other);
/* How many each of so many ranks has for itself, 1 at least, of those that this one may run on and that any of them may:
 * no more than its share of what this process's control groups, as of a container, let a group use together. */
int cores_of_rank(const char *root, const Cores *mine, const Cores *of_any, int ranks);
/* How many this process has, alone; and how many all processes of the node, to whichever cores a launcher has bound this
 * one: 1 at least, and no more than the control groups let them use. */
int cores_of_process(void);
int cores_of_node(const char *root);
#endif
