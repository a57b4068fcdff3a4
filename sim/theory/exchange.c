/* exchange.c - rows of one exchange, straight and in two hops, and whether these take less. */
#include "sim/theory/exchange.h"
#include <math.h>
#include <stdlib.h>
#include "models/machine/error.h"
#include "parallel/network/all_to_all.h"
#include "sim/config/hops.h"
#include "sim/theory/theory.h"

static double between(const Exchange *x, int from, int to)
{
    const int of = x->back ? to : from, with = x->back ? from : to;
    return x->rows[x->alike ? with : of * x->n + with];
}

static double straight(const Exchange *x, int from, int to)
{
    return from == to ? 0 : between(x, from, to);
}

/* From one member's place, in a node, to another's; what it has for its own it keeps. */
static double for_place(const Exchange *x, int from, int place)
{
    double rows = 0;
    for (int last = place; last < x->n; last += x->inside) rows += between(x, from, last);
    return rows;
}

static double first_hop(const Exchange *x, int from, int to)
{
    return from == to || from / x->inside != to / x->inside ? 0 : for_place(x, from, to % x->inside);
}

/* What all of a member's node have for another. */
static double of_node(const Exchange *x, int from, int to)
{
    double rows = 0;
    for (int first = from / x->inside * x->inside, p = 0; p < x->inside; p++)
        rows += between(x, first + p, to);
    return rows;
}

static double second_hop(const Exchange *x, int from, int to)
{
    return from == to || from % x->inside != to % x->inside ? 0 : of_node(x, from, to);
}

typedef double RowsOf(const Exchange *x, int from, int to);

/* Where all that is in a node is one member's `inside` after the other. */
static double takes(const Exchange *x, RowsOf *rows)
{
    AllToAllSize size = {.pair = 0};
    for (int i = 0; i < x->n; i++) {
        int messages[2][ROUTES] = {{0}};
        double bytes[2][ROUTES] = {{0}};
        for (int j = 0; j < x->n; j++) {
            const Route route = i / x->inside == j / x->inside ? ROUTE_INSIDE : ROUTE_ACROSS;
            const double there[] = {x->row * rows(x, i, j), x->row * rows(x, j, i)};
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
    const NetworkTime time = network_all_to_all(&x->network, &size);
    return network_alone(&time);
}

static bool hops(const Exchange *x)
{
    if (x->inside == 0 || x->network.all_to_all == ALL_TO_ALL_HIERARCHICAL) return x->inside > 0;
    return takes(x, first_hop) + takes(x, second_hop) < takes(x, straight);
}

void theory_exchange_sends(const Exchange *x, double rows[ROUTES])
{
    const bool two = hops(x);
    rows[ROUTE_INSIDE] = rows[ROUTE_ACROSS] = 0;
    for (int to = 0; to < x->n; to++) {
        const Route route = network_route(&x->network, x->member[x->self], x->member[to]);
        rows[route] +=
            two ? first_hop(x, x->self, to) + second_hop(x, x->self, to) : straight(x, x->self, to);
    }
}

double theory_exchange_room(const Exchange *x)
{
    double packed = 0, brought = 0, passed_on = 0;
    if (!hops(x)) return 0;
    for (int to = 0; to < x->n; to++)
        packed += first_hop(x, x->self, to), passed_on += second_hop(x, x->self, to);
    for (int p = 0; p < x->inside; p++)
        brought += for_place(x, x->self / x->inside * x->inside + p, x->self % x->inside);
    return packed + brought + passed_on;
}

/* ---- those of a step ---- */

static Exchange exchange_new(const Config *config, const Share *share, bool alike)
{
    Exchange x = {.network = config_network(config, share->ranks),
                  .n = share->ep,
                  .self = share->replica % share->ep,
                  .row = (double)config->model.shape.hidden * theory_width(config),
                  .alike = alike};
    x.member = allocate((size_t)share->ranks * sizeof *x.member);
    mesh_members(config_mesh(config, share->ranks), share->rank, AXIS_EXPERT, x.member);
    x.inside = config_hops(&x.network, x.member, x.n);
    x.rows = allocate((size_t)x.n * (alike ? 1 : (size_t)x.n) * sizeof *x.rows);
    return x;
}

typedef struct Step {
    const Config *config;
    const Plan *plan;
    const Share *share;
    const int32_t *taken;
} Step;

/* Of a layer, from 0 among those with experts, and a microbatch. Of rows that go straight in any case only the rank's own
 * are asked for. */
static void take(Exchange *x, const Step *s, int64_t layer, int microbatch)
{
    const int64_t E = s->config->model.shape.experts.count, held = E / x->n;
    const int first = s->share->replica - x->self;
    for (int i = 0; i < x->n; i++) {
        const int64_t at = (layer * s->share->replicas + first + i) * s->plan->shape.m + microbatch;
        const int32_t *of = s->taken + at * E;
        for (int j = 0; j < x->n; j++) {
            double *rows = &x->rows[i * x->n + j];
            *rows = 0;
            if (x->inside == 0 && i != x->self && j != x->self) continue;
            for (int64_t e = j * held; e < (j + 1) * held; e++) *rows += of[e];
        }
    }
}

typedef void Each(const Exchange *x, double times, void *context);

static void both_ways(Exchange *x, double times, Each *each, void *context)
{
    for (int back = 0; back < 2; back++) {
        x->back = back;
        each(x, times, context);
    }
}

static void each_of_stage(Exchange *x, const Step *s, int stage, Each *each, void *context)
{
    const GptShape *shape = &s->config->model.shape;
    int64_t layer = 1;
    for (int k = 0; k < stage; k++) layer += (int64_t)theory_blocks(s->config, s->plan, k).all;
    const int64_t end = layer + (int64_t)theory_blocks(s->config, s->plan, stage).all;
    for (; layer < end; layer++) {
        if (!has_experts(shape, layer)) continue;
        for (int m = 0; m < s->plan->shape.m; m++) {
            take(x, s, layers_with_experts(shape, 1, layer) - 1, m);
            both_ways(x, 1, each, context);
        }
    }
}

void theory_exchanges(const Config *config, const Plan *plan, const Share *share, const int32_t *taken,
                      Each *each, void *context)
{
    const Step step = {config, plan, share, taken};
    Exchange x = exchange_new(config, share, !taken);
    for (int j = 0; j < x.n && !taken; j++) x.rows[j] = theory_even_rows(config, j);
    if (!taken) both_ways(&x, share->sparse * plan->shape.m, each, context);
    for (int k = 0; k < plan->stages && taken; k++)
        if (plan->rank_of[k] == share->pipe) each_of_stage(&x, &step, k, each, context);
    free(x.member);
    free(x.rows);
}
