/* links.c - what part of the bytes of a step leaves a node: who sends to whom, and where they lie. */
#include <math.h>
#include <stdlib.h>
#include "models/machine/error.h"
#include "sim/theory/all_reduce.h"
#include "sim/theory/exchange.h"
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

/* What moves along the data axis of units that ranks hold alike, these along a part of it. */
static void alike_ways(const Config *config, const Seat *p, Ways ways[PURPOSES])
{
    for (int i = 0; i < PURPOSES; i++)
        if (purpose_row[i].axis == AXIS_DATA) ways[i] = ring(p);
    ways[DP_BROADCAST] = children(p);
    ways[DP_REDUCE] = straight(p, parent(p->self));
    ways[DP_ALL_REDUCE] = all_reduce(p);
    if (!(config->parallel.quantize & QUANTIZE_GRADIENTS)) return;
    /* exchanged, then gathered round: the same bytes in either half */
    Ways half[] = {exchange(p), ring(p)};
    ways[ZERO_REDUCE_SCATTER] = half[0];
    ways[DP_ALL_REDUCE] = (Ways){half[0].across + half[1].across * (p->spread.size - 1), 2 * half[0].all};
}

static void add_link(double bytes[ROUTES][PURPOSES], int purpose, double all, Ways ways)
{
    double across = isnan(all) ? all : ways.across > 0 ? all / ways.all * ways.across : 0;
    bytes[ROUTE_ACROSS][purpose] += across;
    bytes[ROUTE_INSIDE][purpose] += all - across;
}

/* Whether a ring of replicas has blocks of different sizes for the counts of choices that go round. */
static bool uneven_loads(const Share *share, const GptShape *shape)
{
    double bias = has_expert_bias(shape) ? (double)shape->experts.count : 0,
           batch = has_batch_load(shape) ? (double)batch_load_counts(shape) : 0;
    return fmod(share->sparse * bias, share->replicas) != 0 ||
           fmod(share->sparse * batch, share->replicas) != 0;
}

/* As this rank sends them: who stands for others of its group has as many of it in its node as they have. */
void theory_links_dispatched(const Config *config, const Plan *plan, int ranks, int rank, int alike,
                             const int32_t *taken, double bytes[ROUTES][PURPOSES])
{
    const Share share = theory_share(config, plan, ranks, rank);
    const RowsSent sent = theory_rows_sent(config, plan, &share, taken);
    const double row = alike * theory_row_bytes(config);
    for (Route r = 0; r < ROUTES; r++) {
        bytes[r][MOE_DISPATCH] += row * sent.rows[0][r];
        bytes[r][MOE_COMBINE] += row * sent.rows[1][r];
    }
}

static void link_dispatch(const Config *config, const Plan *plan, const Share *share, const Seat *p,
                          int alike, double sends[PURPOSES], double bytes[ROUTES][PURPOSES])
{
    add_link(bytes, MOE_COUNTS, alike * sends[MOE_COUNTS], ring(p));
    if (config->expert.way == DISPATCH_ALL_GATHER) {
        add_link(bytes, MOE_DISPATCH, alike * sends[MOE_DISPATCH], ring(p));
        add_link(bytes, MOE_COMBINE, alike * sends[MOE_COMBINE], ring(p));
    } else
        theory_links_dispatched(config, plan, share->ranks, share->rank, alike, NULL, bytes);
    sends[MOE_COUNTS] = sends[MOE_DISPATCH] = sends[MOE_COMBINE] = 0;
}

/* Of experts that replicas share: adds what moves of them, and takes it from `sends`. */
static void link_experts(const Config *config, const Plan *plan, const Share *share, const Network *network,
                         int alike, double sends[PURPOSES], double bytes[ROUTES][PURPOSES])
{
    MeshShape shape = config_mesh(config, share->ranks);
    int *member = allocate(2 * (size_t)share->ranks * sizeof *member);
    Seat same = seat_of(network, shape, share->rank, AXIS_EXPERT_DATA, member),
         others = seat_of(network, shape, share->rank, AXIS_EXPERT, member + share->ranks);
    double experts[PURPOSES], norm = (share->ep - 1) * (double)sizeof(double);
    Ways ways[PURPOSES] = {{0, 0}};
    theory_bytes_of_experts(config, plan->shape.m, share, experts);
    if (theory_sums_by_bucket(config, share->ranks)) experts[DP_ALL_REDUCE] = 0; /* all buckets together */
    alike_ways(config, &same, ways);
    for (int p = 0; p < PURPOSES; p++) {
        sends[p] -= experts[p];
        add_link(bytes, p, alike * experts[p], ways[p]);
    }
    sends[ZERO_NORM] -= norm;
    add_link(bytes, ZERO_NORM, alike * norm, ring(&others));
    link_dispatch(config, plan, share, &others, alike, sends, bytes);
    free(member);
}

void theory_links(const Config *config, const Plan *plan, int ranks, int rank, int alike,
                  double bytes[ROUTES][PURPOSES])
{
    MeshShape shape = config_mesh(config, ranks);
    Network network = config_network(config, ranks);
    const Share share = theory_share(config, plan, ranks, rank);
    int *member = allocate(3 * (size_t)ranks * sizeof *member);
    Seat data = seat_of(&network, shape, rank, AXIS_DATA, member),
         tensor = seat_of(&network, shape, rank, AXIS_TENSOR, member + ranks),
         pipe = seat_of(&network, shape, rank, AXIS_PIPE, member + 2 * ranks);
    bool shared = kv_sharing(&config->model.shape, shape.tp) > 1;
    int last = plan->rank_of[plan->stages - 1];
    double sends[PURPOSES];
    Ways ways[PURPOSES];
    theory_bytes(config, plan, ranks, rank, sends);
    if (share.ep > 1) link_experts(config, plan, &share, &network, alike, sends, bytes);
    for (int p = 0; p < PURPOSES; p++)
        ways[p] = purpose_row[p].axis == AXIS_TENSOR ? ring(&tensor) : ring(&pipe);
    alike_ways(config, &data, ways);
    ways[DP_SCATTER] = star(&data);
    ways[DP_GATHER] = straight(&data, 0);
    ways[MOE_LOAD] = all_reduce(&data);
    ways[TP_ALL_REDUCE] = ways[TP_GRADIENTS] = all_reduce(&tensor);
    ways[PP_SEND_FORWARD] = borders(&pipe, plan, true);
    ways[PP_SEND_BACKWARD] = borders(&pipe, plan, false);
    ways[PP_EMBEDDING] = straight(&pipe, pipe.self == last ? plan->rank_of[0] : last);
    if (network.all_reduce == ALL_REDUCE_TREE || network.all_reduce == ALL_REDUCE_AUTO)
        sums(config, plan, &share, ways);
    for (int p = 0; p < PURPOSES; p++) {
        double all = alike * sends[p];
        /* of heads that several ranks hold alike the sums go over smaller groups */
        bool smaller = p == TP_GRADIENTS && tensor.spread.nodes > 1 && shared;
        bool uneven = p == MOE_LOAD && data.spread.nodes > 1 && uneven_loads(&share, &config->model.shape);
        if (purpose_row[p].axis == AXIS_NONE || smaller || uneven) all = (double)NAN;
        add_link(bytes, p, all, ways[p]);
    }
    free(member);
}
