/* checkpoint_traffic.c - the ranges that checkpoint_save.c writes and checkpoint.c reads, counted. */
#include "sim/run/checkpoint_traffic.h"
#include "parallel/data/kept.h"
#include "sim/file/checkpoint_layout.h"

typedef struct Counting {
    const Region *region;
    bool writes;
    double values;
} Counting;

/* Of what ranks of a tensor group hold alike the first one writes; a copy has no dataset, and is read from another's. */
static void count_parameter(const Parameter *p, int64_t in_parameter, int64_t in_range, int64_t count,
                            void *context)
{
    (void)in_range;
    Counting *c = context;
    ParameterSlab slab[PARAMETER_SLABS];
    int slabs = parameter_slabs(p, c->region->size, c->region->rank, in_parameter, count, slab);
    for (int i = 0; i < slabs; i++)
        if (!c->writes || (slab[i].first && !p->copy_of))
            c->values += (double)slab[i].rows * (double)slab[i].columns;
}

static double written_of(const Trainer *t, int part, int unit)
{
    Counting c = {.region = &t->gpt->region, .writes = true};
    int64_t first;
    Tensor mine = kept_alone(t->data_parallel, checkpoint_which(part), unit, &first);
    if (mine.device) gpt_each_parameter(t->gpt, unit, first, mine.count, count_parameter, &c);
    return c.values;
}

static double read_of(const Trainer *t, int part, int unit)
{
    Counting c = {.region = &t->gpt->region};
    int64_t first, count = 0;
    if (part == 0) {
        data_parallel_here(t->data_parallel, unit, &first, &count);
    } else {
        Tensor here = kept_here(t->data_parallel, checkpoint_which(part), unit, &first);
        if (here.device) count = here.count;
    }
    gpt_each_parameter(t->gpt, unit, first, count, count_parameter, &c);
    return c.values;
}

CheckpointTraffic checkpoint_traffic(const Trainer *t)
{
    CheckpointTraffic traffic = {0, 0};
    for (int part = 0; part < checkpoint_parts(t->config); part++)
        for (int unit = 0; unit < t->gpt->units; unit++) {
            if (!t->gpt->unit[unit].held) continue;
            traffic.written += sizeof(real) * written_of(t, part, unit);
            traffic.read += sizeof(real) * read_of(t, part, unit);
        }
    return traffic;
}

double checkpoint_values(const Trainer *t)
{
    return (double)checkpoint_parts(t->config) * (double)gpt_parameter_count(&t->gpt->shape) * sizeof(real);
}
