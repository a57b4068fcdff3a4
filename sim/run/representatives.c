/* representatives.c - the axes of the grid along which ranks are alike. */
#include "sim/run/representatives.h"
#include <stdlib.h>

/* Blocks of what a ring carries differ by a value where its members do not divide it. What a tensor group carries they
 * do: it is a multiple of `hidden`, which the heads divide and the group divides the heads. But a bias of keys and
 * values, which those that hold the same head add up, is a head's. */
static bool tensor_ranks_alike(const Config *config)
{
    const GptShape *shape = &config->model.shape;
    int64_t bias = 2 * shape->hidden / shape->heads;
    return !shape->bias || bias % kv_sharing(shape, config->tensor.size) == 0;
}

WalkedRanks representatives_of(const Config *config, int ranks)
{
    MeshShape shape = config_mesh(config, ranks);
    bool alike = tensor_ranks_alike(config); /* else none that follow each other are */
    int dp = config->parallel.kind == DATA_DP || !alike ? shape.dp : 1, tp = alike ? 1 : shape.tp;
    int *rank = allocate((size_t)ranks * sizeof *rank), count = 0;
    MeshPlace p;
    for (p.pipe = 0; p.pipe < shape.pp; p.pipe++)
        for (p.data = 0; p.data < dp; p.data++)
            for (p.tensor = 0; p.tensor < tp; p.tensor++) rank[count++] = mesh_rank(shape, p);
    return (WalkedRanks){.ranks = ranks, .count = count, .rank = rank};
}
