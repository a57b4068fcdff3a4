/* cluster.c - numbers. */
#include "tests/support/cluster.h"
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"
#include "models/machine/random.h"

NetworkNode cluster_plain(int devices)
{
    return (NetworkNode){.devices = devices,
                         .link_gb = 100,
                         .link_share = 1,
                         .pair_share = 1,
                         .link_us = 1,
                         .cards = devices,
                         .card_gb = 25,
                         .card_share = 1,
                         .card_us = 4,
                         .message_share = 1,
                         .any_card = true};
}

NetworkNode cluster_random(uint64_t seed)
{
    uint64_t at = 0;
#define BELOW(n) ((double)random_below(seed, STREAM_WEIGHTS, 0, at++, n))
    NetworkNode n = cluster_plain(1 + (int)BELOW(8));
    n.link_gb = 5 + BELOW(600);
    n.link_share = 0.5 + 0.05 * BELOW(10);
    if (BELOW(2) > 0) n.pair_share = 1 / (1 + BELOW(8));
    n.link_us = BELOW(20);
    n.cards = 1 + (int64_t)BELOW(8);
    n.card_gb = 1 + BELOW(100);
    n.card_share = 0.5 + 0.05 * BELOW(10);
    n.card_us = BELOW(50);
    n.message_share = 0.2 + 0.05 * BELOW(16);
    n.any_card = BELOW(2) > 0;
    n.carrier = (int)(seed % 2 ? 1 + BELOW(CARRIERS - 1) : 0);
    if (n.carrier) n.collective_us = 25, n.simple_us = 62;
    if (n.carrier == CARRIED_BY_NCCL_HOPPER && BELOW(2) > 0) n.switch_gb = n.link_gb * (1 + 0.1 * BELOW(5));
#undef BELOW
    return n;
}

Spread cluster_spread(const Network *network, int size, int apart)
{
    int *member = allocate((size_t)size * sizeof *member);
    for (int i = 0; i < size; i++) member[i] = i * apart;
    Spread spread = place_spread(&network->placement, member, size);
    free(member);
    return spread;
}
