/* bytes.c - what a rank sends in a step, each formula with where it comes from. */
#include <math.h>
#include <stdlib.h>
#include "models/machine/error.h"
#include "models/machine/real.h"
#include "models/machine/tensor.h"
#include "sim/file/step_record.h"
#include "sim/theory/all_reduce.h"
#include "sim/theory/attention.h"
#include "sim/theory/theory.h"

/* How many ranks a binomial tree has below `rank`, directly: one for each
 * power of two under its lowest set bit that stays inside (Thakur et al. 2005). */
static int tree_children(int rank, int ranks)
{
    int children = 0;
    for (int bit = 1; bit < ranks && !(rank & bit); bit <<= 1) children += rank + bit < ranks;
    return children;
}

/* Tensor and sequence parallelism: Shoeybi et al. 1909.08053, section 3; Korthikanti et al. 2205.05198, section
 * 4.2. A = s b h values cross each border of a region, in every microbatch, but for the one into attention, which
 * latents may cross. `split`: over blocks and microbatches, what the second half of a backward in two gathers once more
 * (Qi et al. 2401.10241). */
static void tensor_bytes_of(const Config *config, const Share *share, double microbatches, double reductions,
                            double split, double bytes[PURPOSES])
{
    const GptShape *shape = &config->model.shape;
    int t = share->t;
    if (t == 1) return;
    double L = share->blocks, h = (double)shape->hidden, w = theory_width(config), m = microbatches;
    double g = theory_gradient_width(config, (int)microbatches);
    double positions = (double)shape->sequence * (double)config->train.microbatch;
    const AttentionWidths a = theory_attention_widths(shape, t);
    double entering = h + theory_attention_enters(&a),
           entered = h + a.again; /* with the MLP's: values a token */
    double forwards = config->train.recompute == RECOMPUTE_FULL ? 2 * L : L;
    double first = share->first, last = share->last;
    if (!config->tensor.sequence_parallel) {
        bytes[TP_ALL_REDUCE] = theory_sum_activations(config, share, m, w).sent;
    } else {
        double value = (t - 1) * (positions / t) * w; /* of each token one, in either half of a ring */
        /* entering each block twice, and the head, forward; leaving a block twice and the embedding backward; and
         * what entered gathered again for the weights' gradients. */
        bytes[TP_ALL_GATHER] =
            (m * (entering * forwards + entered * L + (2 * L + first + 2 * last) * h) + split * h) * value;
        /* the conjugates */
        bytes[TP_REDUCE_SCATTER] = m * (entering * L + (2 * forwards + first + last) * h) * value;
    }
    bytes[TP_GRADIENTS] = reductions * theory_sum_uncut(config, share, g).sent;
    bytes[TP_GRADIENTS] += reductions * theory_sum_shared(config, share, g).sent;
    bytes[TP_CROSS_ENTROPY] =
        last * m * (t - 1) * 3 * positions * (double)sizeof(real); /* most, sum, target of every position */
    bytes[TP_NORM] = (t - 1) * (double)sizeof(double);
}

/* A stage's output, and the gradient of its input: the residual stream of a microbatch, of which under sequence
 * parallelism each slice has 1/t (Narayanan et al. 2104.04473, section 4.1, get there by a scatter and a gather).
 * A tied embedding's gradients: swapped between the first stage's rank and the last's, as far as each owns them. */
static void pipeline_bytes_of(const Config *config, const Plan *plan, const Share *share, double owned_wte,
                              double bytes[PURPOSES])
{
    const GptShape *shape = &config->model.shape;
    double w = theory_width(config), t = share->t;
    bool cut = config->tensor.sequence_parallel || config->tensor.scatter;
    double outside = cut ? t : 1, gathered = config->tensor.scatter ? t - 1 : 0;
    double border =
        (double)config->train.microbatch * (double)shape->sequence * (double)shape->hidden / outside;
    for (int k = 0; k < plan->stages - 1; k++) {
        if (plan->rank_of[k] == plan->rank_of[k + 1]) continue;
        if (plan->rank_of[k] == share->pipe) bytes[PP_SEND_FORWARD] += plan->shape.m * border * w;
        if (plan->rank_of[k + 1] == share->pipe) bytes[PP_SEND_BACKWARD] += plan->shape.m * border * w;
        bool receives = plan->rank_of[k] == share->pipe || plan->rank_of[k + 1] == share->pipe;
        if (receives) bytes[TP_ALL_GATHER] += gathered * plan->shape.m * border * w;
    }
    if (shape->tie_embeddings && share->first != share->last)
        bytes[PP_EMBEDDING] = owned_wte * theory_gradient_width(config, plan->shape.m);
    bytes[PP_NORM] = (plan->shape.p - 1) * (double)sizeof(double);
}

/* The gradients of what left, twice a block; experts keep what they need of theirs, but for those that are shared. */
static double gathered_again(const Config *config, const Plan *plan, int pipe)
{
    double again = 0;
    const Schedule *list = &plan->list[pipe];
    Blocks blocks = {0};
    int stage = -1; /* whose these are */
    for (int i = 0; i < list->count; i++) {
        const Action a = list->action[i];
        if (a.kind != ACTION_WEIGHT) continue;
        if (a.stage != stage) blocks = theory_blocks(config, plan, stage = a.stage);
        again += 2 * blocks.all - (config->model.shape.experts.shared ? 0 : blocks.sparse);
    }
    return again;
}

/* Units that ranks hold alike: this one in `place` of `ranks`. Values, and what a piece of them is on its way. */
typedef struct Alike {
    int ranks, place;
    double values, parameters, gradients;
} Alike;

/* What moves of them in a step. zero2 and zero3 reduce gradients after every microbatch, unless told to do as the others:
 * once. */
static void add_alike(const Config *config, int microbatches, const Alike *a, double bytes[PURPOSES])
{
    double m = microbatches, others = a->ranks - 1, w = theory_width(config),
           wide = config->parallel.reduce_fp32 ? sizeof(real) : theory_gradient_width(config, microbatches),
           reductions = data_parallel_reduces_each_microbatch(&config->parallel) ? m : 1;
    /* either half of a ring: all pieces but one (Patarasuk & Yuan 2009, 3) */
    double gathered = others * a->parameters, reduced = others * a->gradients;
    switch ((DataParallelKind)config->parallel.kind) {
    case DATA_DP: /* of the four transfers of PyTorch's DataParallel */
        bytes[DP_BROADCAST] += tree_children(a->place, a->ranks) * a->values * w;
        bytes[DP_REDUCE] += a->place == 0 ? 0 : a->values * wide;
        break;
    case DATA_DDP: /* all-reduce = reduce-scatter + all-gather: 2 (N-1)/N S (Li et al. 2006.15704) */
        bytes[DP_ALL_REDUCE] += 2 * reduced;
        break;
    case DATA_ZERO1: /* the same volume as DDP (Rajbhandari et al. 1910.02054, section 7.2.1) */
    case DATA_ZERO2:
        bytes[ZERO_REDUCE_SCATTER] += reductions * reduced;
        bytes[ZERO_ALL_GATHER] += gathered;
        break;
    case DATA_ZERO3: /* 3 (N-1)/N S (section 7.2.2), and again for every microbatch: forward and backward */
        bytes[ZERO_REDUCE_SCATTER] += reductions * reduced;
        bytes[ZERO_ALL_GATHER] += m * 2 * gathered;
        break;
    case DATA_KINDS: break;
    }
    /* the global norm: each shard's sum of squares to every other rank */
    if (data_parallel_shards_optimizer(&config->parallel)) bytes[ZERO_NORM] += others * sizeof(double);
}

/* Each unit's values, and a rank's piece of them on its way as parameters and as gradients. */
typedef struct Moved {
    Units values, parameters, gradients;
} Moved;

/* Quantised (Wang et al. 2306.10209, sections 3.1 and 3.3) or not. */
static Moved moved_of(const Config *config, int microbatches, const Share *share)
{
    int quantize = config->parallel.quantize;
    double w = theory_width(config),
           wide = config->parallel.reduce_fp32 ? sizeof(real) : theory_gradient_width(config, microbatches);
    return (Moved){theory_units(config, share->replicas),
                   theory_pieces(config, share->replicas, quantize & QUANTIZE_PARAMETERS, w),
                   theory_pieces(config, share->replicas, quantize & QUANTIZE_GRADIENTS, wide)};
}

void theory_bytes_of_experts(const Config *config, int microbatches, const Share *share,
                             double bytes[PURPOSES])
{
    for (int p = 0; p < PURPOSES; p++) bytes[p] = 0;
    if (share->ep == 1) return;
    const Moved moved = moved_of(config, microbatches, share);
    const Alike alike = {share->holders, share->holder, theory_held_experts(share, moved.values),
                         theory_held_experts(share, moved.parameters),
                         theory_held_experts(share, moved.gradients)};
    add_alike(config, microbatches, &alike, bytes);
}

/* Of units that all replicas hold, which experts that they share are not. */
static double replicated(const Config *config, const Share *share, Units u)
{
    return theory_held_dense(config, share, u) + (share->ep > 1 ? 0 : theory_held_experts(share, u));
}

static void add_replicated(const Config *config, int microbatches, const Share *share, double bytes[PURPOSES])
{
    const Moved moved = moved_of(config, microbatches, share);
    const Alike alike = {share->replicas, share->replica, replicated(config, share, moved.values),
                         replicated(config, share, moved.parameters),
                         replicated(config, share, moved.gradients)};
    add_alike(config, microbatches, &alike, bytes);
    /* zero3 to the letter: the embedding's backward reads no parameters; where a tied head reads the embedding's own,
     * it is once more in each */
    if (!data_parallel_shards_parameters(&config->parallel)) return;
    double again = config->model.shape.tie_embeddings && share->single ? moved.parameters.wte : 0;
    double embedding = share->first ? moved.parameters.wte + moved.parameters.wpe : 0;
    bytes[ZERO_ALL_GATHER] += microbatches * (share->replicas - 1) * (2 * again - embedding);
}

void theory_bytes(const Config *config, const Plan *plan, int ranks, int rank, double bytes[PURPOSES])
{
    Share share = theory_share(config, plan, ranks, rank);
    const int replica = share.replica;
    double N = share.replicas, m = plan->shape.m;
    double tokens = (double)config->train.microbatch * ((double)config->model.shape.sequence + 1);
    double reductions = data_parallel_reduces_each_microbatch(&config->parallel) ? m : 1;
    double owned_wte = theory_units(config, share.replicas).wte; /* of the reduced gradient */
    theory_bytes_of_experts(config, plan->shape.m, &share, bytes);
    add_replicated(config, plan->shape.m, &share, bytes);
    if (config->parallel.kind == DATA_DP) { /* inputs for the first stage and the last; and the norm */
        bytes[DP_SCATTER] = replica == 0 ? m * (N - 1) * tokens * sizeof(int32_t) : 0;
        bytes[DP_SCATTER] *= share.single ? 1 : share.first + share.last;
        bytes[DP_BROADCAST] += tree_children(replica, share.replicas) * (double)sizeof(double);
        bytes[DP_GATHER] = replica == 0 || !share.last ? 0 : m * sizeof(double);
        if (replica > 0) owned_wte = 0;
    }
    if (theory_sums_by_bucket(config, ranks))
        bytes[DP_ALL_REDUCE] = theory_sum_buckets(config, plan, &share).sent;
    if (data_parallel_shards_optimizer(&config->parallel)) owned_wte /= N;
    /* of experts each of ep replicas has its own part of the norm */
    bytes[ZERO_NORM] += (share.ep - 1) * (double)sizeof(double);
    theory_dispatched(config, plan, ranks, rank, NULL, bytes);
    tensor_bytes_of(config, &share, m, reductions, gathered_again(config, plan, share.pipe), bytes);
    pipeline_bytes_of(config, plan, &share, owned_wte, bytes);
    bytes[MOE_LOAD] = theory_sum_loads(config, &share).sent;
    bytes[CONTROL] =
        rank == 0 ? 0 : (double)step_record_bytes(config, ranks); /* each rank's record to rank 0 */
}
