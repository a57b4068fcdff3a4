/* network.c - from a node's numbers to seconds. */
#include "parallel/network/network.h"
#include <math.h>
#include "parallel/network/nccl.h"

const char *const route_name[ROUTES] = {"inside", "across"};

Network network_flat(Link link)
{
    return (Network){.message = {link, link}, .ring = {link, link}, .pair_share = 1};
}

static Link link_of(double us, double gb, double share)
{
    return (Link){us * 1e-6, 1 / (gb * 1e9 * share)};
}

Network network_of(const NetworkNode *node, Placement placement, AllReduce all_reduce)
{
    Network n = {.placement = placement,
                 .all_reduce = all_reduce,
                 .any_card = node->any_card,
                 .sender_waits = node->sender_waits,
                 .carrier = (Carrier)node->carrier,
                 .launch = node->collective_us * 1e-6,
                 .simple = node->simple_us * 1e-6,
                 .taken = node->taken};
    n.placement.devices = (int)node->devices;
    n.ring[ROUTE_INSIDE] = link_of(node->link_us, node->link_gb, node->link_share);
    n.pair_share = node->pair_share;
    n.message[ROUTE_INSIDE] =
        link_of(node->link_us + node->message_us, node->link_gb, node->link_share * node->pair_share);
    if (node->switch_gb > 0) n.switch_seconds_per_byte = 1e-9 / node->switch_gb;
    if (node->cards == 0) return n;
    double all = (double)node->cards * node->card_gb;
    n.cards = (int)node->cards;
    n.ring[ROUTE_ACROSS] = link_of(node->card_us, all, node->card_share);
    n.message[ROUTE_ACROSS] =
        link_of(node->card_us + node->message_us, all / (double)node->devices, node->message_share);
    return n;
}

bool network_is_hierarchical(const Network *network, const Spread *s)
{
    return network->all_reduce == ALL_REDUCE_HIERARCHICAL && s->even && s->nodes > 1 && s->most > 1;
}

Route network_route(const Network *network, int from, int to)
{
    const Placement *p = &network->placement;
    return place_node(p, from) == place_node(p, to) ? ROUTE_INSIDE : ROUTE_ACROSS;
}

/* ---- rings ---- */

/* Seconds of a byte inside a node. Rings go several ways round, so they use all links between their members; where no
 * switch is between, those to others lie idle. */
static double inside_node(const Network *n, const Spread *spread)
{
    double share = (spread->most - 1) * n->pair_share;
    return n->ring[ROUTE_INSIDE].seconds_per_byte / (share > 0 && share < 1 ? share : 1);
}

/* Seconds of a byte out of a node, whose devices have equal parts of its cards. But NCCL enters a node by one card and
 * leaves it by one: where a ring's members do not sit side by side, they and all rings like theirs go through the same
 * one, unless a device reaches any card. */
static double out_of_node(const Network *n, const Spread *spread)
{
    double byte = n->ring[ROUTE_ACROSS].seconds_per_byte;
    if (spread->apart && !n->any_card) byte *= n->cards;
    return spread->least ? byte * n->placement.devices / spread->least : byte;
}

/* Each half of the bytes goes over a tree's edges once up and once down. The node with most edges in both trees has
 * three in one, to above and to two below, and as a leaf one in the other; of three nodes it has nobody but one below,
 * and of two it has an edge in each tree. */
static double across(const Network *n, const RingSize *ring)
{
    enum { EDGES = 4 };
    double byte = out_of_node(n, &ring->spread);
    return ring->trees && ring->spread.nodes < EDGES ? byte * ring->spread.nodes / EDGES : byte;
}

/* Of all steps. */
static Link ideal_link(const Network *n, const RingSize *ring, double seconds_per_byte)
{
    int leave = ring_crossings(ring);
    double latency = (ring->steps - leave) * n->ring[ROUTE_INSIDE].latency;
    if (leave > 0) latency += leave * n->ring[ROUTE_ACROSS].latency;
    return (Link){latency, seconds_per_byte};
}

/* NCCL's choice does not know what a launch takes, nor what Simple's synchronisation does beside its steps. */
static Link fastest(const Network *n, const RingSize *ring, double seconds_per_byte)
{
    double bytes = ring_bytes(ring), least = INFINITY;
    bool adds = n->switch_seconds_per_byte > 0 && ring->sums && !ring->trees && ring->spread.nodes == 1 &&
                ring->spread.size > 2;
    Link best = {0};
    for (NcclProtocol p = 0; p < NCCL_PROTOCOLS; p++) {
        if (p == NCCL_SWITCH && !adds) continue;
        Link link =
            nccl_link(n->carrier, p, ring, p == NCCL_SWITCH ? n->switch_seconds_per_byte : seconds_per_byte);
        double takes = link.latency + bytes * link.seconds_per_byte;
        if (!(takes < least)) continue;
        least = takes;
        best = link;
        best.latency += n->launch + (p >= NCCL_SIMPLE ? n->simple : 0);
    }
    return best;
}

NetworkTime network_ring(const Network *n, const RingSize *ring)
{
    const Spread *s = &ring->spread;
    double byte[ROUTES] = {0}, bytes = ring_bytes(ring);
    if (!(bytes > 0)) return (NetworkTime){0};
    if (s->most > 1) byte[ROUTE_INSIDE] = inside_node(n, s);
    if (s->nodes > 1) byte[ROUTE_ACROSS] = across(n, ring);
    double slowest = fmax(byte[ROUTE_INSIDE], byte[ROUTE_ACROSS]);
    Link link = n->carrier == CARRIED_IDEALLY ? ideal_link(n, ring, slowest) : fastest(n, ring, slowest);
    NetworkTime time = {.latency = link.latency};
    for (Route r = 0; r < ROUTES; r++) /* the slower a protocol, the longer on every link */
        if (slowest > 0) time.busy[r] = bytes * link.seconds_per_byte * byte[r] / slowest;
    return time;
}

double network_alone(const NetworkTime *time)
{
    double most = time->fullest;
    for (Route r = 0; r < ROUTES; r++)
        if (time->busy[r] > most) most = time->busy[r];
    return most + time->latency;
}

bool network_takes_trees(const Network *n, const RingSize *ring, size_t bytes)
{
    if (bytes == 0 || ring->spread.size < 2) return false;
    if (n->all_reduce != ALL_REDUCE_AUTO) return n->all_reduce == ALL_REDUCE_TREE;
    if (ring->spread.nodes == 1) return false;
    RingSize trees = trees_size(&ring->spread, bytes);
    NetworkTime round = network_ring(n, ring), up_and_down = network_ring(n, &trees);
    return network_alone(&up_and_down) < network_alone(&round);
}
