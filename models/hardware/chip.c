/* chip.c - what bounds a kernel: arithmetic by tiles and waves, or memory. */
#include "models/hardware/chip.h"
#include <math.h>

static int64_t over(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

static double gap(const Chip *chip)
{
    return 1e-6 * chip->gap_us;
}

double chip_sustained(const Chip *chip, DType type)
{
    return 1e12 * (is_half(type) ? chip->peak_16_tflops : chip->peak_32_tflops) * chip->sustained;
}

double chip_elementwise(const Chip *chip, double bytes)
{
    return bytes / (1e9 * chip->bandwidth_gb * chip->elementwise) + gap(chip);
}

double chip_stream(const Chip *chip, double bytes)
{
    return bytes / (1e9 * chip->bandwidth_gb * chip->stream);
}

/* Seconds of a kernel's own operations, where there is a rate for its kind. What is slow in dropout is drawing, and in
 * the loss its exponentials; backward has neither. */
static double operations(const Chip *chip, const Work *work)
{
    double gflops = chip->vector_gflops[work->kind];
    bool forward_only = work->kind == WORK_DROPOUT || work->kind == WORK_CROSS_ENTROPY;
    if (gflops == 0 || (forward_only && work->backward)) return 0;
    return work->flops / (1e9 * gflops);
}

double chip_vector(const Chip *chip, const Work *work)
{
    return fmax(chip_elementwise(chip, work->bytes), operations(chip, work) + gap(chip));
}

double chip_stream_kernel(const Chip *chip, const Work *work)
{
    return fmax(chip_stream(chip, work->bytes), operations(chip, work));
}

/* One way to do a product: tiles of tm x tn, and k cut into so many splits whose sums are added afterwards. */
typedef struct Tiling {
    int64_t tm, tn, splits;
} Tiling;

/* A processor does a tile at a time, so that all tiles take whole waves over the processors (NVIDIA, "Matrix
 * multiplication background user's guide": tile and wave quantisation). Of k steps a tile does 2 tm tn k operations at
 * its processor's share of the peak; tm + tn operands come in for tm tn results, which costs in proportion to
 * 1/tm + 1/tn; and it begins and ends. Splits write their sums in 32 bits, to be read and added by one more kernel. */
static double tiled(const Chip *chip, const Work *w, Tiling t)
{
    int64_t tiles = over(w->m, t.tm) * over(w->n, t.tn) * w->batch * t.splits;
    int64_t deep = over(over(w->k, t.splits), 32) * 32;
    double speed = chip_sustained(chip, w->type) / (double)chip->processors;
    double traffic = 1 + chip->tile_traffic * (1 / (double)t.tm + 1 / (double)t.tn);
    double tile = 2.0 * (double)(t.tm * t.tn * deep) / speed * traffic + 1e-6 * chip->tile_us;
    double seconds = (double)over(tiles, chip->processors) * tile;
    if (t.splits == 1) return seconds;
    double sums = 4.0 * (double)(w->batch * w->m * w->n);
    return seconds + chip_elementwise(chip, (double)(t.splits + 1) * sums);
}

/* The best of the tiles that libraries have. k is split while half as many splits leave processors idle. As every way
 * takes longer the larger a side is, and none opens that a smaller product had not, so does the best. */
static double best_tiling(const Chip *chip, const Work *w)
{
    static const int64_t tile[][2] = {{256, 128}, {128, 256}, {128, 128}, {128, 64},
                                      {64, 128},  {64, 64},   {256, 64},  {64, 256}};
    double best = INFINITY;
    for (size_t i = 0; i < sizeof tile / sizeof *tile; i++) {
        Tiling t = {.tm = tile[i][0], .tn = tile[i][1], .splits = 1};
        int64_t tiles = over(w->m, t.tm) * over(w->n, t.tn) * w->batch;
        for (; t.splits <= 16 && (t.splits == 1 || tiles * t.splits < 2 * chip->processors); t.splits *= 2)
            best = fmin(best, tiled(chip, w, t));
    }
    return best;
}

/* Where tiles are cut to the product, one processor after the other has as much as there is: no more operations than
 * the product's, with what moves for them. That is its largest matrix, of a step's product the weight or the gradient,
 * which no cache holds from one use to the next: its values over the product's m n k are 1 over the shortest side. Sides
 * beyond the longest are worked off in pieces. A tile is a call. */
static double cut(const Chip *chip, const Work *w)
{
    enum { LONGEST = 256 };
    double shortest = fmin((double)LONGEST, fmin((double)w->m, fmin((double)w->n, (double)w->k)));
    double traffic = 1 + chip->tile_traffic / shortest;
    double calls = (double)over(w->batch, chip->processors);
    return work_products(w) / chip_sustained(chip, w->type) * traffic + calls * 1e-6 * chip->tile_us;
}

/* Tensor cores take factors whose rows begin at 16 bytes (the same guide): 8 numbers of 16 bits. */
static bool is_aligned(const Work *w)
{
    return w->m % 8 == 0 && w->n % 8 == 0 && w->k % 8 == 0;
}

/* The roofline (Williams et al. 2009): arithmetic or memory, whichever takes longer. */
double chip_product(const Chip *chip, const Work *work)
{
    double arithmetic = (chip->cut_tiles ? cut(chip, work) : best_tiling(chip, work)) /
                        (is_aligned(work) ? 1 : chip->misaligned);
    return fmax(arithmetic + gap(chip), chip_elementwise(chip, work->bytes));
}

/* Dao 2307.08691, section 3: what lies right of the diagonal is left out, which work->flops says. */
double chip_flash(const Chip *chip, const Work *work)
{
    double share = work->backward ? chip->flash_backward : chip->flash_forward;
    double arithmetic = work->flops / (chip_sustained(chip, work->type) * share);
    return fmax(arithmetic + gap(chip), chip_elementwise(chip, work->bytes));
}
