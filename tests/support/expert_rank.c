/* expert_rank.c - its weights and its microbatches. */
#include "tests/support/expert_rank.h"
#include <stdlib.h>
#include <string.h>
#include "models/layers/branch_experts.h"
#include "tests/support/probe.h"

#define SIZES .hidden = 8, .heads = 2, .kv_heads = 2, .ffn = 12, .sequence = 7, .rope_base = 100, .bias = true
#define LLAMA .norm = NORM_RMSNORM, .activation = ACTIVATION_SWIGLU, .position = POSITION_ROPE
#define EXPERTS_OF(of, limited, ...)         \
    .experts = {.count = E,                  \
                .top_k = 3,                  \
                .ffn = 6,                    \
                .every = 1,                  \
                .scale = 2,                  \
                .groups = (of),              \
                .groups_limited = (limited), \
                __VA_ARGS__}
#define EXPERTS(...) EXPERTS_OF(1, 1, __VA_ARGS__)
const ExpertFamily EXPERT_FAMILY[EXPERT_FAMILIES] = {
    {"dropless", {SIZES, EXPERTS(.normalise = true)}},
    {"a capacity", {SIZES, EXPERTS(.capacity = 0.75, .z_loss = 0.1)}},
    {"a capacity of a sequence, by probability",
     {SIZES, EXPERTS(.capacity = 1, .scope = SCOPE_SEQUENCE, .drop = DROP_BY_PROBABILITY)}},
    {"one shared, balance, gated",
     {SIZES, LLAMA, EXPERTS(.shared = 1, .balance = BALANCE_AUXILIARY, .auxiliary = 0.1)}},
    {"groups, two shared, dropout",
     {SIZES, .dropout = 0.25, EXPERTS_OF(6, 2, .router = ROUTER_SIGMOID, .shared = 2)}},
};

static BlockParameters tensors_in(const BlockLayout *layout, Tensor all)
{
    int64_t own = layout->values[BLOCK_OWN];
    Tensor flat[BLOCK_UNITS] = {tensor_view(all, 0, own), tensor_view(all, own, all.count - own)};
    return block_parameters(layout, flat);
}

/* Each of an expert's tensors begins by its number in the whole. */
static void begin_experts(ExpertRank *r)
{
    static const int tensors[] = {EXPERTS_IN_WEIGHT, EXPERTS_OUT_WEIGHT};
    int64_t held = dispatch_held(&r->dispatch, E), first = dispatch_first(&r->dispatch, E);
    for (int i = 0; i < 2; i++)
        for (int64_t e = 0; e < held; e++) {
            Tensor all = r->p.branch[1][tensors[i]],
                   one = tensor_view(all, e * (all.count / held), all.count / held),
                   values = noise(&r->device, one.count, 1000 + 2 * (uint64_t)(first + e) + (uint64_t)i, 0.5);
            tensor_copy(one, values);
            tensor_free(&values);
        }
}

ExpertRank *expert_rank_new(const GptShape *shape, Group *group, ExpertParallelConfig config)
{
    ExpertRank *r = calloc(1, sizeof *r);
    r->group = group, r->shape = *shape, r->region.size = 1;
    r->dispatch = expert_parallel_dispatch(&config, group);
    r->layout = block_layout(shape, 1, dispatch_held(&r->dispatch, E), &block_kind[block_of(shape, 1)]);
    int64_t own = r->layout.values[BLOCK_OWN], count = own + r->layout.values[BLOCK_EXPERTS];
    r->weights = tensor_new(&r->device, MEM_PARAMETERS, REAL, count);
    r->gradients = constant(&r->device, count, 0);
    r->p = tensors_in(&r->layout, r->weights);
    r->d = tensors_in(&r->layout, r->gradients);
    Tensor values = noise(&r->device, own, 1, 0.5);
    tensor_copy(tensor_view(r->weights, 0, own), values);
    tensor_free(&values);
    begin_experts(r);
    return r;
}

void expert_rank_free(ExpertRank *r, Findings *f)
{
    tensor_free(&r->weights);
    tensor_free(&r->gradients);
    expect(f, r->device.total == 0, "%zu bytes are left", r->device.total);
    free(r);
}

BlockRun expert_rank_run(const ExpertRank *r, int replica, Recompute recompute)
{
    return (BlockRun){.shape = &r->shape,
                      .block = r->layout.block,
                      .region = &r->region,
                      .dispatch = &r->dispatch,
                      .recompute = recompute,
                      .B = BATCH,
                      .scale = 0.5,
                      .dropout = {.rate = r->shape.dropout, .seed = 1, .first_sample = replica * BATCH}};
}

int64_t expert_rank_values(const ExpertRank *r)
{
    return BATCH * r->shape.sequence * r->shape.hidden;
}

void expert_rank_microbatch(ExpertRank *r, int replica, Recompute recompute, bool halves, Tensor *y,
                            Tensor *dx)
{
    BlockRun run = expert_rank_run(r, replica, recompute);
    memset(r->told, 0, sizeof r->told);
    run.routing = r->told;
    BlockSaved saved;
    Tensor x = noise(&r->device, expert_rank_values(r), 200 + (uint64_t)replica, 1);
    tensor_rebook(&x, MEM_ACTIVATIONS);
    *y = block_forward(&run, MEM_COMMUNICATION, &r->p, x, &saved);
    *dx = noise(&r->device, expert_rank_values(r), 300 + (uint64_t)replica, 1);
    if (halves) {
        block_backward_input(&run, &r->p, &saved, *dx);
        block_backward_weight(&run, &r->d, &saved);
    } else {
        block_backward(&run, &r->p, &r->d, &saved, *dx);
    }
}
