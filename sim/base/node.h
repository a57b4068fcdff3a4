/* node.h - the machine a process runs on: its name, and what it has left. */
#ifndef SIM_BASE_NODE_H
#define SIM_BASE_NODE_H
#include <stddef.h>

enum { NODE_NAME = 64 };

/* What it calls itself, cut where it is longer. */
void node_name(char name[NODE_NAME]);
#endif
