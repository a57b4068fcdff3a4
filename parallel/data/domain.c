/* domain.c - the flat layout, who owns which block of it, and the buckets. */
#include "parallel/data/domain.h"
#include <stdlib.h>
#include "models/machine/error.h"
#include "parallel/collectives/shared_tensor.h"

Tensor domain_whole(const DomainUnit *unit, Tensor flat)
{
    return tensor_view(flat, unit->offset, unit->padded);
}

Tensor domain_shard(const DomainUnit *unit, Tensor flat)
{
    int n = unit->domain->groups.group->size;
    return tensor_view(flat, unit->offset / n, unit->padded / n);
}

void domain_owned(const DomainUnit *unit, int64_t *offset, int64_t *count)
{
    const Group *group = unit->domain->groups.group;
    *count = unit->padded / group->size;
    *offset = *count * group->rank;
}

Tensor domain_blank(Tensor gradient, int64_t count)
{
    gradient.blank = true;
    Tensor padding = tensor_view(gradient, count, gradient.count - count);
    tensor_settle(&padding);
    return gradient;
}

static void lay_out(Domain *domain, const Gpt *gpt, int number, DomainUnit *unit)
{
    int n = domain->groups.group->size;
    for (int u = 0; u < gpt->units; u++) {
        const Unit *own = &gpt->unit[u];
        if (own->domain != number) continue;
        unit[u] = (DomainUnit){.domain = domain,
                               .offset = domain->total,
                               .padded = own->held ? (own->count + n - 1) / n * n : 0};
        domain->total += unit[u].padded;
    }
    domain->unit = allocate((size_t)gpt->units * sizeof *domain->unit);
    for (int u = gpt->units - 1; u >= 0; u--)
        if (unit[u].domain == domain && gpt->unit[u].held) domain->unit[domain->units++] = u;
}

/* Stages run one by one, so no bucket holds units of two. */
static void make_buckets(Domain *domain, const Holding *held, DomainUnit *unit)
{
    const Unit *own = held->gpt->unit;
    double bytes = 0,
           full = data_parallel_shards_parameters(held->config) ? 0 : held->config->bucket_mb * 1e6;
    Bucket *open = NULL;
    domain->bucket = allocate_zeroed((size_t)domain->units, sizeof *domain->bucket); /* one each at most */
    for (int i = 0; i < domain->units; i++) {
        int u = domain->unit[i];
        if (!open || bytes >= full || own[open->unit[0]].stage != own[u].stage) {
            open = &domain->bucket[domain->buckets++];
            *open = (Bucket){.domain = domain, .unit = domain->unit + i};
            bytes = 0;
        }
        open->units++;
        unit[u].bucket = open;
        bytes += (double)unit[u].padded * (double)dtype_bytes(held->gradient_dtype);
    }
}

/* Quantised, the owner's block of whole parameters is what the others got, and what it updates is kept beside. */
static bool has_master(const Domain *domain, const Holding *held)
{
    bool quantized = held->config->quantize & QUANTIZE_PARAMETERS && domain->groups.group->size > 1;
    return is_half(held->gpt->dtype) || (quantized && data_parallel_gathers_updates(held->config));
}

/* What the rank holds of parameters, gradients and optimizer state; what is whole and travels, where rings need not copy
 * it. */
static void make_flats(Domain *domain, const Holding *held, DomainUnit *unit)
{
    Device *device = held->gpt->device;
    bool parameters = data_parallel_shards_parameters(held->config),
         gradients = data_parallel_reduces_each_microbatch(held->config),
         optimizer = data_parallel_shards_optimizer(held->config);
    int64_t whole = domain->total, shard = domain->total / domain->groups.group->size;
    domain->parameters =
        data_parallel_gathers_updates(held->config)
            ? shared_tensor_new(domain->groups.group, device, MEM_PARAMETERS, held->gpt->dtype, whole)
            : tensor_new(device, MEM_PARAMETERS, held->gpt->dtype, parameters ? shard : whole);
    domain->gradients = gradients ? tensor_new(device, MEM_GRADIENTS, held->gradient_dtype, shard)
                                  : shared_tensor_new(domain->groups.group, device, MEM_GRADIENTS,
                                                      held->gradient_dtype, whole);
    for (int i = 0; i < OPTIMIZER_STATES && domain->updates; i++) {
        bool moment = i < optimizer_states((OptimizerKind)held->optimizer->kind);
        if (!moment && !(i == OPTIMIZER_MASTER && has_master(domain, held))) continue;
        domain->state[i] = tensor_new(device, MEM_OPTIMIZER, REAL, optimizer ? shard : whole);
        tensor_zero(domain->state[i]);
    }
    for (int i = 0; i < domain->units; i++) {
        DomainUnit *u = &unit[domain->unit[i]];
        if (!parameters) u->weights = domain_whole(u, domain->parameters);
        if (!gradients) u->gradients = domain_whole(u, domain->gradients);
    }
}

void domain_make(Domain *domain, const Holding *held, int number, DomainGroups groups, DomainUnit *unit)
{
    *domain = (Domain){.groups = groups, .updates = held->config->kind != DATA_DP || groups.group->rank == 0};
    lay_out(domain, held->gpt, number, unit);
    make_buckets(domain, held, unit);
    make_flats(domain, held, unit);
}

void domain_end(Domain *domain)
{
    shared_tensor_free(domain->groups.group, &domain->parameters);
    shared_tensor_free(domain->groups.group, &domain->gradients);
    for (int i = 0; i < OPTIMIZER_STATES; i++) tensor_free(&domain->state[i]);
    free(domain->unit);
    free(domain->bucket);
}
