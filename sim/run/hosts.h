/* hosts.h - which machines a run's ranks are on. */
#ifndef SIM_RUN_HOSTS_H
#define SIM_RUN_HOSTS_H
#include "parallel/wire/comm.h"
#include "sim/base/node.h"

enum { HOSTS_TEXT = 512 };

typedef struct Hosts {
    int count;
    char text[HOSTS_TEXT]; /* "host0: 0-1; host1: 2-3": each machine's ranks, in the order of its first */
    int across;            /* groups of neighbouring ranks that are on more than one */
} Hosts;

/* Of ranks on machines of these names; what does not fit into the text is "and 5 more", or all "5 hosts". `together`:
 * ranks of a group. */
Hosts hosts_of(const char (*name)[NODE_NAME], int ranks, int together);
/* Collective; only rank 0 learns it. A dry run's virtual ranks tell as much, and are on none. */
Hosts hosts_look(Group *world, int together, bool dry);
#endif
