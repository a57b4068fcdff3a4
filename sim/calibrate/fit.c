/* fit.c - number by number. */
#include "sim/calibrate/fit.h"
#include <math.h>
#include "sim/calibrate/scan.h"

enum { SWEEPS = 60 }; /* at most: fewer where one changes nothing any more */
/* What a shape by itself counts for: it shows sides that no step here has, with operands nearer than any step's. */
static const double ALONE = 0.05;

/* Which shapes a number bears on. */
typedef bool Choice(const Timing *timing);

typedef struct Fit {
    Machine *machine;
    const Timings *timings;
    Choice *choose;
} Fit;

static double squared(double foretold, double measured)
{
    double error = log(foretold / measured);
    return error * error;
}

/* Weighed by the root of all the seconds it took, so that the many small shapes do not outvote those that a step's time
 * goes into, nor one large shape all others. */
static double cost(void *context)
{
    const Fit *f = context;
    double sum = 0;
    for (int i = 0; i < f->timings->count; i++) {
        const Timing *t = &f->timings->timing[i];
        double foretold = f->choose(t) ? timing_foretold(t, f->machine) : 0;
        if (foretold > 0 && t->seconds > 0) /* of no values: neither */
            sum += squared(foretold, t->seconds) * sqrt(t->seconds * t->times) * (t->alone ? ALONE : 1);
    }
    return sum;
}

static bool any(const Fit *f)
{
    for (int i = 0; i < f->timings->count; i++)
        if (f->choose(&f->timings->timing[i])) return true;
    return false;
}

/* A number of the chip and where it may lie. */
typedef struct Range {
    double *number, low, high;
} Range;

/* Of the shapes that `choose` takes: all these numbers, in turns. */
static void fit(const Fit *f, const Range *range, int ranges)
{
    double left = INFINITY, before = INFINITY;
    if (!any(f)) return;
    for (int sweep = 0; sweep < SWEEPS && (sweep < 2 || left < before * (1 - 1e-4)); sweep++) {
        before = left;
        for (int i = 0; i < ranges; i++)
            left = scan_least(range[i].number, range[i].low, range[i].high, cost, (void *)f);
    }
}

/* ---- choices ---- */

static bool is_kind(const Timing *t, WorkKind kind, bool backward)
{
    return t->work[0].kind == kind && t->work[0].backward == backward;
}

static bool is_plain(const Timing *t)
{
    WorkKind kind = t->work[0].kind;
    return kind == WORK_BIAS || kind == WORK_POSITION || kind == WORK_EMBEDDING ||
           is_kind(t, WORK_RESIDUAL, false);
}

static bool is_stream(const Timing *t)
{
    return t->work[0].kind == WORK_OPTIMIZER;
}

static bool has_odd_side(const Work *w)
{
    return w->m % 8 != 0 || w->n % 8 != 0 || w->k % 8 != 0;
}

static bool is_product(const Timing *t)
{
    return t->work[0].kind == WORK_MATMUL && !is_half(t->work[0].type) && !has_odd_side(&t->work[0]);
}

static bool is_odd_product(const Timing *t)
{
    return t->work[0].kind == WORK_MATMUL && !is_half(t->work[0].type) && has_odd_side(&t->work[0]);
}

static bool is_half_product(const Timing *t)
{
    return t->work[0].kind == WORK_MATMUL && is_half(t->work[0].type);
}

static bool is_norm(const Timing *t)
{
    return t->work[0].kind == WORK_NORM;
}

static bool is_activation(const Timing *t)
{
    return t->work[0].kind == WORK_ACTIVATION;
}

static bool is_loss(const Timing *t)
{
    return t->work[0].kind == WORK_CROSS_ENTROPY &&
           t->work[0].flops > 2 * (double)(t->work[0].m * t->work[0].n);
}

static bool is_squares(const Timing *t)
{
    return t->work[0].kind == WORK_SQUARES;
}

static bool is_draw(const Timing *t)
{
    return is_kind(t, WORK_DROPOUT, false) && t->work[0].batch == 1;
}

static bool is_scores(const Timing *t)
{
    return t->works > 1 && timing_has(t, WORK_SOFTMAX) && !timing_has(t, WORK_DROPOUT);
}

static bool is_flash_forward(const Timing *t)
{
    return is_kind(t, WORK_FLASH, false);
}

static bool is_flash_backward(const Timing *t)
{
    return is_kind(t, WORK_FLASH, true);
}

/* ---- the chip ---- */

/* Bandwidths as what they are, then as shares of the larger. */
static void fit_memory(Chip *chip, Fit f)
{
    const Range plain[] = {{&chip->bandwidth_gb, 0.1, 1e4}, {&chip->gap_us, 1e-3, 100}};
    chip->elementwise = chip->stream = 1;
    f.choose = is_plain;
    fit(&f, plain, 2);
    f.choose = is_stream;
    fit(&f, &(Range){&chip->stream, 1e-3, 1e3}, 1);
    if (chip->stream <= 1) return;
    chip->bandwidth_gb *= chip->stream;
    chip->elementwise = 1 / chip->stream;
    chip->stream = 1;
}

/* The fastest that any product was, in operations a second. */
static double fastest(const Timings *timings, Choice *choose)
{
    double most = 0;
    for (int i = 0; i < timings->count; i++) {
        const Timing *t = &timings->timing[i];
        if (choose(t)) most = fmax(most, t->work[0].flops / t->seconds);
    }
    return most;
}

static void fit_products(Chip *chip, Fit f)
{
    const Range range[] = {
        {&chip->peak_32_tflops, 1e-5, 1e3}, {&chip->tile_traffic, 1e-3, 1e3}, {&chip->tile_us, 1e-4, 1e3}};
    f.choose = is_product;
    fit(&f, range, 3);
}

static void fit_rest_of_products(Chip *chip, Fit f)
{
    f.choose = is_odd_product;
    fit(&f, &(Range){&chip->misaligned, 0.01, 1}, 1);
    f.choose = is_half_product;
    fit(&f, &(Range){&chip->peak_16_tflops, 1e-5, 1e3}, 1);
}

/* What was sustained is a share of the fastest. */
static void name_peak(Chip *chip, const Timings *timings)
{
    double sustained = chip->peak_32_tflops;
    chip->peak_32_tflops = fmax(sustained, 1e-12 * fastest(timings, is_product));
    chip->sustained = sustained / chip->peak_32_tflops;
    chip->peak_16_tflops /= chip->sustained;
}

static void fit_vectors(Chip *chip, Fit f)
{
    static const struct {
        WorkKind kind;
        Choice *choose;
    } kinds[] = {{WORK_NORM, is_norm},       {WORK_ACTIVATION, is_activation}, {WORK_CROSS_ENTROPY, is_loss},
                 {WORK_SQUARES, is_squares}, {WORK_DROPOUT, is_draw},          {WORK_SOFTMAX, is_scores}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        f.choose = kinds[i].choose;
        fit(&f, &(Range){&chip->vector_gflops[kinds[i].kind], 1e-3, 1e4}, 1);
    }
}

static void fit_flash(Chip *chip, Fit f)
{
    f.choose = is_flash_forward;
    fit(&f, &(Range){&chip->flash_forward, 1e-3, 1}, 1);
    f.choose = is_flash_backward;
    fit(&f, &(Range){&chip->flash_backward, 1e-3, 1}, 1);
}

void fit_chip(Machine *machine, const Timings *timings)
{
    Chip *chip = &machine->chip;
    Fit f = {.machine = machine, .timings = timings};
    chip->sustained = 1;
    fit_memory(chip, f);
    fit_products(chip, f);
    fit_rest_of_products(chip, f);
    fit_flash(chip, f);
    fit_vectors(chip, f);
    name_peak(chip, timings);
}

/* ---- links ---- */

typedef struct LinkFit {
    NetworkNode *node;
    const LinkTimings *links;
    bool messages; /* of these, else of rings */
} LinkFit;

static double link_cost(void *context)
{
    const LinkFit *f = context;
    double sum = 0;
    for (int i = 0; i < f->links->count; i++) {
        const LinkTiming *l = &f->links->timing[i];
        if ((l->kind == LINK_MESSAGE) == f->messages) sum += squared(link_foretold(l, f->node), l->seconds);
    }
    return sum;
}

/* Rings have the links' numbers, as there are more of them in a step; what a message takes beyond is its start. */
void fit_links(NetworkNode *node, const LinkTimings *links)
{
    LinkFit f = {.node = node, .links = links};
    for (int sweep = 0; sweep < SWEEPS && links->count; sweep++) {
        scan_least(&node->link_gb, 1e-3, 1e3, link_cost, &f);
        scan_least(&node->link_us, 1e-3, 1e5, link_cost, &f);
    }
    f.messages = true;
    if (links->count) scan_least(&node->message_us, 1e-3, 1e5, link_cost, &f);
}
