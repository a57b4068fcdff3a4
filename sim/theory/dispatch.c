/* dispatch.c - what replicas that share experts send each other: rows to the ranks of their experts, and back. */
#include <math.h>
#include <stdint.h>
#include "models/machine/real.h"
#include "sim/theory/exchange.h"
#include "sim/theory/share.h"
#include "sim/theory/theory.h"

/* Rows that the tokens of a rank have for one expert under an even load: what is left of as many for each goes to all ranks'
 * first experts, then to their second ones, and of each scope no more are taken than may be (share.c). */
static double even_rows(const Config *config, double rank, double among)
{
    const ExpertsShape *e = &config->model.shape.experts;
    double b = (double)config->train.microbatch,
           scopes = (double)load_scopes(&config->model.shape, config->train.microbatch);
    double E = (double)e->count, ep = (double)config->expert.size,
           choices = b * (double)config->model.shape.sequence * (double)e->top_k / scopes;
    double rows = floor(choices / E) + (among * ep + rank < fmod(choices, E));
    return scopes * (e->capacity > 0 ? fmin(rows, theory_capacity(config)) : rows);
}

double theory_even_rows(const Config *config, int rank)
{
    int64_t held = config->model.shape.experts.count / config->expert.size;
    double rows = 0;
    for (int64_t e = 0; e < held; e++) rows += even_rows(config, rank, (double)e);
    return rows;
}

/* A token's choices differ: an expert gets each token once. */
double theory_experts_rows_here(const Config *config, int rank)
{
    const ExpertsShape *e = &config->model.shape.experts;
    double ep = (double)config->expert.size, held = (double)e->count / ep,
           b = (double)config->train.microbatch,
           scopes = (double)load_scopes(&config->model.shape, config->train.microbatch);
    if (e->capacity == 0) return ep * theory_even_rows(config, rank);
    return ep * fmin(scopes * held * theory_capacity(config),
                     (double)config->model.shape.sequence * b * fmin(held, (double)e->top_k));
}

static void add_sent(const Exchange *x, double times, void *context)
{
    RowsSent *sent = context;
    double rows[ROUTES];
    theory_exchange_sends(x, rows);
    for (Route r = 0; r < ROUTES; r++) sent->rows[x->back][r] += times * rows[r];
}

RowsSent theory_rows_sent(const Config *config, const Plan *plan, const Share *share, const int32_t *taken)
{
    RowsSent sent = {{{0}}};
    theory_exchanges(config, plan, share, taken, add_sent, &sent);
    return sent;
}

static void most_room(const Exchange *x, double times, void *context)
{
    double *most = context;
    if (times > 0) *most = fmax(*most, theory_exchange_room(x) * x->row);
}

double theory_rows_room(const Config *config, const Plan *plan, int ranks, int rank, const int32_t *taken)
{
    const Share share = theory_share(config, plan, ranks, rank);
    double most = 0;
    if (share.ep > 1 && config->expert.way == DISPATCH_ALL_TO_ALL)
        theory_exchanges(config, plan, &share, taken, most_room, &most);
    return most;
}

/* Whatever is chosen: either half of a ring of all tokens, forward and backward; and of each choice its expert and gate, of
 * which the gradient comes back. */
static void gathered(const Config *config, const Share *share, double layers, double bytes[PURPOSES])
{
    const GptShape *shape = &config->model.shape;
    double n = (double)(config->train.microbatch * shape->sequence),
           choices = n * (double)shape->experts.top_k, r = sizeof(real), index = sizeof(int32_t),
           forwards = config->train.recompute == RECOMPUTE_FULL ? 2 : 1;
    double tokens = n * (double)shape->hidden * theory_width(config), times = layers * (share->ep - 1);
    bytes[MOE_DISPATCH] = times * ((forwards + 1) * tokens + forwards * choices * (index + r));
    bytes[MOE_COMBINE] = times * ((forwards + 1) * tokens + choices * r);
}

double theory_row_bytes(const Config *config)
{
    int times = config->train.recompute == RECOMPUTE_FULL ? 3 : 2;
    return times * (double)config->model.shape.hidden * theory_width(config);
}

/* Lepikhin et al. 2006.16668, section 3.1; Rajbhandari et al. 2201.05596, section 5: h values a row cross to the expert and
 * back, forward; their gradients to it and back, backward; and again what is computed again. Before them each rank
 * tells all others how many rows it has for every expert. */
void theory_dispatched(const Config *config, const Plan *plan, int ranks, int rank, const int32_t *taken,
                       double bytes[PURPOSES])
{
    const Share share = theory_share(config, plan, ranks, rank);
    const GptShape *shape = &config->model.shape;
    double layers = share.sparse * plan->shape.m, again = config->train.recompute == RECOMPUTE_FULL;
    bytes[MOE_COUNTS] = bytes[MOE_DISPATCH] = bytes[MOE_COMBINE] = 0;
    if (share.ep == 1) return;
    bytes[MOE_COUNTS] =
        layers * (1 + again) * (share.ep - 1) * (double)shape->experts.count * sizeof(int32_t);
    if (config->expert.way == DISPATCH_ALL_GATHER) {
        gathered(config, &share, layers, bytes);
        return;
    }
    const RowsSent sent = theory_rows_sent(config, plan, &share, taken);
    double row = theory_row_bytes(config);
    bytes[MOE_DISPATCH] = (sent.rows[0][ROUTE_INSIDE] + sent.rows[0][ROUTE_ACROSS]) * row;
    bytes[MOE_COMBINE] = (sent.rows[1][ROUTE_INSIDE] + sent.rows[1][ROUTE_ACROSS]) * row;
}
