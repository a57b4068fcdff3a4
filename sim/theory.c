/* theory.c - every formula, with where it comes from.
 *
 * N ranks; L layers, h hidden, f inner MLP width, a heads, V vocabulary, s
 * sequence; b samples a microbatch, m microbatches; w bytes a value. */
#include "sim/theory.h"
#include <math.h>
#include "models/tensor.h"
#include "sim/pipeline.h"
#include "sim/step_record.h"

/* Parameters of the units that move as one: the embedding, a block, the final
 * norm with the untied head. For f = 4 h the sum is the familiar
 * 12 L h^2 (1 + 13 / (12 h)) + (V + s) h + 2 h (Narayanan et al. 2104.04473, eq. 2, plus the final norm). */
typedef struct Units {
    double embedding, block, final;
    double layers;
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
        .embedding = padded((V + s) * h, replicas),
        /* cut by t: 4 h^2 + 3 h of attention, 2 h f + f of the MLP; whole: two row-parallel biases, two norms */
        .block = padded((4 * h * h + 3 * h + 2 * h * f + f) / t + 6 * h, replicas),
        .final = padded(2 * h + (shape->tie_embeddings ? 0 : V * h), replicas),
        .layers = (double)shape->layers,
    };
}

static double total(Units u)
{
    return u.embedding + u.layers * u.block + u.final;
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

/* Tensor and sequence parallelism, for one microbatch: Shoeybi et al. 1909.08053, section 3; Korthikanti et al.
 * 2205.05198, section 4.2. A = s b h values cross each border of a region. */
static void tensor_bytes_of(const Config *config, double microbatches, double reductions, int rank,
                            double bytes[PURPOSES])
{
    const GptShape *shape = &config->model.shape;
    int t = (int)config->tensor.size;
    if (t == 1) return;
    double L = (double)shape->layers, h = (double)shape->hidden, w = sizeof(real), m = microbatches;
    double positions = (double)shape->sequence * (double)config->train.microbatch, A = positions * h;
    double again = config->train.recompute == RECOMPUTE_FULL ? 2 * L : 0; /* a block's forward, once more */
    if (!config->tensor.sequence_parallel) {
        /* f and g of attention and MLP, forward and backward; the embedding forward; the head backward */
        bytes[TP_ALL_REDUCE] = m * (4 * L + again + 2) * ring_all_reduce(A, t, rank) * w;
    } else {
        double half = (t - 1) / (double)t * A * w;
        /* entering twice a block and the head forward; leaving twice a block and the embedding backward; and
         * what entered gathered again for the weights' gradients */
        bytes[TP_ALL_GATHER] = m * (6 * L + again + 3) * half;
        bytes[TP_REDUCE_SCATTER] = m * (4 * L + again + 2) * half; /* the conjugates */
        /* gradients of what is not cut, each tensor by itself: six of h a block, the positions, the final norm */
        bytes[TP_GRADIENTS] = reductions * w *
                              ((6 * L + 2) * ring_all_reduce(h, t, rank) +
                               ring_all_reduce((double)shape->sequence * h, t, rank));
    }
    bytes[TP_CROSS_ENTROPY] = m * (t - 1) * 3 * positions * w; /* most, sum, target of every position */
    bytes[TP_NORM] = (t - 1) * (double)sizeof(double);
}

void theory_bytes(const Config *config, int ranks, int rank, double bytes[PURPOSES])
{
    int t = (int)config->tensor.size, replicas = ranks / t, replica = rank / t;
    double N = replicas, w = sizeof(real);
    double m = (double)config->train.global_batch / (N * (double)config->train.microbatch);
    double tokens = (double)config->train.microbatch * ((double)config->model.shape.sequence + 1);
    Units u = units_of(config, replicas);
    double S = total(u) * w, half = (N - 1) / N * S; /* one ring half: Patarasuk & Yuan 2009, section 3 */
    for (int p = 0; p < PURPOSES; p++) bytes[p] = 0;

    switch ((DataParallelKind)config->parallel.kind) {
    case DATA_DP: /* the four transfers of PyTorch's DataParallel */
        bytes[DP_SCATTER] = replica == 0 ? m * (N - 1) * tokens * sizeof(int32_t) : 0;
        bytes[DP_BROADCAST] = tree_children(replica, replicas) * S;
        bytes[DP_GATHER] = replica == 0 ? 0 : m * sizeof(double);
        bytes[DP_REDUCE] = replica == 0 ? 0 : S;
        break;
    case DATA_DDP: /* all-reduce = reduce-scatter + all-gather: 2 (N-1)/N S (Li et al. 2006.15704) */
        bytes[DP_ALL_REDUCE] = 2 * half;
        break;
    case DATA_ZERO1: /* the same volume as DDP (Rajbhandari et al. 1910.02054, section 7.2.1) */
        bytes[ZERO_REDUCE_SCATTER] = half;
        bytes[ZERO_ALL_GATHER] = half;
        break;
    case DATA_ZERO2: /* the same with m = 1; gradients are reduced after every microbatch */
        bytes[ZERO_REDUCE_SCATTER] = m * half;
        bytes[ZERO_ALL_GATHER] = half;
        break;
    case DATA_ZERO3: { /* 3 (N-1)/N S (section 7.2.2), and again for every microbatch. To the letter:
                        * forward gathers each unit, backward all but the embedding (its backward reads no
                        * parameters); a tied head gathers the embedding once more in each. */
        double again = config->model.shape.tie_embeddings ? 1 : 0;
        double forward = S + again * u.embedding * w, backward = S + (again - 1) * u.embedding * w;
        bytes[ZERO_REDUCE_SCATTER] = m * half;
        bytes[ZERO_ALL_GATHER] = m * (N - 1) / N * (forward + backward);
        break;
    }
    case DATA_KINDS: break;
    }
    /* the global norm: each shard's sum of squares to every other rank */
    if (config->parallel.kind >= DATA_ZERO1) bytes[ZERO_NORM] = (N - 1) * sizeof(double);
    /* zero2 and zero3 reduce gradients after every microbatch, the others once */
    tensor_bytes_of(config, m, config->parallel.kind >= DATA_ZERO2 ? m : 1, rank % t, bytes);
    bytes[CONTROL] = rank == 0 ? 0 : sizeof(StepRecord); /* each rank's record to rank 0 */
}

void theory_memory(const Config *config, int ranks, int rank, double bytes[MEMORY_CATEGORIES])
{
    const GptShape *shape = &config->model.shape;
    int t = (int)config->tensor.size, replicas = ranks / t, replica = rank / t;
    double N = replicas, w = sizeof(real), h = (double)shape->hidden, f = (double)shape->ffn;
    double V = ceil((double)shape->vocab / t), outside = config->tensor.sequence_parallel ? t : 1;
    double s = (double)shape->sequence, a = (double)shape->heads, b = (double)config->train.microbatch;
    double S = total(units_of(config, replicas)) * w;
    int kind = config->parallel.kind;
    for (int c = 0; c < MEMORY_CATEGORIES; c++) bytes[c] = (double)NAN;

    /* Rajbhandari et al. 1910.02054, figure 1: what a stage shards is cut by N */
    bytes[MEM_PARAMETERS] = kind >= DATA_ZERO3 ? S / N : S;
    bytes[MEM_GRADIENTS] = kind >= DATA_ZERO2 ? S / N : S;
    double states = optimizer_states((OptimizerKind)config->train.optimizer.kind) * S;
    bytes[MEM_OPTIMIZER] = kind >= DATA_ZERO1 ? states / N : kind == DATA_DP && replica > 0 ? 0 : states;

    /* Korthikanti et al. 2205.05198, section 4, without dropout and in w bytes. A layer keeps both norms' inputs
     * and outputs, 4 s b h, which sequence parallelism cuts by t; and, cut by t in any case, q k v and the
     * attention's output, GELU's input and output, and the softmax's a s^2 b. The head keeps its norm's input and
     * output and the probabilities of its slice of the vocabulary; and the tokens. */
    double core = a * s * s * b / t; /* table 2: selective leaves this out, full keeps the input alone */
    double layer = w * (4 * s * b * h / outside + s * b * (4 * h + 2 * f) / t + core);
    if (config->train.recompute == RECOMPUTE_SELECTIVE) layer -= w * core;
    if (config->train.recompute == RECOMPUTE_FULL) layer = w * s * b * h / outside;
    double head = w * s * b * (2 * h / outside + V) + (double)sizeof(int32_t) * b * (s + 1);
    bytes[MEM_ACTIVATIONS] = (double)shape->layers * layer + head;
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
