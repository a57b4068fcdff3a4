/* theory.c - every formula, with where it comes from.
 *
 * N replicas; t slices; L layers, h hidden, f inner MLP width, a heads, V vocabulary, s
 * sequence; b samples a microbatch, m microbatches; w bytes a value. */
#include "sim/theory.h"
#include <math.h>
#include "models/tensor.h"
#include "sim/pipeline.h"
#include "sim/step_record.h"

/* A rank's place on the grid, and what its stages hold. */
typedef struct Share {
    int pipe, replica, replicas, slice, t;
    double blocks, stages;    /* of each, how many this rank holds */
    bool first, last, single; /* the first stage, the last; there is only one */
} Share;

static Share share_of(const Config *config, const Plan *plan, int ranks, int rank)
{
    int t = (int)config->tensor.size, column = ranks / plan->shape.p;
    Share s = {.pipe = rank / column, .replica = rank / t % (column / t), .replicas = column / t};
    s.slice = rank % t;
    s.t = t;
    s.single = plan->stages == 1;
    for (int k = 0; k < plan->stages; k++) {
        if (plan->rank_of[k] != s.pipe) continue;
        s.stages++;
        s.blocks += (double)stage_blocks(config->model.shape.layers, plan->stages, k);
        s.first |= k == 0;
        s.last |= k == plan->stages - 1;
    }
    return s;
}

/* Parameters of the units that move as one: the embedding's two, a block, the final norm with the untied head.
 * For f = 4 h the sum is the familiar 12 L h^2 (1 + 13 / (12 h)) + (V + s) h + 2 h (Narayanan et al.
 * 2104.04473, eq. 2, plus the final norm). A pipeline's last stage has a copy of a tied embedding. */
typedef struct Units {
    double wte, wpe, block, final;
} Units;

static double padded(double count, int ranks)
{
    return ceil(count / ranks) * ranks; /* so that every rank owns an equal block */
}

static Units units_of(const Config *config, int replicas)
{
    const GptShape *shape = &config->model.shape;
    double h = (double)shape->hidden, f = (double)shape->ffn, s = (double)shape->sequence;
    double t = (double)config->tensor.size,
           V = ceil((double)shape->vocab / t); /* rows a rank holds, padded */
    return (Units){
        .wte = padded(V * h, replicas),
        .wpe = padded(s * h, replicas),
        /* cut by t: 4 h^2 + 3 h of attention, 2 h f + f of the MLP; whole: two row-parallel biases, two norms */
        .block = padded((4 * h * h + 3 * h + 2 * h * f + f) / t + 6 * h, replicas),
        .final = padded(2 * h + (shape->tie_embeddings ? 0 : V * h), replicas),
    };
}

static bool has_copy(const Config *config, const Share *share)
{
    return config->model.shape.tie_embeddings && share->last && !share->single;
}

/* What a rank holds of the parameters. */
static double total(const Config *config, const Share *share, Units u)
{
    return (share->first ? u.wte + u.wpe : 0) + share->blocks * u.block + (share->last ? u.final : 0) +
           (has_copy(config, share) ? u.wte : 0);
}

/* How many ranks a binomial tree has below `rank`, directly: one for each
 * power of two under its lowest set bit that stays inside (Thakur et al. 2005). */
static int tree_children(int rank, int ranks)
{
    int children = 0;
    for (int bit = 1; bit < ranks && !(rank & bit); bit <<= 1) children += rank + bit < ranks;
    return children;
}

/* What rank `rank` of n sends when a ring all-reduces `count` values cut into blocks: all blocks but one in
 * either half. Blocks differ by one value where n does not divide. */
static double ring_all_reduce(double count, int n, int rank)
{
    double each = floor(count / n), longer = count - each * n;
    double own = each + (rank < longer), next = each + ((rank + 1) % n < longer);
    return n == 1 ? 0 : 2 * count - own - next;
}

/* Tensor and sequence parallelism: Shoeybi et al. 1909.08053, section 3; Korthikanti et al. 2205.05198, section
 * 4.2. A = s b h values cross each border of a region, in every microbatch. `split`: over blocks and
 * microbatches, how many backwards are cut in two (Qi et al. 2401.10241). */
static void tensor_bytes_of(const Config *config, const Share *share, double microbatches, double reductions,
                            double split, double bytes[PURPOSES])
{
    const GptShape *shape = &config->model.shape;
    int t = share->t, rank = share->slice;
    if (t == 1) return;
    double L = share->blocks, h = (double)shape->hidden, w = sizeof(real), m = microbatches;
    double positions = (double)shape->sequence * (double)config->train.microbatch, A = positions * h;
    double again = config->train.recompute == RECOMPUTE_FULL ? 2 * L : 0; /* a block's forward, once more */
    double first = share->first, last = share->last;
    if (!config->tensor.sequence_parallel) {
        /* f and g of attention and MLP, forward and backward; the embedding forward; the head backward */
        bytes[TP_ALL_REDUCE] = m * (4 * L + again + first + last) * ring_all_reduce(A, t, rank) * w;
    } else {
        double half = (t - 1) / (double)t * A * w;
        /* entering twice a block and the head forward; leaving twice a block and the embedding backward; and
         * what entered gathered again for the weights' gradients. Of a backward in halves the second gathers
         * the two that left once more. */
        bytes[TP_ALL_GATHER] = (m * (6 * L + again + first + 2 * last) + 2 * split) * half;
        bytes[TP_REDUCE_SCATTER] = m * (4 * L + again + first + last) * half; /* the conjugates */
        /* gradients of what is not cut, each tensor by itself: six of h a block, the positions, the final norm */
        bytes[TP_GRADIENTS] = reductions * w *
                              ((6 * L + 2 * last) * ring_all_reduce(h, t, rank) +
                               first * ring_all_reduce((double)shape->sequence * h, t, rank));
    }
    bytes[TP_CROSS_ENTROPY] =
        last * m * (t - 1) * 3 * positions * w; /* most, sum, target of every position */
    bytes[TP_NORM] = (t - 1) * (double)sizeof(double);
}

/* A stage's output, and the gradient of its input: the residual stream of a microbatch, of which under sequence
 * parallelism each slice has 1/t (Narayanan et al. 2104.04473, section 4.1, get there by a scatter and a gather).
 * A tied embedding's gradients: swapped between the first stage's rank and the last's, as far as each owns them. */
static void pipeline_bytes_of(const Config *config, const Plan *plan, const Share *share, double owned_wte,
                              double bytes[PURPOSES])
{
    const GptShape *shape = &config->model.shape;
    double w = sizeof(real), outside = config->tensor.sequence_parallel ? share->t : 1;
    double border =
        (double)config->train.microbatch * (double)shape->sequence * (double)shape->hidden / outside;
    for (int k = 0; k < plan->stages - 1; k++) {
        if (plan->rank_of[k] == plan->rank_of[k + 1]) continue;
        if (plan->rank_of[k] == share->pipe) bytes[PP_SEND_FORWARD] += plan->shape.m * border * w;
        if (plan->rank_of[k + 1] == share->pipe) bytes[PP_SEND_BACKWARD] += plan->shape.m * border * w;
    }
    if (shape->tie_embeddings && share->first != share->last) bytes[PP_EMBEDDING] = owned_wte * w;
    bytes[PP_NORM] = (plan->shape.p - 1) * (double)sizeof(double);
}

static double backwards_in_halves(const Config *config, const Plan *plan, int pipe)
{
    double blocks = 0;
    const Schedule *list = &plan->list[pipe];
    for (int i = 0; i < list->count; i++)
        if (list->action[i].kind == ACTION_WEIGHT)
            blocks += (double)stage_blocks(config->model.shape.layers, plan->stages, list->action[i].stage);
    return blocks;
}

void theory_bytes(const Config *config, const Plan *plan, int ranks, int rank, double bytes[PURPOSES])
{
    Share share = share_of(config, plan, ranks, rank);
    int replica = share.replica, kind = config->parallel.kind;
    double N = share.replicas, w = sizeof(real), m = plan->shape.m;
    double tokens = (double)config->train.microbatch * ((double)config->model.shape.sequence + 1);
    Units u = units_of(config, share.replicas);
    double S = total(config, &share, u) * w,
           half = (N - 1) / N * S; /* a ring half: Patarasuk & Yuan 2009, 3 */
    /* zero2 and zero3 reduce gradients after every microbatch, unless told to do as the others: once */
    double reductions = data_parallel_reduces_each_microbatch(&config->parallel) ? m : 1;
    double owned_wte = u.wte; /* of the reduced gradient */
    for (int p = 0; p < PURPOSES; p++) bytes[p] = 0;

    switch ((DataParallelKind)kind) {
    case DATA_DP: /* the four transfers of PyTorch's DataParallel; inputs for the first stage and the last */
        bytes[DP_SCATTER] = replica == 0 ? m * (N - 1) * tokens * sizeof(int32_t) : 0;
        bytes[DP_SCATTER] *= share.single ? 1 : share.first + share.last;
        bytes[DP_BROADCAST] = tree_children(replica, share.replicas) * S;
        bytes[DP_GATHER] = replica == 0 || !share.last ? 0 : m * sizeof(double);
        bytes[DP_REDUCE] = replica == 0 ? 0 : S;
        if (replica > 0) owned_wte = 0;
        break;
    case DATA_DDP: /* all-reduce = reduce-scatter + all-gather: 2 (N-1)/N S (Li et al. 2006.15704) */
        bytes[DP_ALL_REDUCE] = 2 * half;
        break;
    case DATA_ZERO1: /* the same volume as DDP (Rajbhandari et al. 1910.02054, section 7.2.1) */
    case DATA_ZERO2:
        bytes[ZERO_REDUCE_SCATTER] = reductions * half;
        bytes[ZERO_ALL_GATHER] = half;
        break;
    case DATA_ZERO3: { /* 3 (N-1)/N S (section 7.2.2), and again for every microbatch. To the letter:
                        * forward gathers each unit, backward all but the embedding (its backward reads no
                        * parameters); where a tied head reads the embedding's own, it is once more in each. */
        double again = config->model.shape.tie_embeddings && share.single ? u.wte * w : 0;
        double embedding = share.first ? (u.wte + u.wpe) * w : 0;
        bytes[ZERO_REDUCE_SCATTER] = reductions * half;
        bytes[ZERO_ALL_GATHER] = m * (N - 1) / N * (S + again + S + again - embedding);
        break;
    }
    case DATA_KINDS: break;
    }
    /* the global norm: each shard's sum of squares to every other rank */
    if (kind >= DATA_ZERO1) {
        bytes[ZERO_NORM] = (N - 1) * sizeof(double);
        owned_wte /= N;
    }
    tensor_bytes_of(config, &share, m, reductions, backwards_in_halves(config, plan, share.pipe), bytes);
    pipeline_bytes_of(config, plan, &share, owned_wte, bytes);
    bytes[CONTROL] = rank == 0 ? 0 : sizeof(StepRecord); /* each rank's record to rank 0 */
}

/* Korthikanti et al. 2205.05198, section 4, without dropout and in w bytes: what a stage keeps of one microbatch
 * after F and, where backward is cut in halves, between I and W.
 *
 * A layer keeps both norms' inputs and outputs, 4 s b h, which sequence parallelism cuts by t; and, cut by t in
 * any case, q k v and the attention's output, GELU's input and output, and the softmax's a s^2 b. The head keeps
 * its norm's input and output and the probabilities of its slice of the vocabulary. Between the halves a linear
 * layer keeps its input and its output's gradient: for the four of a block as much again, without the softmax's;
 * norms keep their parameters' gradients, and the embedding that of its output. */
typedef struct Kept {
    double forward, halfway;
} Kept;

static Kept kept_by(const Config *config, const Plan *plan, int stage)
{
    const GptShape *shape = &config->model.shape;
    double t = (double)config->tensor.size, w = sizeof(real), h = (double)shape->hidden,
           f = (double)shape->ffn;
    double s = (double)shape->sequence, a = (double)shape->heads, b = (double)config->train.microbatch;
    double V = ceil((double)shape->vocab / t), outside = config->tensor.sequence_parallel ? t : 1;
    double blocks = (double)stage_blocks(shape->layers, plan->stages, stage),
           residual = w * s * b * h / outside;
    double core = w * a * s * s * b / t, linear = 4 * residual + w * s * b * (4 * h + 2 * f) / t;
    double layer = linear + core; /* table 2: selective leaves the core out, full keeps the input alone */
    if (config->train.recompute == RECOMPUTE_SELECTIVE) layer = linear;
    if (config->train.recompute == RECOMPUTE_FULL) layer = residual;
    Kept kept = {blocks * layer, blocks * (linear + w * 4 * h)};
    bool first = stage == 0, last = stage == plan->stages - 1;
    if (first || last) { /* the tokens */
        kept.forward += (double)sizeof(int32_t) * b * (s + 1);
        kept.halfway += (double)sizeof(int32_t) * b * (s + 1);
    }
    if (first) kept.halfway += residual;
    if (last) {
        kept.forward += 2 * residual + w * s * b * V;
        kept.halfway += residual + w * s * b * V + w * 2 * h;
    }
    return kept;
}

/* The most a rank keeps at once, from its list: as many microbatches as are in flight. */
static double activations_peak(const Config *config, const Plan *plan, int pipe)
{
    double now = 0, peak = 0;
    const Schedule *list = &plan->list[pipe];
    for (int i = 0; i < list->count; i++) {
        Action a = list->action[i];
        if (a.microbatch < 0) continue;
        Kept kept = kept_by(config, plan, a.stage);
        if (a.kind == ACTION_FORWARD) now += kept.forward;
        if (a.kind == ACTION_BACKWARD) now -= kept.forward;
        if (a.kind == ACTION_INPUT) now += kept.halfway - kept.forward;
        if (a.kind == ACTION_WEIGHT) now -= kept.halfway;
        peak = fmax(peak, now);
    }
    return peak;
}

void theory_memory(const Config *config, const Plan *plan, int ranks, int rank,
                   double bytes[MEMORY_CATEGORIES])
{
    Share share = share_of(config, plan, ranks, rank);
    double N = share.replicas, S = total(config, &share, units_of(config, share.replicas)) * sizeof(real);
    int kind = config->parallel.kind;
    for (int c = 0; c < MEMORY_CATEGORIES; c++) bytes[c] = (double)NAN;

    /* Rajbhandari et al. 1910.02054, figure 1: what a stage shards is cut by N; gradients that are reduced once a
     * step are whole until then */
    bytes[MEM_PARAMETERS] = kind >= DATA_ZERO3 ? S / N : S;
    bytes[MEM_GRADIENTS] = data_parallel_reduces_each_microbatch(&config->parallel) ? S / N : S;
    double states = optimizer_states((OptimizerKind)config->train.optimizer.kind) * S;
    bool none = kind == DATA_DP && share.replica > 0;
    bytes[MEM_OPTIMIZER] = kind >= DATA_ZERO1 ? states / N : none ? 0 : states;
    bytes[MEM_ACTIVATIONS] = activations_peak(config, plan, share.pipe);
}

double theory_bubble(const Config *config, int microbatches)
{
    double p = (double)config->pipeline.size, v = (double)config->pipeline.virtual_stages, m = microbatches;
    Ideal t = pipeline_ideal(config);
    double work = m * (t.forward + t.input + t.weight);
    /* Qi et al. 2401.10241, table 2. That is for m >= p; with fewer the last rank ends its last I after
     * (p - 1) F + m (F + I), which travels back through p - 1 ranks, and the first still owes one W. */
    double idle = (p - 1) * (t.forward + t.input - t.weight);
    if (m < p) idle = (m + p - 1) * (t.forward + t.input) + t.weight - work;
    switch (pipeline_kind(config)) {
    case SCHEDULE_NAIVE: return (p - 1) / p;
    case SCHEDULE_GPIPE: /* Huang et al. 1811.06965, section 2.3 */
    case SCHEDULE_1F1B: return (p - 1) / (m + p - 1);
    case SCHEDULE_INTERLEAVED:
        return (p - 1) / (v * m + p - 1); /* Narayanan et al. 2104.04473, section 2.2 */
    case SCHEDULE_ZB_H1: return idle / (idle + work);
    case SCHEDULE_KINDS: break;
    }
    return (double)NAN;
}
