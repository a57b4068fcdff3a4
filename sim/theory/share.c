/* share.c - places on the grid and sizes of units. */
#include "sim/theory/share.h"
#include <math.h>
#include "models/kernels/kinds.h"
#include "models/machine/tensor.h"
#include "sim/theory/attention.h"

Blocks theory_blocks(const Config *config, const Plan *plan, int stage)
{
    const GptShape *shape = &config->model.shape;
    const int *given = config_layers_per_stage(config, plan->stages);
    int64_t before = 0, own = stage_blocks(shape->layers, plan->stages, given, stage);
    for (int k = 0; k < stage; k++) before += stage_blocks(shape->layers, plan->stages, given, k);
    return (Blocks){(double)own, (double)layers_with_experts(shape, before + 1, before + own)};
}

double theory_experts_width(const GptShape *shape, double experts)
{
    return experts * (double)(expert_inner_width(shape) + shape->experts.ffn);
}

/* GShard (2006.16668, section 2.2). */
double theory_capacity(const Config *config)
{
    const ExpertsShape *e = &config->model.shape.experts;
    double s = (double)config->model.shape.sequence, b = (double)config->train.microbatch,
           scopes = (double)load_scopes(&config->model.shape, config->train.microbatch);
    return ceil(e->capacity * (s * b / scopes * (double)e->top_k / (double)e->count) * (1 - 1e-12));
}

double theory_experts_rows(const Config *config)
{
    const ExpertsShape *e = &config->model.shape.experts;
    double b = (double)config->train.microbatch,
           scopes = (double)load_scopes(&config->model.shape, config->train.microbatch),
           choices = (double)config->model.shape.sequence * b * (double)e->top_k;
    return e->capacity > 0 ? fmin(choices, scopes * (double)e->count * theory_capacity(config)) : choices;
}

Share theory_share(const Config *config, const Plan *plan, int ranks, int rank)
{
    MeshShape mesh = config_mesh(config, ranks);
    MeshPlace place = mesh_place(mesh, rank);
    Share s = {.ranks = ranks,
               .rank = rank,
               .pipe = place.pipe,
               .replica = place.data,
               .replicas = mesh.dp,
               .slice = place.tensor,
               .t = mesh.tp,
               .ep = mesh.ep,
               .holder = place.data / mesh.ep,
               .holders = mesh.dp / mesh.ep,
               .single = plan->stages == 1};
    for (int k = 0; k < plan->stages; k++) {
        if (plan->rank_of[k] != s.pipe) continue;
        Blocks blocks = theory_blocks(config, plan, k);
        s.blocks += blocks.all;
        s.sparse += blocks.sparse;
        s.first |= k == 0;
        s.last |= k == plan->stages - 1;
    }
    return s;
}

/* Of an expert: N/ep; and of so few replicas that one has all experts of a part, 1. */
static int holders_of(const Config *config, int replicas)
{
    int holders = replicas / (int)config->expert.size;
    return holders > 1 ? holders : 1;
}

static double padded(double count, int ranks)
{
    return ceil(count / ranks) * ranks; /* so that every rank owns an equal block */
}

Units theory_units(const Config *config, int replicas)
{
    const GptShape *shape = &config->model.shape;
    double h = (double)shape->hidden, f = (double)shape->ffn, s = (double)shape->sequence;
    double t = (double)config->tensor.size,
           V = ceil((double)shape->vocab / t); /* rows a rank holds, padded */
    double inner = (double)inner_width(shape), bias = shape->bias;
    double attention = theory_attention_parameters(shape, config->tensor.size).held;
    double norm = shape->norm == NORM_LAYERNORM ? 2 * h : h;
    double shared = theory_experts_width(shape, (double)shape->experts.shared),
           experts = theory_experts_width(shape, (double)shape->experts.count / (double)config->expert.size);
    bool sparse = shape->experts.count > 0;
    return (Units){
        .wte = padded(V * h, replicas),
        .wpe = shape->position == POSITION_LEARNED ? padded(s * h, replicas) : 0,
        /* of the MLP, in and out of it cut by t; whole: its row-parallel bias, and two norms */
        .block = padded(attention + (h * (inner + f) + bias * inner) / t + bias * h + 2 * norm, replicas),
        /* of experts the router, whole, and those that are shared */
        .sparse = sparse ? padded(attention + h * (double)shape->experts.count + h * shared / t + 2 * norm,
                                  replicas)
                         : 0,
        .experts = sparse ? padded(h * experts / t, holders_of(config, replicas)) : 0,
        .final = padded(norm + (shape->tie_embeddings ? 0 : V * h), replicas),
    };
}

static double piece(double values, double tensors, bool quantized, double width)
{
    if (values == 0 || !quantized) return values * width;
    return values + 4 * (ceil(values / 256) + tensors - 1);
}

Units theory_pieces(const Config *config, int replicas, bool quantized, double width)
{
    const GptShape *shape = &config->model.shape;
    Units u = theory_units(config, replicas);
    double N = replicas, norm = shape->norm == NORM_LAYERNORM ? 2 : 1, bias = shape->bias;
    double attention = 2 * norm + theory_attention_parameters(shape, config->tensor.size).tensors;
    bool shared = shape->experts.shared > 0;
    return (Units){
        .wte = piece(u.wte / N, 1, quantized, width),
        .wpe = piece(u.wpe / N, 1, quantized, width),
        .block = piece(u.block / N, attention + 2 + 2 * bias, quantized, width),
        .sparse = piece(u.sparse / N, attention + 1 + 2 * shared, quantized, width),
        .experts = piece(u.experts / holders_of(config, replicas),
                         2 * (double)shape->experts.count / (double)config->expert.size, quantized, width),
        .final = piece(u.final / N, norm + !shape->tie_embeddings, quantized, width),
    };
}

double theory_width(const Config *config)
{
    return (double)dtype_bytes(config_dtype(config));
}

double theory_gradient_width(const Config *config, int microbatches)
{
    return (double)dtype_bytes(config_gradient_dtype(config, microbatches));
}

static bool has_copy(const Config *config, const Share *share)
{
    return config->model.shape.tie_embeddings && share->last && !share->single;
}

double theory_held_experts(const Share *share, Units u)
{
    return share->sparse * u.experts;
}

double theory_held_dense(const Config *config, const Share *share, Units u)
{
    double blocks = (share->blocks - share->sparse) * u.block + share->sparse * u.sparse;
    return (share->first ? u.wte + u.wpe : 0) + blocks + (share->last ? u.final : 0) +
           (has_copy(config, share) ? u.wte : 0);
}

double theory_held(const Config *config, const Share *share, Units u)
{
    return theory_held_dense(config, share, u) + theory_held_experts(share, u);
}
