/* work.c - the kinds of work, and what was done of each. */
#include "models/machine/work.h"

const WorkKindInfo work_kind[WORK_KINDS] = {
    [WORK_MATMUL] = {.name = "matmul", .products = {1, 1}},
    [WORK_ATTENTION] = {.name = "attention", .products = {1, 1}},
    [WORK_FLASH] = {.name = "flash",
                    .products = {2, 5},
                    .of_values = {1, 2}}, /* backward has the scores to compute again */
    [WORK_SOFTMAX] = {.name = "softmax"},
    [WORK_NORM] = {.name = "norm"},
    [WORK_ACTIVATION] = {.name = "activation"},
    [WORK_DROPOUT] = {.name = "dropout"},
    [WORK_RESIDUAL] = {.name = "residual"},
    [WORK_BIAS] = {.name = "bias"},
    [WORK_POSITION] = {.name = "position"},
    [WORK_EMBEDDING] = {.name = "embedding"},
    [WORK_ROUTER] = {.name = "router"},
    [WORK_PERMUTE] = {.name = "permute"},
    [WORK_CROSS_ENTROPY] = {.name = "cross_entropy"},
    [WORK_ACCUMULATE] = {.name = "accumulate"},
    [WORK_CONVERT] = {.name = "convert"},
    [WORK_QUANTIZE] = {.name = "quantize"},
    [WORK_SQUARES] = {.name = "squares"},
    [WORK_OPTIMIZER] = {.name = "optimizer"},
    [WORK_REDUCE] = {.name = "reduce", .payer = PAID_BY_NETWORK},
    [WORK_ZERO] = {.name = "zero", .payer = PAID_BY_NOBODY},
    [WORK_COPY] = {.name = "copy", .payer = PAID_BY_NOBODY},
};

double work_products(const Work *w)
{
    const WorkKindInfo *kind = &work_kind[w->kind];
    int values = kind->of_values[w->backward], keys = kind->products[w->backward] - values;
    double cells = 2.0 * (double)w->batch * (double)w->m * (double)w->n;
    return cells * (double)(keys * w->k + values * w->v);
}

bool work_is(const Work *a, const Work *b)
{
    return a->kind == b->kind && a->backward == b->backward && a->adds == b->adds && a->batch == b->batch &&
           a->m == b->m && a->n == b->n && a->k == b->k && a->v == b->v && a->type == b->type &&
           a->flops == b->flops && a->bytes == b->bytes;
}

void work_done(WorkDone *done, const Work *work, bool again)
{
    double products = work_products(work);
    done->kernels++;
    done->flops += work->flops;
    done->bytes += work->bytes;
    done->products += products;
    if (again) done->again += products;
}

void work_join(WorkDone *to, const WorkDone *done, double times)
{
    to->kernels += times * done->kernels;
    to->flops += times * done->flops;
    to->bytes += times * done->bytes;
    to->products += times * done->products;
    to->again += times * done->again;
    to->seconds += times * done->seconds;
}

WorkDone work_between(const WorkDone *before, const WorkDone *after)
{
    WorkDone between = *after;
    work_join(&between, before, -1);
    return between;
}

WorkDone work_sum(const WorkDone done[WORK_KINDS])
{
    WorkDone sum = {0};
    for (int k = 0; k < WORK_KINDS; k++) work_join(&sum, &done[k], 1);
    return sum;
}
