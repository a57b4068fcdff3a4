/* bench_step.c NAME ROUNDS [SECTION.KEY=VALUE...] - a training step of one rank against the roofline of this processor:
 * the time that the step's matrix products take alone, in the same shapes and type, from caches that hold their factors,
 * by whichever product is fastest. By turns a step with our products, with OpenBLAS's, and with those that a run takes
 * unless told otherwise, if they are neither; and each one's products alone. At the end of each round one more step, with
 * the products that a run takes, and the time of its kernels by kind, each until the next begins (attention with its
 * softmax): what products take there, and not alone, is factors that come from memory. CPU time of this thread, as others may
 * use the cores. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/kernels/matmul.h"
#include "models/machine/tensor_values.h"
#include "sim/base/quantile.h"
#include "tests/support/case.h"
#include "tests/support/launch.h"
#include "tests/support/sample.h"

enum { WARM = 2 };
static const MatmulChoice CHOICE[] = {MATMUL_OWN, MATMUL_BLAS, MATMUL_AUTO};
enum { CHOICES = sizeof CHOICE / sizeof *CHOICE };

/* What is heard of kernels: nothing; which products a step has; how long each takes. */
typedef enum { DEAF, LISTS, CLOCKS } Hearing;

typedef struct Bench {
    const char *name;
    int rounds, choices;
    Work *work; /* the products of a step */
    int works;
    Hearing hears;
    Device heard;       /* the device before */
    struct Bench *self; /* what the device points to, as it may not change what it asks */
    Device device;      /* of the products alone */
    Tensor factor[2], result;
    double began;
    double *step[CHOICES], *alone[CHOICES]; /* (rounds) seconds */
    double *within[WORK_KINDS];             /* (rounds) seconds of kernels in a step */
    int round;                              /* whose kernels are clocked, */
    WorkKind now;                           /* the kind of the one under way, */
    double since;                           /* and when it began */
    char called[CHOICES][64];
} Bench;

/* The kernel under way, or what is before the first, ends here. */
static void lap(Bench *b, WorkKind next)
{
    double clock = lanes_cpu_clock();
    b->within[b->now][b->round] += clock - b->since;
    b->since = clock;
    b->now = next;
}

static KernelTime hear(const void *machine, const Work *work)
{
    Bench *b = *(Bench *const *)machine;
    if (b->hears == CLOCKS) lap(b, work->kind);
    if (b->hears != LISTS || (work->kind != WORK_MATMUL && work->kind != WORK_ATTENTION))
        return (KernelTime){0};
    b->work = allocate_more(b->work, (size_t)b->works, sizeof *b->work);
    b->work[b->works++] = *work;
    return (KernelTime){0};
}

static void listen(Trainer *t, Bench *b, Hearing what)
{
    b->self = b;
    b->hears = what;
    b->heard = t->device;
    t->device.time_of = hear;
    t->device.machine = &b->self;
    t->device.listens = true;
}

static void listen_no_more(Trainer *t, Bench *b)
{
    b->hears = DEAF;
    t->device.time_of = b->heard.time_of;
    t->device.machine = b->heard.machine;
    t->device.listens = b->heard.listens;
}

static Tensor values(Bench *b, DType type, int64_t count)
{
    Tensor t = tensor_new(&b->device, MEM_WORKSPACE, type, count), wide = wide_for(t);
    for (int64_t i = 0; i < count; i++) reals(wide)[i] = (real)(i % 97) / 97 - 0.5f;
    wide_store(&wide, t);
    return t;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Room for the largest, in the type that all products of a step have. */
static void make_factors(Bench *b)
{
    int64_t mk = 0, kn = 0, mn = 0;
    for (int i = 0; i < b->works; i++) {
        const Work *w = &b->work[i];
        if (w->type != b->work[0].type) fail("products of a step in two types");
        mk = most(mk, w->m * w->k);
        kn = most(kn, w->k * w->n);
        mn = most(mn, w->m * w->n);
    }
    b->factor[0] = values(b, b->work[0].type, mk);
    b->factor[1] = values(b, b->work[0].type, kn);
    b->result = values(b, b->work[0].type, mn);
}

/* Of a causal product the half that has to be done. */
static double products_alone(const Bench *b)
{
    double seconds = 0;
    for (int i = 0; i < b->works; i++) {
        const Work *w = &b->work[i];
        Matrix A = matrix(tensor_view(b->factor[0], 0, w->m * w->k), w->m, w->k);
        Matrix B = matrix(tensor_view(b->factor[1], 0, w->k * w->n), w->k, w->n);
        Tensor C = tensor_view(b->result, 0, w->m * w->n);
        double began = lanes_cpu_clock();
        for (int64_t j = 0; j < w->batch; j++) matmul(A, B, w->adds, C);
        seconds += (lanes_cpu_clock() - began) * w->flops / work_products(w);
    }
    return seconds;
}

/* How many are not one of those before. */
static int choices_here(void)
{
    char called[CHOICES][128];
    for (int c = 0; c < CHOICES; c++) {
        matmul_choose(CHOICE[c]);
        snprintf(called[c], sizeof called[c], "%s", matmul_chosen());
    }
    return strcmp(called[2], called[0]) == 0 || strcmp(called[2], called[1]) == 0 ? 2 : 3;
}

static double median_of(const double *numbers, int count)
{
    double *sorted = allocate((size_t)count * sizeof *sorted);
    memcpy(sorted, numbers, (size_t)count * sizeof *sorted);
    double median = quantile_of(sorted, count, 0.5);
    free(sorted);
    return median;
}

static void tell(const Bench *b)
{
    const double TOLD = 2e-5; /* seconds of a kind of kernels; heads' softmax is told as begun, no more */
    const double *roofline = b->alone[0];
    double flops = 0;
    for (int i = 0; i < b->works; i++) flops += b->work[i].flops;
    for (int c = 1; c < b->choices; c++)
        if (median_of(b->alone[c], b->rounds) < median_of(roofline, b->rounds)) roofline = b->alone[c];
    for (int i = 0; i < b->rounds; i++)
        for (int c = 0; c < b->choices; c++) {
            char what[128];
            snprintf(what, sizeof what, "products alone, %s", b->called[c]);
            sample(b->name, what, "ms", i, 1e3 * b->alone[c][i]);
            snprintf(what, sizeof what, "step, %s", b->called[c]);
            sample(b->name, what, "ms", i, 1e3 * b->step[c][i]);
            sample(b->name, what, "GFLOP/s", i, 1e-9 * flops / b->step[c][i]);
            snprintf(what, sizeof what, "roofline over step, %s", b->called[c]);
            sample(b->name, what, "1", i, roofline[i] / b->step[c][i]);
        }
    for (int i = 0; i < b->rounds; i++)
        for (int kind = 0; kind < WORK_KINDS; kind++) {
            char what[64];
            snprintf(what, sizeof what, "within a step: %s", work_kind[kind].name);
            if (b->within[kind][i] > TOLD) sample(b->name, what, "ms", i, 1e3 * b->within[kind][i]);
        }
}

/* After each step: what it took, what its products take alone, and whose the next one has. */
static void look(Trainer *t, const StepResult *result, void *context)
{
    (void)result;
    Bench *b = context;
    int64_t done = t->step + 1, measured = done - WARM - 1;
    int turns = b->choices + 1, turn = (int)(measured % turns), before = (int)((measured - 1) % turns);
    if (done == WARM) listen(t, b, LISTS);
    if (measured == 0) {
        listen_no_more(t, b);
        make_factors(b);
    }
    if (measured > 0 && before == b->choices) {
        lap(b, WORK_MATMUL);
        listen_no_more(t, b);
    } else if (measured > 0) {
        b->step[before][b->round] = lanes_cpu_clock() - b->began;
    }
    if (measured >= 0) b->round = (int)(measured / turns);
    if (measured >= 0 && turn < b->choices) {
        matmul_choose(CHOICE[turn]);
        snprintf(b->called[turn], sizeof b->called[turn], "%s", matmul_chosen());
        if (b->round < b->rounds) b->alone[turn][b->round] = products_alone(b);
    } else if (measured >= 0) {
        matmul_choose(MATMUL_AUTO);
        listen(t, b, CLOCKS);
        b->now = WORK_ZERO;
        b->since = lanes_cpu_clock();
    }
    b->began = lanes_cpu_clock();
}

int main(int argc, char **argv)
{
    char words[2048] = "";
    int rounds = argc > 2 ? atoi(argv[2]) : 0;
    if (rounds < 1) {
        fprintf(stderr, "bench_step NAME ROUNDS [SECTION.KEY=VALUE...]\n");
        return 2;
    }
    for (int i = 3; i < argc; i++)
        snprintf(words + strlen(words), sizeof words - strlen(words), " %s", argv[i]);
    Bench *b = allocate_zeroed(1, sizeof *b);
    b->name = argv[1];
    b->rounds = rounds;
    b->choices = choices_here();
    for (int c = 0; c < CHOICES; c++) {
        b->step[c] = allocate_zeroed((size_t)rounds, sizeof *b->step[c]);
        b->alone[c] = allocate_zeroed((size_t)rounds, sizeof *b->alone[c]);
    }
    for (int kind = 0; kind < WORK_KINDS; kind++)
        b->within[kind] = allocate_zeroed((size_t)rounds, sizeof *b->within[kind]);
    matmul_one_thread();
    device_keep_memory();
    Case c = case_of_words(WARM + 1 + (b->choices + 1) * rounds, "%s", words);
    c.look = look;
    c.context = b;
    if (!case_virtual(&c, 1)) {
        fprintf(stderr, "bench_step: %s\n", c.refused);
        return 1;
    }
    tell(b);
    case_free(&c);
    free(b->work);
    for (int i = 0; i < 2; i++) tensor_free(&b->factor[i]);
    tensor_free(&b->result);
    for (int i = 0; i < CHOICES; i++) {
        free(b->step[i]);
        free(b->alone[i]);
    }
    for (int kind = 0; kind < WORK_KINDS; kind++) free(b->within[kind]);
    free(b);
    return 0;
}
