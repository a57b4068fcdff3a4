/* hops.c - the two hops' rows, and whether they take less. */
#include "sim/theory/hops.h"
#include <math.h>
#include <stdlib.h>
#include "models/machine/error.h"
#include "parallel/network/all_to_all.h"
#include "sim/theory/theory.h"

/* What members of a group have for each other: as many for the experts of one, whoever sends them. */
typedef struct Load {
    int n, inside; /* members in all, and in a node */
    bool back;
    const double *experts; /* (n) */
    double row;            /* bytes */
} Load;

static double between(const Load *l, int from, int to)
{
    return l->experts[l->back ? from : to];
}

static double straight(const Load *l, int from, int to)
{
    return from == to ? 0 : between(l, from, to);
}

static double first_hop(const Load *l, int from, int to)
{
    double rows = 0;
    if (from == to || from / l->inside != to / l->inside) return 0;
    for (int last = to % l->inside; last < l->n; last += l->inside) rows += between(l, from, last);
    return rows;
}

static double second_hop(const Load *l, int from, int to)
{
    double rows = 0;
    if (from == to || from % l->inside != to % l->inside) return 0;
    for (int first = from / l->inside * l->inside, p = 0; p < l->inside; p++)
        rows += between(l, first + p, to);
    return rows;
}

typedef double RowsOf(const Load *l, int from, int to);

/* Where all that is in a node is one member's `inside` after the other. */
static double takes(const Network *network, const Load *l, RowsOf *rows)
{
    AllToAllSize size = {.pair = 0};
    for (int i = 0; i < l->n; i++) {
        int messages[2][ROUTES] = {{0}};
        double bytes[2][ROUTES] = {{0}};
        for (int j = 0; j < l->n; j++) {
            const Route route = i / l->inside == j / l->inside ? ROUTE_INSIDE : ROUTE_ACROSS;
            const double there[] = {l->row * rows(l, i, j), l->row * rows(l, j, i)};
            for (int w = 0; w < 2; w++) {
                messages[w][route] += there[w] > 0;
                bytes[w][route] += there[w];
                if (route == ROUTE_INSIDE) size.pair = fmax(size.pair, there[w]);
            }
        }
        for (int w = 0; w < 2; w++)
            for (Route r = 0; r < ROUTES; r++) {
                if (messages[w][r] > size.messages[r]) size.messages[r] = messages[w][r];
                size.fullest[r] = fmax(size.fullest[r], bytes[w][r]);
            }
    }
    const NetworkTime time = network_all_to_all(network, &size);
    return network_alone(&time);
}

static Load load_new(const Config *config, const Share *share, int inside, bool back)
{
    double *experts = allocate((size_t)share->ep * sizeof *experts);
    for (int j = 0; j < share->ep; j++) experts[j] = theory_even_rows(config, j);
    return (Load){share->ep, inside, back, experts,
                  (double)config->model.shape.hidden * theory_width(config)};
}

int theory_may_hop(const Config *config, int ranks, int rank)
{
    const Network network = config_network(config, ranks);
    if (network.all_to_all == ALL_TO_ALL_STRAIGHT || config->expert.way != DISPATCH_ALL_TO_ALL) return 0;
    int *member = allocate((size_t)ranks * sizeof *member);
    const int n = mesh_members(config_mesh(config, ranks), rank, AXIS_EXPERT, member);
    const Spread s = place_spread(&network.placement, member, n);
    free(member);
    return s.even && s.nodes > 1 && s.most > 1 ? s.most : 0;
}

bool theory_any_may_hop(const Config *config, int ranks)
{
    bool any = false;
    for (int rank = 0; rank < ranks && !any; rank++) any = theory_may_hop(config, ranks, rank) > 0;
    return any;
}

bool theory_hops(const Config *config, const Share *share, bool back)
{
    const int inside = theory_may_hop(config, share->ranks, share->rank);
    if (inside == 0 || config->hardware.all_to_all == ALL_TO_ALL_HIERARCHICAL) return inside > 0;
    const Network network = config_network(config, share->ranks);
    Load load = load_new(config, share, inside, back);
    const bool hops = takes(&network, &load, first_hop) + takes(&network, &load, second_hop) <
                      takes(&network, &load, straight);
    free((void *)load.experts);
    return hops;
}

double theory_hopping_rows(const Config *config, const Share *share, bool back)
{
    Load load = load_new(config, share, theory_may_hop(config, share->ranks, share->rank), back);
    const int self = share->replica % share->ep;
    double rows = 0;
    for (int to = 0; to < share->ep; to++) rows += first_hop(&load, self, to) + second_hop(&load, self, to);
    free((void *)load.experts);
    return rows;
}
