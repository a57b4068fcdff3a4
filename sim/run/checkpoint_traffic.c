/* checkpoint_traffic.c - shares, counted. */
#include "sim/run/checkpoint_traffic.h"
#include "models/machine/real.h"
#include "sim/run/checkpoint_share.h"

static double bytes_of(const CheckpointSlab *s)
{
    return (double)s->slab.rows * (double)s->slab.columns * sizeof(real);
}

static void add_owned(const CheckpointSlab *s, void *bytes)
{
    if (s->owned) *(double *)bytes += bytes_of(s);
}

static void add_needed(const CheckpointSlab *s, void *bytes)
{
    *(double *)bytes += bytes_of(s);
}

CheckpointTraffic checkpoint_traffic(const Trainer *t)
{
    CheckpointTraffic traffic = {0, 0};
    Tensor ignored;
    for (int i = 0; i < checkpoint_units(t); i++) {
        CheckpointRange owned = checkpoint_owned(t, i, &ignored), needed = checkpoint_needed(t, i, &ignored);
        checkpoint_slabs(t, &owned, add_owned, &traffic.written);
        checkpoint_slabs(t, &needed, add_needed, &traffic.read);
    }
    return traffic;
}
