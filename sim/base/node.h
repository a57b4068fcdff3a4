/* node.h - the machine a process runs on: its name, and what it has left. */
#ifndef SIM_BASE_NODE_H
#define SIM_BASE_NODE_H
#include <stddef.h>

enum { NODE_NAME = 64 };

typedef struct Node {
    char name[NODE_NAME];
    double
        memory; /* bytes that processes here may still take together: of the machine, and of every control group
                     * this one is in */
    double process; /* and this process alone, by its limit (ulimit -v) */
    double disk;    /* bytes free where a file is to go */
    int cores;      /* that processes here may use together (parallel/wire/cores.h) */
} Node;

/* What it calls itself, cut where it is longer. */
void node_name(char name[NODE_NAME]);

/* That, and the processor's model where it is known: "vm-1, Intel(R) Xeon(R) Processor". */
void node_describe(char *text, size_t size);

/* What is unknown is infinite. `path`: of the file, whose folder need not be there yet. */
Node node_look(const char *path);

/* The memory as told by /proc and /sys below `root`; "" for the machine's own. */
double node_memory(const char *root);
#endif
