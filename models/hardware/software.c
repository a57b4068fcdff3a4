/* software.c - from a kernel's report to its time: who pays for it, and with what it is fused. */
#include "models/hardware/software.h"
#include <math.h>

/* Values that go through a kernel are read from the one before and written for the next. */
static double through(const Work *w)
{
    return 2.0 * (double)(w->batch * w->m * w->n) * (double)dtype_bytes(w->type);
}

/* In the kernel behind it: a bias on its way out of a product joins what is done to its sum. Not the dropout of scores
 * (a batch of heads), and backward not: there gradients are kept or summed. */
static bool is_fused(const Software *s, const Work *w)
{
    if (w->backward || w->batch > 1) return false;
    return (w->kind == WORK_BIAS && s->fused_bias) || (w->kind == WORK_DROPOUT && s->fused_dropout);
}

static double product(const Machine *m, const Work *work)
{
    const Software *s = &m->software;
    double sum = (double)(work->batch * work->m * work->n), result = sum * (double)dtype_bytes(work->type);
    if (!work->adds || s->accumulate_bytes == 0) return chip_product(&m->chip, work);
    /* the product writes a result of its own, which a kernel over parameters adds */
    Work alone = *work;
    alone.bytes =
        (double)(work->batch * (work->m + work->n) * work->k) * (double)dtype_bytes(work->type) + result;
    return chip_product(&m->chip, &alone) + chip_stream(&m->chip, s->accumulate_bytes * sum);
}

/* The whole update in one number where the stack has one. */
static double over_parameters(const Machine *m, const Work *work)
{
    double bytes = m->software.optimizer_bytes;
    if (bytes == 0) return chip_stream_kernel(&m->chip, work);
    if (work->kind != WORK_OPTIMIZER) return 0;
    return chip_stream(&m->chip, bytes * (double)(work->m * work->n));
}

KernelTime machine_time(const void *machine, const Work *work)
{
    const Machine *m = machine;
    const Software *s = &m->software;
    bool moves = work->kind == WORK_COPY || work->kind == WORK_ZERO;
    if (moves && s->copies) return (KernelTime){chip_elementwise(&m->chip, work->bytes), true};
    if (work_kind[work->kind].payer != PAID_BY_COMPUTE) return (KernelTime){0};
    switch (work->kind) {
    case WORK_MATMUL:
    case WORK_ATTENTION: return (KernelTime){product(m, work), true};
    case WORK_FLASH: return (KernelTime){chip_flash(&m->chip, work), true};
    case WORK_CROSS_ENTROPY:
        return (KernelTime){
            fmax(chip_vector(&m->chip, work), chip_elementwise(&m->chip, work->bytes * s->loss_passes)),
            true};
    case WORK_CONVERT:
    case WORK_QUANTIZE:
    case WORK_SQUARES:
    case WORK_OPTIMIZER: return (KernelTime){over_parameters(m, work), false};
    case WORK_ACCUMULATE: return (KernelTime){chip_stream(&m->chip, work->bytes), false};
    default: break;
    }
    if (!is_fused(s, work)) return (KernelTime){chip_vector(&m->chip, work), true};
    double left = fmax(0, work->bytes - through(work));
    return (KernelTime){left / (1e9 * m->chip.bandwidth_gb * m->chip.elementwise), false};
}
