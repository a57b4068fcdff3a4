/* reshard.c - a checkpoint of each split gone on from under each other: written again it is the same file, bit for bit,
 * and the next steps have the losses, norm and gradients of one rank that read it; whose losses are those of the run
 * that never stopped. On virtual ranks; built in double in fp64 to 1e-12, else in fp32, and in 16 bits with their masters to
 * a few roundings; splits of a model with experts in fp64 alone, as elsewhere one may choose others where scores are as
 * good as equal. A line a pair, then the totals. */
#include <math.h>
#include <stdio.h>
#include "models/machine/error.h"
#include "tests/support/reshard.h"

/* How far loss and norm may be apart, and each parameter's gradient, or in 16 bits all together. */
static const struct {
    const char *name, *sets;
    double apart;
    bool half;
} NUMBERS[] = {
#ifdef SIM_DOUBLE
    {"fp64", "", 1e-12, false},
#else
    {"fp32", "", 1e-5, false},
    {"bf16", "train.precision=bf16", 0.02, true},
    {"fp16", "train.precision=fp16 train.loss_scale=1024", 0.0025, true},
#endif
};
#ifdef SIM_DOUBLE
enum { SPLITS = RESHARD_ALL };
#else
enum { SPLITS = RESHARD_SPLITS };
#endif
enum { NUMBERS_COUNT = sizeof NUMBERS / sizeof *NUMBERS };

typedef struct Totals {
    int passed, failed;
    double apart; /* the most that any was */
} Totals;

static void take(const Reshard *r, int numbers, int to, Totals *totals)
{
    Reread got;
    reshard_read(r, to, &got);
    const double gradients = NUMBERS[numbers].half ? got.together : got.gradients;
    double most = fmax(fmax(got.loss, got.norm), gradients);
    const bool good = got.read && got.same && got.loss <= NUMBERS[numbers].apart &&
                      got.norm <= NUMBERS[numbers].apart && gradients <= NUMBERS[numbers].apart;
    if (got.read && !(most <= totals->apart)) totals->apart = most;
    *(good ? &totals->passed : &totals->failed) += 1;
    printf("%s - %s of %s, read by %s: %s; loss %.0e, norm %.0e, gradients %.0e%s%s\n",
           good ? "ok" : "not ok", NUMBERS[numbers].name, reshard_split[r->from].words,
           reshard_split[to].words, got.same ? "the same file" : "another file", got.loss, got.norm,
           gradients, got.error[0] ? "; " : "", got.error);
}

static void take_split(int numbers, int from, Totals *totals)
{
    Reshard r;
    reshard_begin(&r, from, NUMBERS[numbers].sets);
    if (!(r.unbroken <= NUMBERS[numbers].apart)) {
        totals->failed++;
        printf(
            "not ok - %s of %s: one rank goes on with a loss %.2e from that of the run that never stopped\n",
            NUMBERS[numbers].name, reshard_split[from].words, r.unbroken);
    }
    for (int to = 0; to < RESHARD_ALL; to++)
        if (reshard_fits(from, to)) take(&r, numbers, to, totals);
    reshard_end(&r);
}

int main(void)
{
    Totals all = {0};
    if (stops_begin()) {
        perror("reshard: cannot make a folder");
        return 1;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int numbers = 0; numbers < NUMBERS_COUNT; numbers++) {
        Totals totals = {0};
        for (int from = 0; from < SPLITS; from++) take_split(numbers, from, &totals);
        printf("# %s: %d pairs, at most %.1e apart\n", NUMBERS[numbers].name, totals.passed + totals.failed,
               totals.apart);
        all.passed += totals.passed;
        all.failed += totals.failed;
    }
    printf("# %d passed, %d failed\n", all.passed, all.failed);
    return stops_end() || all.failed > 0 || all.passed == 0;
}
