/* memory.c - what a rank holds at most, each formula with where it comes from. */
#include <math.h>
#include "models/machine/tensor.h"
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
 * output. */
typedef struct Kept {
    double forward, halfway;
} Kept;

static double core_kept(const Config *config, double cells, double rows)
{
    const GptShape *shape = &config->model.shape;
    double w = theory_width(config);
    if (shape->attention == ATTENTION_FLASH) return rows * (double)sizeof(real);
    if (config->train.recompute == RECOMPUTE_SELECTIVE) return 0; /* table 2 */
    return cells * (shape->dropout > 0 ? 2 * w + 1 : w);
}

static Kept kept_by(const Config *config, const Plan *plan, int stage)
{
    const GptShape *shape = &config->model.shape;
    double t = (double)config->tensor.size, w = theory_width(config), h = (double)shape->hidden,
           f = (double)shape->ffn;
    double s = (double)shape->sequence, a = (double)shape->heads, b = (double)config->train.microbatch;
    double V = ceil((double)shape->vocab / t), outside = config->tensor.sequence_parallel ? t : 1;
    double blocks = (double)stage_blocks(shape->layers, plan->stages,
                                         config_layers_per_stage(config, plan->stages), stage);
    double residual = w * s * b * h / outside, mask = shape->dropout > 0 ? s * b * h / outside : 0;
    double widths = (double)qkv_width(shape, config->tensor.size) + (h + (double)inner_width(shape) + f) / t;
    double linear = 4 * residual + w * s * b * widths;
    double layer = linear + 2 * mask + core_kept(config, a * s * s * b / t, a * s * b / t);
    if (config->train.recompute == RECOMPUTE_FULL) layer = residual; /* the input alone */
    Kept kept = {blocks * layer, blocks * (linear + (double)sizeof(real) * 4 * h)};
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
    Share share = theory_share(config, plan, ranks, rank);
    double N = share.replicas, held = theory_held(config, &share, theory_units(config, share.replicas));
    double S = held * theory_width(config), G = held * theory_gradient_width(config, plan->shape.m);
    int kind = config->parallel.kind;
    for (int c = 0; c < MEMORY_CATEGORIES; c++) bytes[c] = (double)NAN;

    /* Rajbhandari et al. 1910.02054, figure 1: what a stage shards is cut by N; gradients that are reduced once a
     * step are whole until then */
    bytes[MEM_PARAMETERS] = kind >= DATA_ZERO3 ? S / N : S;
    bytes[MEM_GRADIENTS] = data_parallel_reduces_each_microbatch(&config->parallel) ? G / N : G;
    /* and a master beside whole parameters that are not exact: in 16 bits, or as they came quantised */
    bool rounded =
        config->parallel.quantize & QUANTIZE_PARAMETERS && N > 1 && kind >= DATA_ZERO1 && kind < DATA_ZERO3;
    bool master = is_half(config_dtype(config)) || rounded;
    int values = optimizer_states((OptimizerKind)config->train.optimizer.kind) + master;
    double states = values * held * (double)sizeof(real);
    bool none = kind == DATA_DP && share.replica > 0;
    bytes[MEM_OPTIMIZER] = kind >= DATA_ZERO1 ? states / N : none ? 0 : states;
    bytes[MEM_ACTIVATIONS] = activations_peak(config, plan, share.pipe);
}
