/* links.c - what part of the bytes of a step leaves a node: who sends to whom, and where they lie. */
#include <math.h>
#include <stdlib.h>
#include "models/machine/error.h"
#include "sim/theory/all_reduce.h"
#include "sim/theory/theory.h"

/* Of what ranks send equal parts go so many ways, of which some lead out of a node. */
typedef struct Ways {
    double across, all;
} Ways;

/* A group of the grid, as a rank of it knows it. */
typedef struct Seat {
    const Network *network;
    const int *member; /* (spread.size) */
    Spread spread;
    int self; /* among them */
} Seat;

static bool leaves(const Seat *p, int from, int to)
{
    return network_route(p->network, p->member[from], p->member[to]) == ROUTE_ACROSS;
}

/* Members to their right neighbours, round. */
static Ways ring(const Seat *p)
{
    return (Ways){p->spread.nodes > 1 ? p->spread.nodes : 0, p->spread.size};
}

/* Of 2 (n-1)/n S a rank sends 2 (N-1)/N S/g out of its node of g, n = g N: (N-1)/(n-1). */
static Ways all_reduce(const Seat *p)
{
    if (!network_is_hierarchical(p->network, &p->spread)) return ring(p);
    return (Ways){p->spread.nodes - 1, p->spread.size - 1};
}

/* Every member to every other. */
static Ways exchange(const Seat *p)
{
    int n = p->spread.size;
    Ways ways = {0, (double)n * (n - 1)};
    for (int first = 0, end; first < n; first = end) { /* those in one node with those in none of it */
        for (end = first + 1; end < n && !leaves(p, first, end); end++) {}
        ways.across += (double)(end - first) * (n - (end - first));
    }
    return ways;
}

/* The main rank to all. */
static Ways star(const Seat *p)
{
    Ways ways = {0, p->spread.size - 1};
    for (int to = 1; to < p->spread.size; to++) ways.across += leaves(p, 0, to);
    return ways;
}

/* One member down its tree. */
static Ways children(const Seat *p)
{
    Ways ways = {0};
    for (int bit = 1; bit < p->spread.size && !(p->self & bit); bit <<= 1) {
        if (p->self + bit >= p->spread.size) break;
        ways.across += leaves(p, p->self, p->self + bit);
        ways.all++;
    }
    return ways;
}

/* One member to another. */
static Ways straight(const Seat *p, int to)
{
    return (Ways){leaves(p, p->self, to), 1};
}

/* Over the borders between stages that a rank sends over. */
static Ways borders(const Seat *pipe, const Plan *plan, bool forward)
{
    Ways ways = {0};
    for (int k = 0; k < plan->stages - 1; k++) {
        int from = plan->rank_of[forward ? k : k + 1], to = plan->rank_of[forward ? k + 1 : k];
        if (from == to || from != pipe->self) continue;
        ways.across += leaves(pipe, from, to);
        ways.all++;
    }
    return ways;
}

/* Of sums that go over trees where these take less: as they are. */
static void sums(const Config *config, const Plan *plan, const Share *share, Ways ways[PURPOSES])
{
    double g = theory_gradient_width(config, plan->shape.m);
    Sum activations = theory_sum_activations(config, share, plan->shape.m, theory_width(config)),
        uncut = theory_sum_uncut(config, share, g);
    ways[TP_ALL_REDUCE] = (Ways){activations.across, activations.sent};
    ways[TP_GRADIENTS] = (Ways){uncut.across, uncut.sent};
    Sum loads = theory_sum_loads(config, share);
    ways[MOE_LOAD] = (Ways){loads.across, loads.sent};
    if (!theory_sums_by_bucket(config, share->ranks)) return;
    Sum buckets = theory_sum_buckets(config, plan, share);
    ways[DP_ALL_REDUCE] = (Ways){buckets.across, buckets.sent};
}

static Seat seat_of(const Network *network, MeshShape shape, int rank, Axis axis, int *member)
{
    Seat p = {.network = network, .member = member};
    int n = mesh_members(shape, rank, axis, member);
    p.spread = place_spread(&network->placement, member, n);
    while (member[p.self] != rank) p.self++;
    return p;
}

/* What a tree's parent is. */
static int parent(int self)
{
    return self & (self - 1);
}

void theory_links(const Config *config, const Plan *plan, int ranks, int rank, int alike,
                  double bytes[ROUTES][PURPOSES])
{
    MeshShape shape = config_mesh(config, ranks);
    Network network = config_network(config, ranks);
    int *member = allocate(3 * (size_t)ranks * sizeof *member);
    Seat data = seat_of(&network, shape, rank, AXIS_DATA, member),
         tensor = seat_of(&network, shape, rank, AXIS_TENSOR, member + ranks),
         pipe = seat_of(&network, shape, rank, AXIS_PIPE, member + 2 * ranks);
    bool quantizes = config->parallel.quantize & QUANTIZE_GRADIENTS,
         shared = kv_sharing(&config->model.shape, shape.tp) > 1;
    int last = plan->rank_of[plan->stages - 1];
    double sends[PURPOSES];
    Ways ways[PURPOSES];
    theory_bytes(config, plan, ranks, rank, sends);
    for (int p = 0; p < PURPOSES; p++)
        ways[p] = purpose_row[p].axis == AXIS_DATA     ? ring(&data)
                  : purpose_row[p].axis == AXIS_TENSOR ? ring(&tensor)
                                                       : ring(&pipe);
    ways[DP_SCATTER] = star(&data);
    ways[DP_BROADCAST] = children(&data);
    ways[DP_GATHER] = straight(&data, 0);
    ways[DP_REDUCE] = straight(&data, parent(data.self));
    ways[DP_ALL_REDUCE] = ways[MOE_LOAD] = all_reduce(&data);
    ways[TP_ALL_REDUCE] = ways[TP_GRADIENTS] = all_reduce(&tensor);
    ways[PP_SEND_FORWARD] = borders(&pipe, plan, true);
    ways[PP_SEND_BACKWARD] = borders(&pipe, plan, false);
    ways[PP_EMBEDDING] = straight(&pipe, pipe.self == last ? plan->rank_of[0] : last);
    if (network.all_reduce == ALL_REDUCE_TREE || network.all_reduce == ALL_REDUCE_AUTO) {
        Share share = theory_share(config, plan, ranks, rank);
        sums(config, plan, &share, ways);
    }
    if (quantizes) ways[ZERO_REDUCE_SCATTER] = exchange(&data);
    if (quantizes) { /* exchanged, then gathered round: the same bytes in either half */
        Ways half[] = {exchange(&data), ring(&data)};
        ways[DP_ALL_REDUCE] =
            (Ways){half[0].across + half[1].across * (data.spread.size - 1), 2 * half[0].all};
    }
    for (int p = 0; p < PURPOSES; p++) {
        double all = alike * sends[p], across = ways[p].across > 0 ? all / ways[p].all * ways[p].across : 0;
        /* of heads that several ranks hold alike the sums go over smaller groups */
        bool smaller = p == TP_GRADIENTS && tensor.spread.nodes > 1 && shared;
        if (purpose_row[p].axis == AXIS_NONE || smaller) all = across = (double)NAN;
        bytes[ROUTE_ACROSS][p] += across;
        bytes[ROUTE_INSIDE][p] += all - across;
    }
    free(member);
}
