/* hops.c - of all groups of ranks that share experts. */
#include "sim/config/hops.h"
#include <stdlib.h>
#include "models/machine/error.h"

int config_hops(const Network *network, const int *member, int n)
{
    if (network->all_to_all == ALL_TO_ALL_STRAIGHT) return 0;
    const Spread s = place_spread(&network->placement, member, n);
    return s.even && s.nodes > 1 && s.most > 1 ? s.most : 0;
}

bool config_any_hops(const Config *config, int ranks)
{
    const Network network = config_network(config, ranks);
    const MeshShape mesh = config_mesh(config, ranks);
    bool any = false;
    if (network.all_to_all == ALL_TO_ALL_STRAIGHT) return false;
    int *member = allocate((size_t)ranks * sizeof *member);
    for (int rank = 0; rank < ranks && !any; rank++)
        any = config_hops(&network, member, mesh_members(mesh, rank, AXIS_EXPERT, member)) > 0;
    free(member);
    return any;
}
