/* memory.c - what a rank holds at most, each formula with where it comes from. */
#include <math.h>
#include "models/machine/real.h"
#include "models/machine/tensor.h"
#include "sim/theory/attention.h"
#include "sim/theory/theory.h"
#include "sim/theory/share.h"

/* Korthikanti et al. 2205.05198, section 4, in w bytes a value and one a mask: what a stage keeps of one
 * microbatch after F and, where backward is cut in halves, between I and W.
 *
 * A layer keeps both norms' inputs and outputs, 4 s b h, which sequence parallelism cuts by t; and, cut by t in
 * any case, q k v and the attention's output, the activation's input and output, and the core: the softmax's
 * a s^2 b, with dropout its mask and what it left too; or, without the scores, a number a row. Dropout keeps two
 * masks of s b h besides. The head keeps its norm's input and output and the probabilities of its slice of the
 * vocabulary. Between the halves a linear layer keeps its input and its output's gradient: for the four of a block
 * as much again, without core and masks; norms keep their parameters' gradients, and the embedding that of its
 * output. Latent attention keeps its latents besides (attention.c).
 *
 * A layer with experts keeps, in place of the MLP's, of each token its scores (with a z-loss the logits too), its k
 * experts, gates and rows; of each row, for which there is room, the inputs and outputs of both products; and those of
 * the shared experts. Between the halves it is the gradients of outputs and of logits. Where ranks share experts it keeps
 * of every rank how many rows it has for each; and beside the rows for which it has room what they were made of, which
 * is not sent twice, and, of more than one expert, their places; or, where all tokens are gathered, of all of these the
 * places and gates. */
typedef struct Kept {
    double forward, halfway;
} Kept;

/* The scores, or what stands for them. */
static double core_kept(const Config *config)
{
    const GptShape *shape = &config->model.shape;
    double s = (double)shape->sequence,
           rows = (double)(shape->heads * config->train.microbatch) * s / (double)config->tensor.size,
           w = theory_width(config);
    if (shape->attention == ATTENTION_FLASH) return rows * (double)sizeof(real);
    return rows * s * (shape->dropout > 0 ? 2 * w + 1 : w);
}

/* Values of s b h; under sequence parallelism a slice's. */
static double residual_values(const Config *config)
{
    const GptShape *shape = &config->model.shape;
    double outside = config->tensor.sequence_parallel ? (double)config->tensor.size : 1;
    return (double)shape->sequence * (double)config->train.microbatch * (double)shape->hidden / outside;
}

/* What a layer keeps, if nothing is computed again, without core and masks; and between the halves of its backward,
 * without its norms' gradients; of an MLP of these widths. */
static Kept linear_kept(const Config *config, double widths)
{
    const GptShape *shape = &config->model.shape;
    const AttentionWidths a = theory_attention_widths(shape, config->tensor.size);
    double w = theory_width(config), t = (double)config->tensor.size, residual = residual_values(config);
    double inside = w * (double)shape->sequence * (double)config->train.microbatch,
           outside = w * residual / (double)shape->hidden;
    double mlp = widths / t;
    return (Kept){4 * w * residual + outside * a.outside + inside * (a.inside + mlp),
                  4 * w * residual + outside * a.outside_halfway + inside * (a.inside_halfway + mlp)};
}

static Kept dense_kept(const Config *config)
{
    const GptShape *shape = &config->model.shape;
    return linear_kept(config, (double)(inner_width(shape) + shape->ffn));
}

/* Rows of experts and all that is of their size: of one of ranks that share them, and else. */
static Kept rows_kept(const Config *config, int part)
{
    const GptShape *shape = &config->model.shape;
    const ExpertsShape *e = &shape->experts;
    double h = (double)shape->hidden, index = sizeof(int32_t), home = theory_experts_rows(config),
           w = theory_width(config), E = (double)e->count, ep = (double)config->expert.size,
           choices = (double)shape->sequence * (double)config->train.microbatch * (double)e->top_k,
           inside = theory_experts_width(shape, 1) / (double)config->tensor.size;
    if (ep == 1) {
        double both = w * home * (inside + h) + index * (choices + E);
        return (Kept){both, both};
    }
    bool gathers = config->expert.way == DISPATCH_ALL_GATHER;
    double here = theory_experts_rows_here(config, part), places = E > ep ? index * here : 0;
    if (gathers) places = ep * choices * (index + (double)sizeof(real));
    double both = w * here * (inside + h) + index * (choices + ep * E) + places;
    return (Kept){both + w * (gathers ? here : home) * h, both + w * here * h};
}

static Kept sparse_kept(const Config *config, int part)
{
    const GptShape *shape = &config->model.shape;
    const ExpertsShape *e = &shape->experts;
    double n = (double)shape->sequence * (double)config->train.microbatch, k = (double)e->top_k,
           E = (double)e->count, r = sizeof(real), index = sizeof(int32_t);
    double scopes = (double)load_scopes(&config->model.shape, config->train.microbatch);
    const Kept rows = rows_kept(config, part);
    Kept kept = linear_kept(config, theory_experts_width(shape, (double)e->shared));
    kept.forward += rows.forward + r * n * E * (e->z_loss > 0 ? 2 : 1) + (index + r) * n * k +
                    (has_balance_loss(e) && !has_batch_load(shape) ? r * scopes * E : 0);
    kept.halfway += rows.halfway + r * n * E;
    return kept;
}

static double mask_kept(const Config *config)
{
    return config->model.shape.dropout > 0 ? residual_values(config) : 0;
}

/* Of the core what selective recomputation keeps: table 2. */
static bool forgets_core(const Config *config)
{
    return config->train.recompute == RECOMPUTE_SELECTIVE && config->model.shape.attention != ATTENTION_FLASH;
}

/* `part`: which of ranks that share experts it is. */
static Kept kept_by(const Config *config, const Plan *plan, int stage, int part)
{
    const GptShape *shape = &config->model.shape;
    double s = (double)shape->sequence, b = (double)config->train.microbatch, h = (double)shape->hidden;
    double V = ceil((double)shape->vocab / (double)config->tensor.size);
    Blocks blocks = theory_blocks(config, plan, stage);
    double residual = theory_width(config) * residual_values(config), mask = mask_kept(config);
    const Kept dense = dense_kept(config), sparse = sparse_kept(config, part);
    double gains = 4 * h + theory_attention_parameters(shape, config->tensor.size).gains;
    double layer = 2 * mask + (forgets_core(config) ? 0 : core_kept(config)),
           few = blocks.all - blocks.sparse;
    Kept kept = {blocks.all * layer + few * dense.forward + blocks.sparse * sparse.forward,
                 blocks.all * (double)sizeof(real) * gains + few * dense.halfway +
                     blocks.sparse * sparse.halfway};
    if (config->train.recompute == RECOMPUTE_FULL)
        kept.forward = blocks.all * residual; /* the inputs alone */
    bool first = stage == 0, last = stage == plan->stages - 1;
    double tokens = (double)sizeof(int32_t) * b * (s + 1), logits = (double)sizeof(real) * s * b * V;
    if (first || last) kept.forward += tokens, kept.halfway += tokens;
    if (first) kept.forward += mask, kept.halfway += residual + mask;
    if (last) {
        kept.forward += 2 * residual + logits;
        kept.halfway += residual + logits + (double)sizeof(real) * 2 * h;
    }
    return kept;
}

/* The most a rank keeps at once, from its list: as many microbatches as are in flight. */
static double activations_peak(const Config *config, const Plan *plan, int pipe, int part)
{
    double now = 0, peak = 0;
    const Schedule *list = &plan->list[pipe];
    Kept kept = {0, 0};
    int stage = -1; /* whose that is */
    for (int i = 0; i < list->count; i++) {
        Action a = list->action[i];
        if (!action_computes(a.kind)) continue;
        if (a.stage != stage) kept = kept_by(config, plan, stage = a.stage, part);
        if (a.kind == ACTION_FORWARD) now += kept.forward;
        if (a.kind == ACTION_BACKWARD) now -= kept.forward;
        if (a.kind == ACTION_INPUT) now += kept.halfway - kept.forward;
        if (a.kind == ACTION_WEIGHT) now -= kept.halfway;
        if (now > peak) peak = now;
    }
    return peak;
}

/* Of experts' scores, which all ranks of a stage have whole: a number an expert and layer. */
static double biases_held(const Config *config, const Share *share)
{
    const GptShape *shape = &config->model.shape;
    return has_expert_bias(shape) ? share->sparse * (double)shape->experts.count * (double)sizeof(real) : 0;
}

/* Of losses of a global batch's loads, all the time: a layer's counts, sums of scores and weights. */
static double batch_loads_held(const Config *config, const Share *share)
{
    const GptShape *shape = &config->model.shape;
    if (!has_batch_load(shape)) return 0;
    return share->sparse * (sizeof(int32_t) * (double)batch_load_counts(shape) +
                            2 * sizeof(real) * (double)shape->experts.count);
}

/* Parameters: without experts', and they. */
typedef struct Parts {
    double dense, experts;
} Parts;

/* A rank's of what it holds with others alike: 1/N, or 1/(N/ep); in dp the main rank's are all. */
static Parts owned_by(const Config *config, const Share *share, Units u)
{
    const Parts all = {theory_held_dense(config, share, u), theory_held_experts(share, u)};
    if (config->parallel.kind == DATA_DP)
        return (Parts){share->replica == 0 ? all.dense : 0, share->holder == 0 ? all.experts : 0};
    return (Parts){all.dense / share->replicas, all.experts / share->holders};
}

/* Values that the optimizer keeps. A master beside whole parameters that are not exact: in 16 bits, or as they came
 * quantised. */
static double optimizer_values(const Config *config, const Share *share, Units u)
{
    const DataParallelConfig *data = &config->parallel;
    bool half = is_half(config_dtype(config)),
         rounded = data->quantize & QUANTIZE_PARAMETERS && data_parallel_gathers_updates(data);
    double values = optimizer_states((OptimizerKind)config->train.optimizer.kind);
    Parts updated = owned_by(config, share, u);
    if (data->kind == DATA_DDP)
        updated = (Parts){theory_held_dense(config, share, u), theory_held_experts(share, u)};
    return (values + (half || (rounded && share->replicas > 1))) * updated.dense +
           (values + (half || (rounded && share->holders > 1))) * updated.experts;
}

void theory_memory(const Config *config, const Plan *plan, int ranks, int rank,
                   double bytes[MEMORY_CATEGORIES])
{
    Share share = theory_share(config, plan, ranks, rank);
    const Units u = theory_units(config, share.replicas);
    double held = theory_held(config, &share, u);
    const Parts shard = owned_by(config, &share, u);
    double w = theory_width(config), g = theory_gradient_width(config, plan->shape.m);
    const DataParallelConfig *data = &config->parallel;
    for (int c = 0; c < MEMORY_CATEGORIES; c++) bytes[c] = (double)NAN;

    /* Rajbhandari et al. 1910.02054, figure 1: what a stage shards is cut by N; gradients that are reduced once a
     * step are whole until then */
    bytes[MEM_PARAMETERS] = w * (data_parallel_shards_parameters(data) ? shard.dense + shard.experts : held) +
                            biases_held(config, &share);
    bytes[MEM_GRADIENTS] =
        g * (data_parallel_reduces_each_microbatch(data) ? shard.dense + shard.experts : held);
    bytes[MEM_OPTIMIZER] = optimizer_values(config, &share, u) * (double)sizeof(real);
    bytes[MEM_ACTIVATIONS] = activations_peak(config, plan, share.pipe, share.replica % share.ep) +
                             batch_loads_held(config, &share);
}

/* 1/N of what the replicas hold alike or in parts; dp's are all the main rank's, and so are biases, for a tensor group.
 * A master stands for its parameters. */
double theory_checkpoint_copy(const Config *config, const Plan *plan, int ranks, int rank, int64_t first)
{
    const int64_t every = config->output.checkpoint_every;
    const bool due = config->output.checkpoint[0] && config->output.checkpoint_async && every &&
                     (config->train.steps - 1) / every > first / every;
    if (!due) return 0;
    Share share = theory_share(config, plan, ranks, rank);
    const Units u = theory_units(config, share.replicas);
    int values = 1 + optimizer_states((OptimizerKind)config->train.optimizer.kind);
    const Parts own = owned_by(config, &share, u);
    double biases = share.replica == 0 && share.slice == 0 ? biases_held(config, &share) : 0;
    return values * (own.dense + own.experts) * (double)sizeof(real) + biases;
}

double theory_moment(const Config *config, const Plan *plan, int ranks, int rank)
{
    Share share = theory_share(config, plan, ranks, rank);
    Units u = theory_units(config, share.replicas);
    double w = theory_width(config), g = theory_gradient_width(config, plan->shape.m);
    /* a unit while it is used, and the next or the last before it; an embedding has no second */
    double layer =
        fmax(share.blocks > share.sparse ? u.block : 0, share.sparse > 0 ? u.sparse + u.experts : 0);
    double two = layer + fmax(layer, share.first || share.last ? u.wte : 0);
    double linear = fmax(share.blocks > share.sparse ? dense_kept(config).forward : 0,
                         share.sparse > 0 ? sparse_kept(config, share.replica % share.ep).forward : 0);
    double again = config->train.recompute == RECOMPUTE_FULL
                       ? linear + 2 * mask_kept(config) + core_kept(config)
                   : forgets_core(config) ? core_kept(config)
                                          : 0;
    return again + theory_rows_room(config, plan, ranks, rank, NULL) +
           (data_parallel_shards_parameters(&config->parallel) ? two * w : 0) +
           (data_parallel_reduces_each_microbatch(&config->parallel) ? two * g : 0);
}

/* The mean of all. */
double theory_block_parameters(const Config *config)
{
    const GptShape *shape = &config->model.shape;
    Units u = theory_units(config, 1);
    double L = (double)shape->layers, sparse = (double)layers_with_experts(shape, 1, shape->layers);
    return ((L - sparse) * u.block + sparse * (u.sparse + u.experts)) / L;
}
