/* gpt_initialise.c - a number for each place of a weight, whoever holds it. */
#include "models/layers/gpt_initialise.h"
#include <math.h>
#include "models/machine/random.h"
#include "models/machine/tensor_values.h"

typedef struct Filling {
    const Gpt *gpt;
    int64_t seed;
    real *to;
} Filling;

/* In the whole, unsplit parameter; below 0: in its padding. */
static int64_t place_of(const Gpt *gpt, const Parameter *p, int64_t here)
{
    return parameter_place(p, gpt->region.size, gpt->region.rank, here);
}

/* Numbers that lie in a row in the whole are drawn together. */
enum { TOGETHER = 64 };

static void fill(const Parameter *p, int64_t in_parameter, int64_t in_range, int64_t count, void *context)
{
    const Filling *f = context;
    double deviation =
        0.02 / (p->init == INIT_NORMAL_RESIDUAL ? sqrt(2.0 * (double)f->gpt->shape.layers) : 1.0);
    uint64_t index = (uint64_t)(p->copy_of ? p->copy_of : p)->number;
    bool drawn = p->init == INIT_NORMAL || p->init == INIT_NORMAL_RESIDUAL;
    double value[TOGETHER];
    for (int64_t i = 0, run; i < count; i += run) {
        int64_t place = place_of(f->gpt, p, in_parameter + i);
        for (run = 1; i + run < count && run < TOGETHER; run++)
            if (place_of(f->gpt, p, in_parameter + i + run) != place + run) break;
        if (drawn && place >= 0) random_normals(f->seed, STREAM_WEIGHTS, index, (uint64_t)place, value, run);
        for (int64_t j = 0; j < run; j++)
            f->to[in_range + i + j] =
                (real)(drawn && place >= 0 ? deviation * value[j] : p->init == INIT_ONE);
    }
}

void gpt_initialise(const Gpt *gpt, int unit, int64_t offset, int64_t seed, Tensor to)
{
    tensor_zero(to); /* padding past the unit's end stays zero */
    if (!to.data) return;
    Filling filling = {.gpt = gpt, .seed = seed, .to = reals(to)};
    gpt_each_parameter(gpt, unit, offset, to.count, fill, &filling);
}
