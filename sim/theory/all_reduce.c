/* all_reduce.c - rings, hierarchies and trees, each with where its formula comes from. */
#include "sim/theory/all_reduce.h"
#include <math.h>
#include <stdlib.h>
#include "models/machine/error.h"
#include "models/machine/real.h"
#include "sim/theory/attention.h"

/* A member of a group that sums. */
typedef struct Member {
    int n, rank; /* its place among so many */
    Network network;
    Spread spread;
    int node, in_node, node_has; /* its node, its place there and that of how many */
} Member;

static Member member_of(const Config *config, int ranks, const int *member, int n, int rank)
{
    Member m = {.n = n, .rank = rank, .network = config_network(config, ranks)};
    int *first = allocate(((size_t)n + 1) * sizeof *first);
    m.spread = place_spread(&m.network.placement, member, n);
    place_runs(&m.network.placement, member, n, first);
    while (first[m.node + 1] <= rank) m.node++;
    m.in_node = rank - first[m.node];
    m.node_has = first[m.node + 1] - first[m.node];
    free(first);
    return m;
}

/* The ranks from `first` on, `n` of them, of a tensor group. Where there are rings alone, it does not matter where. */
static Member slices(const Config *config, const Share *share, int first, int n)
{
    Network network = config_network(config, share->ranks);
    if (network.all_reduce == ALL_REDUCE_RING)
        return (Member){n, share->slice - first, network, .spread = {.size = n, .nodes = 1}};
    int *member = allocate((size_t)share->ranks * sizeof *member);
    mesh_members(config_mesh(config, share->ranks), share->rank, AXIS_TENSOR, member);
    Member m = member_of(config, share->ranks, member + first, n, share->slice - first);
    free(member);
    return m;
}

/* ---- a tensor's values ---- */

/* One of n blocks, in the order of ranks, which go round. Blocks differ by one value where n does not divide. */
static double block(double count, int n, int rank)
{
    double each = floor(count / n), longer = count - each * n;
    return each + (rank % n < longer);
}

/* All blocks but one in either half of a ring (Patarasuk & Yuan 2009, 3). */
static Sum by_ring(double count, const Member *m)
{
    double sent = 2 * count - block(count, m->n, m->rank) - block(count, m->n, m->rank + 1);
    return (Sum){sent, m->spread.nodes > 1 ? sent * m->spread.nodes / m->n : 0};
}

/* 2 (g-1)/g S inside nodes of g, and of the block that is left, S/g, 2 (N-1)/N across N of them. Together that is the
 * ring's 2 (n-1)/n S. */
static Sum by_hierarchy(double count, const Member *m)
{
    int g = m->spread.most, nodes = m->spread.nodes, place = m->rank % g, node = m->rank / g;
    double own = block(count, g, place),
           across = 2 * own - block(own, nodes, node) - block(own, nodes, node + 1);
    return (Sum){2 * count - own - block(count, g, place + 1) + across, across};
}

/* Edges at a node of the tree over n whose odd ones are leaves: the root has one, the last even one no second child. */
static int edges(int n, int node)
{
    if (node == 0 || node % 2 == 1) return 1;
    return 2 + (node + 1 < n);
}

/* Each half goes both ways along every edge of its tree, up as a part of the sum and down as the whole (Sanders, Speck
 * and Traeff 2009): so a rank sends a tree's block once for each edge it has there. Of a node's chains the i-th begins
 * at its i-th rank, which alone has the tree's edges; a chain's others have a neighbour or two. Over all ranks that is
 * 2 (n-1) S. */
static Sum by_trees(double count, const Member *m)
{
    int nodes = m->spread.nodes, chains = m->spread.most, halves = nodes > 1 ? 2 : 1, g = m->node_has;
    int other = nodes % 2 == 0 ? nodes - 1 - m->node : (m->node + nodes - 1) % nodes;
    Sum sum = {0};
    for (int chain = 0; chain < chains; chain++) {
        int at = ((m->in_node - chain) % g + g) % g, beside = (at > 0) + (at + 1 < g);
        for (int half = 0; half < halves; half++) {
            int out = at == 0 && nodes > 1 ? edges(nodes, half ? other : m->node) : 0;
            double own = block(count, halves * chains, halves * chain + half);
            sum.sent += (beside + out) * own;
            sum.across += out * own;
        }
    }
    return sum;
}

/* Whether trees are taken: as NCCL does for the tensors together (parallel/network). */
static bool over_trees(const Member *m, const double *count, int tensors, double width)
{
    double all = 0, longest = 0;
    for (int i = 0; i < tensors; i++) {
        all += count[i];
        longest += block(count[i], m->n, 0);
    }
    RingSize ring = {m->spread, 2 * (m->n - 1), (size_t)(longest * width), true, false};
    return network_takes_trees(&m->network, &ring, (size_t)(all * width));
}

/* `tensors` of these counts at once, each value of `width` bytes. */
static Sum sum_of(const Member *m, const double *count, int tensors, double width)
{
    Sum sum = {0};
    if (m->n == 1) return sum;
    bool trees = over_trees(m, count, tensors, width),
         nested = network_is_hierarchical(&m->network, &m->spread);
    for (int i = 0; i < tensors; i++) {
        Sum one = trees ? by_trees(count[i], m) : nested ? by_hierarchy(count[i], m) : by_ring(count[i], m);
        sum.sent += one.sent * width;
        sum.across += one.across * width;
    }
    return sum;
}

/* Tensors that are summed at once. */
typedef struct Together {
    double count[16];
    int tensors;
} Together;

static void join(Together *t, double count, int tensors)
{
    const int most = sizeof t->count / sizeof *t->count;
    if (t->tensors + tensors > most) fail("a sum of more than %d tensors at once", most);
    while (tensors-- > 0) t->count[t->tensors++] = count;
}

static void add_together(Sum *sum, double times, const Member *m, const Together *t, double width)
{
    Sum one = sum_of(m, t->count, t->tensors, width);
    sum->sent += times * one.sent;
    sum->across += times * one.across;
}

/* So often, of tensors of one count. */
static void add(Sum *sum, double times, const Member *m, double count, int tensors, double width)
{
    Together t = {.tensors = 0};
    join(&t, count, tensors);
    add_together(sum, times, m, &t, width);
}

/* ---- activations and gradients of tensor groups ---- */

/* f and g of Shoeybi et al. 1909.08053, section 3: what entered attention backward, its result forward, and the MLP's
 * both; a block's forward again, where that is recomputed; the embedding forward; the head backward. */
Sum theory_sum_activations(const Config *config, const Share *share, double microbatches, double width)
{
    const Member m = slices(config, share, 0, share->t);
    const GptShape *shape = &config->model.shape;
    const AttentionWidths a = theory_attention_widths(shape, share->t);
    double positions = (double)shape->sequence * (double)config->train.microbatch, L = share->blocks;
    double again = config->train.recompute == RECOMPUTE_FULL ? 2 * L : 0, ends = share->first + share->last;
    Sum sum = {0};
    for (int i = 0; i < ATTENTION_ENTERS; i++)
        add(&sum, microbatches * L, &m, positions * a.enters[i], 1, width);
    add(&sum, microbatches * (3 * L + again + ends), &m, positions * (double)shape->hidden, 1, width);
    return sum;
}

/* A unit at once: a block's norms, row-parallel biases and what latents have whole, with its router where it has one, and
 * the final norm; the positions. */
Sum theory_sum_uncut(const Config *config, const Share *share, double width)
{
    const Member m = slices(config, share, 0, share->t);
    const GptShape *shape = &config->model.shape;
    int norm = shape->norm == NORM_LAYERNORM ? 2 : 1;
    double h = (double)shape->hidden, router = h * (double)shape->experts.count;
    Sum sum = {0};
    const AttentionParameters a = theory_attention_parameters(shape, share->t);
    Together dense = {.tensors = 0}, sparse = {.tensors = 0};
    if (config->tensor.sequence_parallel) {
        for (int i = 0; i < a.uncuts; i++) join(&dense, a.uncut[i], 1);
        join(&dense, h, 2 * norm);
        sparse = dense;
        join(&dense, h, shape->bias);
    }
    join(&sparse, router, 1);
    add_together(&sum, share->blocks - share->sparse, &m, &dense, width);
    add_together(&sum, share->sparse, &m, &sparse, width);
    if (!config->tensor.sequence_parallel) return sum;
    add(&sum, share->last, &m, h, norm, width);
    if (shape->position == POSITION_LEARNED)
        add(&sum, share->first, &m, (double)shape->sequence * h, 1, width);
    return sum;
}

/* Each has seen some of its head's queries: one sum a block of its weights' gradients, and one of its biases'. */
Sum theory_sum_shared(const Config *config, const Share *share, double width)
{
    const GptShape *shape = &config->model.shape;
    int sharing = (int)kv_sharing(shape, share->t);
    const Member m = slices(config, share, share->slice / sharing * sharing, sharing);
    double h = (double)shape->hidden, head = 2 * h / (double)shape->heads;
    Sum sum = {0};
    add(&sum, share->blocks, &m, h * head, 1, width);
    add(&sum, share->blocks * shape->bias, &m, head, 1, width);
    return sum;
}

/* ---- gradients of replicas ---- */

typedef struct Filling {
    double *count; /* of the units in the open bucket */
    int units;
    double held, full;  /* bytes in it, and at which it closes */
    double kept, width; /* of a value, held and sent */
    const Member *member;
    Sum sum; /* of all before it */
} Filling;

static void close_bucket(Filling *f)
{
    Sum one = sum_of(f->member, f->count, f->units, f->width);
    f->sum.sent += one.sent;
    f->sum.across += one.across;
    f->units = 0;
    f->held = 0;
}

static void fill(Filling *f, double count)
{
    if (count == 0) return; /* there is no such unit, or it is of others' buckets */
    f->count[f->units++] = count;
    f->held += count * f->kept;
    if (f->held >= f->full) close_bucket(f);
}

/* Of a stage, from the last: layers before..last, and what stands around them. */
static void fill_stage(Filling *f, const Config *config, const Plan *plan, const Units *u, int stage,
                       int64_t before, int64_t last)
{
    const GptShape *shape = &config->model.shape;
    bool ends = stage == plan->stages - 1;
    if (ends && stage > 0 && shape->tie_embeddings) fill(f, u->wte);
    if (ends) fill(f, u->final);
    for (int64_t layer = last; layer > before; layer--) {
        if (has_experts(shape, layer)) fill(f, u->experts);
        fill(f, has_experts(shape, layer) ? u->sparse : u->block);
    }
    if (stage == 0) fill(f, u->wpe);
    if (stage == 0) fill(f, u->wte);
    if (f->units > 0) close_bucket(f);
}

/* Of all its layers with experts at once: E numbers each for the bias, and what losses of a global batch are of. */
Sum theory_sum_loads(const Config *config, const Share *share)
{
    const GptShape *shape = &config->model.shape;
    bool bias = has_expert_bias(shape), batch = has_batch_load(shape);
    Sum sum = {0};
    if (!(bias || batch) || share->sparse == 0) return sum;
    int *member = allocate((size_t)share->ranks * sizeof *member);
    int n = mesh_members(config_mesh(config, share->ranks), share->rank, AXIS_DATA, member);
    const Member m = member_of(config, share->ranks, member, n, share->replica);
    add(&sum, bias, &m, share->sparse * (double)shape->experts.count, 1, sizeof(int32_t));
    add(&sum, batch, &m, share->sparse * (double)batch_load_counts(shape), 1, sizeof(int32_t));
    free(member);
    return sum;
}

bool theory_sums_by_bucket(const Config *config, int ranks)
{
    int how = config_network(config, ranks).all_reduce;
    return config->parallel.kind == DATA_DDP && (how == ALL_REDUCE_TREE || how == ALL_REDUCE_AUTO) &&
           !(config->parallel.quantize & QUANTIZE_GRADIENTS);
}

/* Of units that ranks along the axis hold alike, this one in `place` among them. */
static Sum buckets_of(const Config *config, const Plan *plan, const Share *share, Axis axis, int place,
                      const Units *u)
{
    int *member = allocate((size_t)share->ranks * sizeof *member);
    int n = mesh_members(config_mesh(config, share->ranks), share->rank, axis, member);
    const Member m = member_of(config, share->ranks, member, n, place);
    const GptShape *shape = &config->model.shape;
    double kept = theory_gradient_width(config, plan->shape.m);
    Filling f = {.full = config->parallel.bucket_mb * 1e6,
                 .kept = kept,
                 .width = config->parallel.reduce_fp32 ? sizeof(real) : kept,
                 .member = &m,
                 .count = allocate((2 * (size_t)shape->layers + 4) * sizeof *f.count)};
    int64_t end = shape->layers;
    for (int k = plan->stages - 1; k >= 0; k--) {
        int64_t blocks =
            stage_blocks(shape->layers, plan->stages, config_layers_per_stage(config, plan->stages), k);
        end -= blocks;
        if (plan->rank_of[k] == share->pipe) fill_stage(&f, config, plan, u, k, end, end + blocks);
    }
    free(f.count);
    free(member);
    return f.sum;
}

/* Backward completes units from the last to the first. A bucket closes at the first of them at or past
 * parallel.bucket_mb, and with its stage (Li et al. 2006.15704, section 3.2.3). Experts that replicas share have buckets of
 * their own. */
Sum theory_sum_buckets(const Config *config, const Plan *plan, const Share *share)
{
    Units all = theory_units(config, share->replicas);
    const Units experts = {.experts = all.experts};
    if (share->ep == 1) return buckets_of(config, plan, share, AXIS_DATA, share->replica, &all);
    all.experts = 0;
    Sum sum = buckets_of(config, plan, share, AXIS_DATA, share->replica, &all),
        more = buckets_of(config, plan, share, AXIS_EXPERT_DATA, share->holder, &experts);
    return (Sum){sum.sent + more.sent, sum.across + more.across};
}
