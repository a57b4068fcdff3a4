/* representatives.c - the axes of the grid along which ranks are alike. */
#include "sim/run/representatives.h"
#include <stdlib.h>
#include "sim/run/assumed_load.h"

/* Of latents what is whole on each tensor rank goes round too, and their heads need not divide `hidden`. */
static bool latents_alike(const Config *config)
{
    const GptShape *shape = &config->model.shape;
    int64_t tp = config->tensor.size, tokens = config->train.microbatch * shape->sequence,
            width = shape->q_lora_rank + shape->kv_lora_rank + shape->qk_rope_head_dim;
    return shape->hidden % tp == 0 && shape->q_lora_rank % tp == 0 && shape->kv_lora_rank % tp == 0 &&
           tokens * width % tp == 0;
}

/* Blocks of what a ring carries differ by a value where its members do not divide it. What a tensor group carries they
 * do, but for latents: it is a multiple of `hidden`, which the heads divide and the group divides the heads. But a bias of
 * keys and values, which those that hold the same head add up, is a head's. */
static bool tensor_ranks_alike(const Config *config)
{
    const GptShape *shape = &config->model.shape;
    int64_t bias = 2 * shape->hidden / shape->heads;
    if (is_latent(shape)) return latents_alike(config);
    return !shape->bias || bias % kv_sharing(shape, config->tensor.size) == 0;
}

/* Whether a stage's groups along the axis lie alike over the nodes of a machine: in runs of the same lengths. Of those
 * that share experts each sends to all others: who has more of them in its node sends less out of it. */
static bool spread_alike(const Network *network, MeshShape shape, Axis axis, int *member, bool *left)
{
    Spread first = {0};
    bool alike = true;
    for (int rank = 0; alike && rank < mesh_ranks(shape); rank++) {
        MeshPlace p = mesh_place(shape, rank);
        int count = mesh_members(shape, rank, axis, member);
        if (member[0] != rank) continue; /* a group by its first */
        bool is_first = p.tensor == 0 && p.data == 0;
        Spread own = place_spread(&network->placement, member, count);
        if (is_first) first = own;
        alike = place_alike(&first, &own) && (axis != AXIS_EXPERT || own.even);
        for (int i = 1; i < count; i++) {
            bool leaves = network_route(network, member[i - 1], member[i]) == ROUTE_ACROSS;
            if (is_first) left[i] = leaves;
            alike = alike && left[i] == leaves;
        }
    }
    return alike;
}

/* Whether a message from a stage to any other leaves its node, or not, alike for all ranks of the stage: those of each
 * share a node among themselves as the first's do. A stage is known by the first one in its node, in place of each pair
 * of stages. */
static bool stages_alike(const Placement *placement, MeshShape shape, int *first)
{
    int replica = shape.dp * shape.tp, ranks = mesh_ranks(shape);
    int *seen = allocate((size_t)ranks * sizeof *seen); /* a node's first stage; -1: none yet */
    bool alike = true;
    for (int node = 0; node < ranks; node++) seen[node] = -1;
    for (int r = 0; alike && r < replica; r++) {
        for (int s = 0; s < shape.pp; s++) {
            int *known = &seen[place_node(placement, s * replica + r)];
            if (*known < 0) *known = s;
            if (r == 0) first[s] = *known;
            alike = alike && first[s] == *known;
        }
        for (int s = 0; s < shape.pp; s++) seen[place_node(placement, s * replica + r)] = -1;
    }
    free(seen);
    return alike;
}

/* Where replicas share experts and all are assumed to have as many choices, which a microbatch's may be no multiple of: then
 * the first ranks have more rows (routing.c). */
static bool experts_alike(const Config *config)
{
    const GptShape *shape = &config->model.shape;
    int64_t b = config->train.microbatch, samples = b / load_scopes(shape, b);
    int64_t choices = samples * shape->sequence * shape->experts.top_k;
    return config->expert.size == 1 || (!assumes_load(config) && choices % config->expert.size == 0);
}

static bool sums_loads(const GptShape *shape)
{
    return has_expert_bias(shape) || has_batch_load(shape);
}

/* A step's counts of choices go round a ring of the replicas, which holds all that a rank's layers have. Which layers share
 * a stage the plan knows: where there are several each layer's counts must divide. */
static bool loads_alike(const Config *config, int replicas)
{
    const GptShape *shape = &config->model.shape;
    int64_t layers = config->pipeline.size > 1 ? 1 : layers_with_experts(shape, 1, shape->layers);
    return (!has_expert_bias(shape) || layers * shape->experts.count % replicas == 0) &&
           (!has_batch_load(shape) || layers * batch_load_counts(shape) % replicas == 0);
}

/* And so do those that hold the same keys and values, and messages between stages. */
static bool placed_alike(const Config *config, int ranks)
{
    Network network = config_network(config, ranks);
    MeshShape shape = config_mesh(config, ranks);
    if (network.placement.devices == 0) return true;
    int sharing = (int)kv_sharing(&config->model.shape, shape.tp), replica = shape.dp * shape.tp;
    int *member = allocate((size_t)ranks * sizeof *member);
    bool *left = allocate((size_t)ranks * sizeof *left);
    bool alike = spread_alike(&network, shape, AXIS_TENSOR, member, left) &&
                 spread_alike(&network, shape, AXIS_DATA, member, left);
    if (alike && shape.ep > 1)
        alike = spread_alike(&network, shape, AXIS_EXPERT, member, left) &&
                spread_alike(&network, shape, AXIS_EXPERT_DATA, member, left);
    free(left);
    for (int r = 0; alike && r < ranks; r += sharing) {
        int first = r / replica * replica;
        for (int i = 0; i < sharing; i++) member[i] = first + i;
        Spread one = place_spread(&network.placement, member, sharing);
        for (int i = 0; i < sharing; i++) member[i] = r + i;
        Spread own = place_spread(&network.placement, member, sharing);
        alike = place_alike(&one, &own);
    }
    alike = alike && stages_alike(&network.placement, shape, member);
    free(member);
    return alike;
}

/* Whether groups along the axis may sum over trees across nodes, whose leaves send less than others. */
static bool tree_sums(const Config *config, int ranks, Axis axis)
{
    Network network = config_network(config, ranks);
    MeshShape shape = config_mesh(config, ranks);
    if (network.all_reduce != ALL_REDUCE_TREE && network.all_reduce != ALL_REDUCE_AUTO) return false;
    if (axis == AXIS_DATA && config->parallel.kind != DATA_DDP && !sums_loads(&config->model.shape))
        return false;
    int *member = allocate((size_t)ranks * sizeof *member), nodes = 0;
    for (int rank = 0; rank < ranks && nodes < 2; rank++) {
        int count = mesh_members(shape, rank, axis, member);
        if (member[0] != rank) continue; /* a group by its first */
        nodes = place_spread(&network.placement, member, count).nodes;
    }
    free(member);
    return nodes > 1;
}

WalkedRanks representatives_of(const Config *config, int ranks, bool given)
{
    MeshShape shape = config_mesh(config, ranks);
    bool alike = tensor_ranks_alike(config) && placed_alike(config, ranks) &&
                 !tree_sums(config, ranks, AXIS_TENSOR); /* else none that follow each other are */
    if (faults_any(&config->fault)) return (WalkedRanks){.ranks = ranks, .count = ranks, .rank = NULL};
    bool replicas = !given && config->parallel.kind != DATA_DP && !tree_sums(config, ranks, AXIS_DATA) &&
                    experts_alike(config) && loads_alike(config, shape.dp);
    int dp = replicas && alike ? 1 : shape.dp, tp = alike ? 1 : shape.tp;
    int *rank = allocate((size_t)ranks * sizeof *rank), count = 0;
    MeshPlace p;
    for (p.pipe = 0; p.pipe < shape.pp; p.pipe++)
        for (p.data = 0; p.data < dp; p.data++)
            for (p.tensor = 0; p.tensor < tp; p.tensor++) rank[count++] = mesh_rank(shape, p);
    return (WalkedRanks){.ranks = ranks, .count = count, .rank = rank};
}
