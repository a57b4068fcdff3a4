/* share.c - places on the grid and sizes of units. */
#include "sim/theory/share.h"
#include <math.h>
#include "models/machine/tensor.h"
#include "sim/theory/attention.h"

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
               .single = plan->stages == 1};
    for (int k = 0; k < plan->stages; k++) {
        if (plan->rank_of[k] != s.pipe) continue;
        s.blocks += (double)stage_blocks(config->model.shape.layers, plan->stages,
                                         config_layers_per_stage(config, plan->stages), k);
        s.first |= k == 0;
        s.last |= k == plan->stages - 1;
    }
    return s;
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
    return (Units){
        .wte = padded(V * h, replicas),
        .wpe = shape->position == POSITION_LEARNED ? padded(s * h, replicas) : 0,
        /* of the MLP, in and out of it cut by t; whole: its row-parallel bias, and two norms */
        .block = padded(attention + (h * (inner + f) + bias * inner) / t + bias * h + 2 * norm, replicas),
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
    double attention = theory_attention_parameters(shape, config->tensor.size).tensors;
    return (Units){
        .wte = piece(u.wte / N, 1, quantized, width),
        .wpe = piece(u.wpe / N, 1, quantized, width),
        .block = piece(u.block / N, 2 * norm + attention + 2 + 2 * bias, quantized, width),
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

double theory_held(const Config *config, const Share *share, Units u)
{
    return (share->first ? u.wte + u.wpe : 0) + share->blocks * u.block + (share->last ? u.final : 0) +
           (has_copy(config, share) ? u.wte : 0);
}
