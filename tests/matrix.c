/* matrix.c - every split of a small model against the unsplit run.
 *
 * `matrix` runs all grids of 8, 6 and 3 ranks x data x reduce x schedule x
 * sequence parallelism x recomputation on virtual ranks, a process a core; of
 * other families than GPT-2's those that cut a model two ways at least. Built
 * in double it does so in fp64, else in bf16 and fp16; `matrix slice` runs a few
 * dozen, `matrix experts` those whose replicas share experts. A line a case, then the totals. */
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/support/matrix_cases.h"
#include "tests/support/rounding.h"

/* What one process has counted. */
typedef struct Tally {
    int passed, failed, refused;
    Margin margin; /* in 16 bits */
    struct {
        char text[2048];
        int count;
    } reason[8];
} Tally;

enum { WORKERS = 64 };
typedef struct Shared {
    atomic_int next; /* split that no process has taken */
    Tally tally[WORKERS];
} Shared;

static void count_refusal(Tally *tally, const char *reason)
{
    size_t most = sizeof tally->reason / sizeof *tally->reason, i = 0;
    while (i + 1 < most && tally->reason[i].count && strcmp(tally->reason[i].text, reason) != 0) i++;
    snprintf(tally->reason[i].text, sizeof tally->reason[i].text, "%s", reason);
    tally->reason[i].count++;
    tally->refused++;
}

/* Cases of one split that add the same numbers in the same order: those that reduce at the same moments, but that
 * interleaved on one rank has two stages there, and so two copies of the tied embedding; and products by pieces may be
 * rounded otherwise. */
enum { CLASSES = 8 };
static int class_of(const Choice *c)
{
    return 4 * (matrix_overlap(c) == REGION_PIPELINED) + 2 * matrix_reduces_each(c) +
           (c->split.pp == 1 && c->schedule == SCHEDULE_INTERLEAVED);
}

/* The unsplit run, and how far its gradients in 16 bits may be from others'. */
typedef struct Truth {
    Case run;
    Rounding rounding;
} Truth;

static void find_truth(const Split *split, Settings *settings, Truth *truth)
{
    const Numbers *format = split->format;
    truth->run = matrix_truth(split, settings);
    if (!case_virtual(&truth->run, 1)) fail("the unsplit run: %s", truth->run.refused);
    if (format->roundoff == 0) return;
    truth->rounding = rounding_of(&truth->run, format->roundoff);
    if (!(truth->rounding.all <= format->apart))
        fail("in %s rounding alone makes the gradient %.3g wrong", format->name, truth->rounding.all);
}

/* The case is as the truth, its dry run as itself, and the first of its class as it, bit for bit. */
static bool holds(const Truth *truth, const Choice *choice, const char *name, Case *c, Case *first,
                  Margin *margin)
{
    int ranks = choice->split.ranks;
    const Numbers *format = choice->split.format;
    bool ok = format->roundoff > 0
                  ? rounding_agrees(&truth->rounding, &truth->run, c, name, ranks, format->apart, margin)
                  : case_agrees(&truth->run, c, name, ranks, format->apart);
    Settings settings = {0};
    Case dry = matrix_case(choice, &settings);
    dry.dry = true;
    dry.steps = 1;
    bool ran = case_virtual(&dry, ranks);
    if (!ran) printf("# %s on %d ranks, dry: %s\n", name, ranks, dry.refused);
    ok = ran && case_dry_equals(c, &dry, name, ranks) && ok;
    case_free(&dry);
    if (!first->loss || case_same_bits(first, c)) return ok;
    printf("# %s on %d ranks: other bits than the first of its kind\n", name, ranks);
    return false;
}

static void run_choice(const Truth *truth, const Choice *choice, Case *firsts, Tally *tally)
{
    char name[256];
    int ranks = choice->split.ranks;
    matrix_name(choice, name, sizeof name);
    Settings settings = {0};
    Case c = matrix_case(choice, &settings), *first = &firsts[class_of(choice)];
    bool ran = case_virtual(&c, ranks), ok = ran;
    if (!ran && !c.stuck && matrix_impossible(choice)) { /* with the reason in the totals */
        count_refusal(tally, c.refused);
        printf("refused - %d ranks, %s\n", ranks, name);
        return;
    }
    if (!ran) printf("# %s on %d ranks: %s\n", name, ranks, c.refused);
    if (ran) ok = holds(truth, choice, name, &c, first, &tally->margin) && !matrix_impossible(choice);
    *(ok ? &tally->passed : &tally->failed) += 1;
    printf("%s - %d ranks, %s: loss %.0e, gradients %.0e, norm %.0e, bubble %.4f%s\n", ok ? "ok" : "not ok",
           ranks, name, c.loss_apart, c.gradients_apart, c.norm_apart, ran ? c.bubble[0] : 0,
           ok ? "; bytes, memory, dry, bits equal" : "");
    if (ran && !first->loss)
        *first = c;
    else
        case_free(&c);
}

typedef enum { ALL, SLICE, EXPERTS } Which;

static void run_split(Split split, Which which, Tally *tally)
{
    Settings settings = {0};
    Case firsts[CLASSES] = {0};
    Truth truth = {0};
    for (int r = 0; r < MATRIX_RECOMPUTES; r++)
        for (int d = 0; d < MATRIX_DATAS; d++)
            for (int s = 0; s < SCHEDULE_KINDS; s++) {
                Choice choice = {.split = split, .data = d, .schedule = s, .recompute = r};
                if ((which == SLICE && !matrix_in_slice(&choice)) || !matrix_in_cover(&choice)) continue;
                if (which == EXPERTS && !matrix_shares_experts(&split)) continue;
                if (!truth.run.loss) find_truth(&split, &settings, &truth);
                run_choice(&truth, &choice, firsts, tally);
            }
    for (int i = 0; i < CLASSES; i++) case_free(&firsts[i]);
    case_free(&truth.run);
    rounding_free(&truth.rounding);
}

/* One process: takes splits until none is left. */
static void work(Shared *shared, Tally *tally, Which which)
{
    Split split[MATRIX_SPLITS];
    int count = matrix_splits(split);
    for (int i; (i = atomic_fetch_add(&shared->next, 1)) < count;) run_split(split[i], which, tally);
}

static int start(Shared *shared, int workers, Which which)
{
    int died = 0;
    for (int w = 0; w < workers; w++) {
        pid_t pid = fork();
        if (pid < 0) {
            perror("matrix: fork");
            exit(1);
        }
        if (pid > 0) continue;
        work(shared, &shared->tally[w], which);
        exit(0);
    }
    for (int w = 0, status; w < workers; w++)
        if (wait(&status) < 0 || status != 0) died++;
    return died;
}

int main(int argc, char **argv)
{
    static const char *const words[] = {[SLICE] = "slice", [EXPERTS] = "experts"};
    Which which = ALL;
    for (int w = SLICE; w <= EXPERTS && argc == 2; w++)
        if (strcmp(argv[1], words[w]) == 0) which = (Which)w;
    if (argc > 1 && which == ALL) {
        fprintf(stderr, "usage: matrix [slice or experts]\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0); /* lines of several processes */
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int workers = cores < 1 ? 1 : cores > WORKERS ? WORKERS : (int)cores;
    Shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        perror("matrix: mmap");
        return 1;
    }
    int died = start(shared, workers, which);
    Tally all = {0};
    for (int w = 0; w < workers; w++) {
        const Tally *t = &shared->tally[w];
        all.passed += t->passed;
        all.failed += t->failed;
        if (t->margin.share > all.margin.share) all.margin = t->margin;
        for (size_t i = 0; i < sizeof t->reason / sizeof *t->reason; i++)
            for (int k = 0; k < t->reason[i].count; k++) count_refusal(&all, t->reason[i].text);
    }
    if (died) printf("not ok - %d of %d processes died\n", died, workers);
    for (size_t i = 0; i < sizeof all.reason / sizeof *all.reason; i++)
        if (all.reason[i].count) printf("# refused %d: %s\n", all.reason[i].count, all.reason[i].text);
    if (all.margin.share > 0)
        printf("# in 16 bits a gradient was at most %.2f of its bound apart: %s\n", all.margin.share,
               all.margin.where);
    printf("# %d run, %d passed, %d failed, %d refused\n", all.passed + all.failed, all.passed,
           all.failed + died, all.refused);
    return died > 0 || all.failed > 0 || all.passed == 0;
}
