/* hops.h - whether rows to experts may go in two hops (hardware.all_to_all), by where the ranks that share experts lie. */
#ifndef SIM_CONFIG_HOPS_H
#define SIM_CONFIG_HOPS_H
#include "sim/config/config.h"

/* How many of the n members, of the world's ranks, each of their nodes has; 0: theirs go straight, as nodes have one each,
 * or some more than others, or there is one node, or no hops are asked for. */
int config_hops(const Network *network, const int *member, int n);
/* Whether those of any ranks may hop. */
bool config_any_hops(const Config *config, int ranks);
#endif
