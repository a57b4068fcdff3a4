/* weights_naming.c - by which tensors a file tells. */
#include "sim/file/weights_naming.h"
#include <stdio.h>
#include <string.h>
#include "sim/base/words.h"

bool weights_named(H5 *file, Naming naming, FileTensor embedding[CUT_PARTS])
{
    static const Parameter words = {.name = "wte.weight"};
    file_tensors(naming, &words, embedding);
    return h5_exists(file, embedding->path);
}

/* How much of a model's names tells this naming from others: the embedding's, and with experts the first router's. */
static int names_found(H5 *file, Naming naming, const GptShape *shape)
{
    FileTensor tensor[CUT_PARTS];
    Parameter router = {.name = ""};
    if (!weights_named(file, naming, tensor)) return 0;
    if (shape->experts.count == 0) return 1;
    snprintf(router.name, sizeof router.name, "h.%lld." ROUTER_NAME, (long long)shape->experts.first_dense);
    file_tensors(naming, &router, tensor);
    return 1 + h5_exists(file, tensor->path);
}

Naming weights_naming(H5 *file, const GptShape *shape)
{
    Naming ours = naming_of(shape), best = ours;
    int most = names_found(file, ours, shape);
    for (int other = 0; other < NAMINGS; other++) {
        if (naming_is_llama((Naming)other) != naming_is_llama(ours)) continue;
        int found = names_found(file, (Naming)other, shape);
        if (found > most) best = (Naming)other, most = found;
    }
    return best;
}

bool weights_name_experts(const char *name)
{
    return strstr(name, "experts.") || words_end_in(name, ROUTER_NAME) || strstr(name, "block_sparse_moe.");
}

bool weights_of_experts(H5 *file, const Parameter *p, const FileTensor *f)
{
    int layer;
    Parameter router = {.name = ""};
    FileTensor tensor[CUT_PARTS];
    bool there = false;
    if (weights_name_experts(f->path)) return true;
    if (sscanf(p->name, "h.%d.", &layer) != 1 || !strstr(p->name, ".mlp.")) return false;
    snprintf(router.name, sizeof router.name, "h.%d." ROUTER_NAME, layer);
    for (int naming = 0; naming < NAMINGS && !there; naming++) {
        file_tensors((Naming)naming, &router, tensor);
        there = h5_exists(file, tensor->path);
    }
    return there;
}
