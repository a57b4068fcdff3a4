/* conditions.c - the conditions, each beside the words for it. */
#include "sim/config/conditions.h"

static bool always(const Config *c)
{
    (void)c;
    return true;
}

static bool with_rope(const Config *c)
{
    return c->model.shape.position == POSITION_ROPE;
}

static bool with_latents(const Config *c)
{
    return is_latent(&c->model.shape);
}

static bool with_heads_alone(const Config *c)
{
    return !with_latents(c);
}

static bool with_experts(const Config *c)
{
    return c->model.shape.experts.count > 0;
}

static bool with_expert_parallelism(const Config *c)
{
    return c->expert.size == 1 || with_experts(c);
}

static bool with_dispatch(const Config *c)
{
    return c->expert.way == DISPATCH_ALL_TO_ALL || (with_experts(c) && c->expert.size > 1);
}

static bool with_groups_of_experts(const Config *c)
{
    return with_experts(c) && c->model.shape.experts.groups > 1;
}

static bool with_capacity(const Config *c)
{
    return with_experts(c) && c->model.shape.experts.capacity > 0;
}

static bool with_a_balance(const Config *c)
{
    return with_experts(c) && c->model.shape.experts.balance != BALANCE_NONE;
}

static bool with_a_bias(const Config *c)
{
    return has_expert_bias(&c->model.shape);
}

static bool with_loads_of_a_scope(const Config *c)
{
    return with_capacity(c) || (with_experts(c) && has_balance_loss(&c->model.shape.experts));
}

static bool with_a_load(const Config *c)
{
    return with_experts(c) && c->assumed.load[0];
}

static bool without_a_load(const Config *c)
{
    return with_experts(c) && !c->assumed.load[0];
}

static bool with_a_text(const Config *c)
{
    return !data_is_markov(&c->data);
}

static bool with_drawn_samples(const Config *c)
{
    return !with_a_text(c) || c->data.order == ORDER_RANDOM;
}

static bool with_drawn_weights(const Config *c)
{
    return c->model.init[0] == '\0' || c->model.shape.dropout > 0;
}

static bool with_adam(const Config *c)
{
    return c->train.optimizer.kind == OPTIMIZER_ADAM || c->train.optimizer.kind == OPTIMIZER_ADAMW;
}

static bool with_momentum(const Config *c)
{
    return c->train.optimizer.kind == OPTIMIZER_MOMENTUM;
}

static bool with_roots(const Config *c)
{
    return c->train.optimizer.kind != OPTIMIZER_SGD && !with_momentum(c);
}

static bool with_rmsprop(const Config *c)
{
    return c->train.optimizer.kind == OPTIMIZER_RMSPROP;
}

static bool with_16_bits(const Config *c)
{
    return c->train.gradients == GRADIENTS_AUTO || c->train.precision != PRECISION_FP32;
}

static bool with_fp16(const Config *c)
{
    return c->train.precision == PRECISION_FP16;
}

/* Flash attention keeps no scores that selective recomputation could leave out. */
static bool with_kept_scores(const Config *c)
{
    return c->train.recompute != RECOMPUTE_SELECTIVE || c->model.shape.attention == ATTENTION_PLAIN;
}

static bool with_sharded_gradients(const Config *c)
{
    return c->parallel.reduce == REDUCE_AUTO || data_parallel_shards_gradients(&c->parallel);
}

/* Of which each rank updates a part. */
static bool with_whole_parameters(const Config *c)
{
    return c->parallel.gather == GATHER_STEP || data_parallel_gathers_updates(&c->parallel);
}

/* zero3 moves unit by unit, dp all at once. */
static bool with_buckets(const Config *c)
{
    return c->parallel.kind != DATA_DP && !data_parallel_shards_parameters(&c->parallel);
}

/* Kept in 16 bits on any number of ranks: auto keeps those of several microbatches in 32, and one that is given may
 * be one of several. */
static bool with_16_bit_gradients(const Config *c)
{
    bool same = c->train.gradients == GRADIENTS_SAME ||
                (c->train.gradients == GRADIENTS_AUTO && c->train.whole_share);
    return c->train.precision != PRECISION_FP32 && same;
}

/* Quantised, each sum is made in 32 bits in any case; wide, zero2 and zero3 add those of microbatches unrounded. */
static bool with_rounded_sums(const Config *c)
{
    bool quantized = c->parallel.quantize & QUANTIZE_GRADIENTS;
    bool rounded = !quantized || data_parallel_reduces_each_microbatch(&c->parallel);
    return !c->parallel.reduce_fp32 || (with_16_bit_gradients(c) && rounded);
}

/* dp copies from and to the main rank, nothing of it in 8 bits; ddp holds whole parameters and sends none. */
static bool with_sent_blocks(const Config *c)
{
    int quantize = c->parallel.quantize;
    if (quantize == QUANTIZE_NONE) return true;
    return data_parallel_shards_optimizer(&c->parallel) ||
           (c->parallel.kind == DATA_DDP && quantize != QUANTIZE_PARAMETERS);
}

static bool with_rings(const Config *c)
{
    return c->parallel.kind != DATA_DP || c->expert.size > 1;
}

static bool with_tensor_parallelism(const Config *c)
{
    return !c->tensor.sequence_parallel || c->tensor.size > 1;
}

/* Bulk: of backwards that are whole. Pipelined: of rows that ranks have each their own of. */
static bool with_tensor_overlap(const Config *c)
{
    switch ((RegionOverlap)c->tensor.overlap) {
    case REGION_WAITS: return true;
    case REGION_BULK: return c->tensor.size > 1 && config_schedule(c) != SCHEDULE_ZB_H1;
    case REGION_PIPELINED: return c->tensor.size > 1 && c->tensor.sequence_parallel;
    }
    return false;
}

static bool with_pieces(const Config *c)
{
    return c->tensor.overlap == REGION_PIPELINED;
}

static bool with_whole_borders(const Config *c)
{
    return !c->tensor.scatter || (c->tensor.size > 1 && c->pipeline.size > 1 && !c->tensor.sequence_parallel);
}

/* One microbatch on one rank goes forward, then backward. */
static bool with_an_order(const Config *c)
{
    return c->pipeline.size > 1 || !c->train.whole_share || config_schedule_is_file(c);
}

static bool with_chunks(const Config *c)
{
    return c->pipeline.virtual_stages == 1 || config_schedule(c) == SCHEDULE_INTERLEAVED ||
           config_schedule_is_file(c);
}

/* More than one, or as many as a file says. */
static bool with_stages(const Config *c)
{
    return c->pipeline.layers.count == 0 || c->pipeline.size * c->pipeline.virtual_stages > 1 ||
           config_schedule_is_file(c);
}

static bool with_links(const Config *c)
{
    return c->hardware.profile == PROFILE_MEASURED;
}

static bool with_given(const Config *c)
{
    return c->hardware.profile == PROFILE_GIVEN;
}

static bool with_a_machine(const Config *c)
{
    return c->hardware.profile == PROFILE_MACHINE;
}

static bool with_all_to_alls(const Config *c)
{
    return with_a_machine(c) && c->expert.size > 1 && c->expert.way == DISPATCH_ALL_TO_ALL;
}

static bool with_cards(const Config *c)
{
    return with_a_machine(c) && c->node.cards > 0;
}

static bool with_a_carrier(const Config *c)
{
    return with_a_machine(c) && c->node.carrier != CARRIED_IDEALLY;
}

const Condition config_conditions[WHENS] = {
    [ALWAYS] = {always, "always", NULL},
    [WITH_ROPE] = {with_rope, "with model.position = rope", "model.position = rope"},
    [WITH_HEADS_ALONE] = {with_heads_alone, "with model.attention_kind = mha", "model.attention_kind = mha"},
    [WITH_LATENTS] = {with_latents, "with model.attention_kind = mla",
                      "model.attention_kind = mla and model.position = rope"},
    [WITH_EXPERTS] = {with_experts, "with moe.experts above 0", "moe.experts = 8"},
    [WITH_EXPERT_PARALLELISM] = {with_expert_parallelism, "with moe.experts above 0", "moe.experts = 8"},
    [WITH_DISPATCH] = {with_dispatch, "with moe.experts and parallel.ep of 2 or more", "parallel.ep = 2"},
    [WITH_GROUPS_OF_EXPERTS] = {with_groups_of_experts, "with moe.groups of 2 or more", "moe.groups = 2"},
    [WITH_CAPACITY] = {with_capacity, "with moe.capacity_factor above 0", "moe.capacity_factor = 1.25"},
    [WITH_A_BALANCE] = {with_a_balance, "with moe.balance = auxiliary or bias", "moe.balance = auxiliary"},
    [WITH_A_BIAS] = {with_a_bias, "with moe.balance = bias", "moe.balance = bias"},
    [WITH_LOADS_OF_A_SCOPE] = {with_loads_of_a_scope,
                               "with a loss of loads (moe.balance_coefficient, device_coefficient or "
                               "communication_coefficient above 0) or moe.capacity_factor above 0",
                               "moe.balance = auxiliary"},
    [WITH_A_LOAD] = {with_a_load, "with moe.load", "moe.load = results/moe.h5"},
    [WITHOUT_A_LOAD] = {without_a_load, "with moe.experts above 0 and without moe.load",
                        "moe.experts = 8 without moe.load"},
    [WITH_A_TEXT] = {with_a_text, "with a text as data.source", "data.source = book.txt"},
    [WITH_DRAWN_SAMPLES] = {with_drawn_samples, "with data.source = markov or data.order = random",
                            "data.order = random"},
    [WITH_DRAWN_WEIGHTS] = {with_drawn_weights, "without model.init, or with model.dropout above 0",
                            "model.dropout = 0.1"},
    [WITH_ADAM] = {with_adam, "with train.optimizer = adam or adamw", "train.optimizer = adamw"},
    [WITH_ROOTS] = {with_roots, "with train.optimizer = adam, adamw, rmsprop or adagrad",
                    "train.optimizer = adamw"},
    [WITH_MOMENTUM] = {with_momentum, "with train.optimizer = momentum", "train.optimizer = momentum"},
    [WITH_RMSPROP] = {with_rmsprop, "with train.optimizer = rmsprop", "train.optimizer = rmsprop"},
    [WITH_16_BITS] = {with_16_bits, "with train.precision = bf16 or fp16", "train.precision = bf16"},
    [WITH_FP16] = {with_fp16, "with train.precision = fp16", "train.precision = fp16"},
    [WITH_KEPT_SCORES] = {with_kept_scores, "with model.attention = plain, or as full",
                          "model.attention = plain"},
    [WITH_SHARDED_GRADIENTS] = {with_sharded_gradients, "with parallel.data = zero2 or zero3",
                                "parallel.data = zero2"},
    [WITH_WHOLE_PARAMETERS] = {with_whole_parameters, "with parallel.data = zero1 or zero2",
                               "parallel.data = zero1"},
    [WITH_BUCKETS] = {with_buckets, "with parallel.data = ddp, zero1 or zero2", "parallel.data = ddp"},
    [WITH_ROUNDED_SUMS] =
        {with_rounded_sums,
         "with train.precision = bf16 or fp16, gradients kept so on any ranks (train.gradients = same, or "
         "auto with train.microbatch = 0), and that do not travel in 8 bits (parallel.quantize) or that "
         "zero2 and zero3 reduce each microbatch",
         "train.precision = bf16, train.gradients = same and parallel.quantize = none"},
    [WITH_SENT_BLOCKS] = {with_sent_blocks,
                          "with parallel.data = zero1, zero2 or zero3, or, for gradients, ddp",
                          "parallel.data = zero1"},
    [WITH_RINGS] = {with_rings,
                    "with parallel.data = ddp, zero1, zero2 or zero3, or parallel.ep of 2 or more",
                    "parallel.data = ddp"},
    [WITH_TENSOR_PARALLELISM] = {with_tensor_parallelism, "with parallel.tp of 2 or more", "parallel.tp = 2"},
    [WITH_TENSOR_OVERLAP] =
        {with_tensor_overlap,
         "with parallel.tp of 2 or more and, bulk, a schedule other than zb-h1, or, "
         "pipelined, sequence_parallel",
         "parallel.tp = 2, parallel.sequence_parallel = yes and parallel.schedule = 1f1b"},
    [WITH_PIECES] = {with_pieces, "with parallel.tensor_overlap = pipelined",
                     "parallel.tensor_overlap = pipelined"},
    [WITH_WHOLE_BORDERS] = {with_whole_borders,
                            "with parallel.tp and parallel.pp of 2 or more, and without sequence_parallel",
                            "parallel.tp = 2, parallel.pp = 2 and parallel.sequence_parallel = no"},
    [WITH_AN_ORDER] = {with_an_order, "with parallel.pp of 2 or more, train.microbatch above 0, or as a file",
                       "parallel.pp = 2, or train.microbatch = 1"},
    [WITH_CHUNKS] = {with_chunks, "with parallel.schedule = interleaved or a file's",
                     "parallel.schedule = interleaved"},
    [WITH_STAGES] = {with_stages,
                     "with parallel.pp or virtual_stages of 2 or more, or a schedule from a file",
                     "parallel.pp = 2"},
    [WITH_GIVEN] = {with_given, "with hardware.profile = given", "hardware.profile = given"},
    [WITH_LINKS] = {with_links, "with hardware.profile = measured", "hardware.profile = measured"},
    [WITH_A_MACHINE] = {with_a_machine, "with a machine as hardware.profile",
                        "hardware.profile = a100-80gb-dgx"},
    [WITH_ALL_TO_ALLS] = {with_all_to_alls,
                          "with a machine as hardware.profile, parallel.ep of 2 or more and moe.dispatch = "
                          "all_to_all",
                          "hardware.profile = a100-80gb-dgx and parallel.ep = 2"},
    [WITH_CARDS] = {with_cards, "with a machine whose node.cards is above 0", "node.cards = 8"},
    [WITH_A_CARRIER] = {with_a_carrier, "with a machine whose node.collectives are NCCL's",
                        "node.collectives = nccl-ampere"},
};
