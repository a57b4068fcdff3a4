/* hops.h - rows to experts and back in two hops over nodes; inside the theory only. */
#ifndef SIM_THEORY_HOPS_H
#define SIM_THEORY_HOPS_H
#include "sim/theory/share.h"

/* Members a node, where replicas that share experts may send their rows so (hardware.all_to_all): as many, two or more, in each
 * of several nodes; else 0. */
int theory_may_hop(const Config *config, int ranks, int rank);
/* And do under an even load, there or, `back`, home. */
bool theory_hops(const Config *config, const Share *share, bool back);
/* Rows that the rank then sends in one exchange: Hwang et al. 2206.03382, section 3.3; first inside the node those for
 * members of other places of all nodes, then across what its node has for its own place in others. */
double theory_hopping_rows(const Config *config, const Share *share, bool back);
#endif
