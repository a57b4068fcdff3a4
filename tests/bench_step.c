/* bench_step.c NAME [SECTION.KEY=VALUE...] - a training step of one rank against the roofline of this processor: the
 * time that the step's matrix products take alone, in the same shapes, from caches that hold their factors, by whichever
 * product is fastest. By turns a step with our products, one with OpenBLAS's, and either's products alone; CPU time of
 * this thread, as others may use the cores. Medians; beside them the least and the most. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/kernels/matmul.h"
#include "sim/base/quantile.h"
#include "tests/support/case.h"
#include "tests/support/launch.h"

enum { WARM = 2, ROUNDS = 15 };
static const MatmulChoice CHOICE[] = {MATMUL_OWN, MATMUL_BLAS};
enum { CHOICES = sizeof CHOICE / sizeof *CHOICE };

typedef struct Bench {
    const char *name;
    Work *work; /* the products of a step */
    int works;
    bool hears;
    Device heard;       /* the device before */
    struct Bench *self; /* what the device points to, as it may not change what it asks */
    float *factor[2], *result;
    double began;
    double step[CHOICES][ROUNDS], alone[CHOICES][ROUNDS];
    char called[CHOICES][64];
} Bench;

static KernelTime hear(const void *machine, const Work *work)
{
    Bench *b = *(Bench *const *)machine;
    if (!b->hears || (work->kind != WORK_MATMUL && work->kind != WORK_ATTENTION)) return (KernelTime){0};
    b->work = allocate_more(b->work, (size_t)b->works, sizeof *b->work);
    b->work[b->works++] = *work;
    return (KernelTime){0};
}

static void listen(Trainer *t, Bench *b)
{
    b->self = b;
    b->hears = true;
    b->heard = t->device;
    t->device.time_of = hear;
    t->device.machine = &b->self;
    t->device.listens = true;
}

static float *values(int64_t count)
{
    float *v = allocate((size_t)count * sizeof *v);
    for (int64_t i = 0; i < count; i++) v[i] = (float)(i % 97) / 97 - 0.5f;
    return v;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void make_factors(Bench *b)
{
    int64_t mk = 0, kn = 0, mn = 0;
    for (int i = 0; i < b->works; i++) {
        const Work *w = &b->work[i];
        mk = most(mk, w->m * w->k);
        kn = most(kn, w->k * w->n);
        mn = most(mn, w->m * w->n);
    }
    b->factor[0] = values(mk);
    b->factor[1] = values(kn);
    b->result = values(mn);
}

/* Of a causal product the half that has to be done. */
static double products_alone(const Bench *b)
{
    double seconds = 0;
    for (int i = 0; i < b->works; i++) {
        const Work *w = &b->work[i];
        Piece A = piece(b->factor[0], w->m, w->k, w->k), B = piece(b->factor[1], w->k, w->n, w->n);
        double began = lanes_cpu_clock();
        for (int64_t j = 0; j < w->batch; j++) matmul_pieces(1, A, B, w->adds, b->result, w->n);
        seconds += (lanes_cpu_clock() - began) * w->flops / work_products(w);
    }
    return seconds;
}

static void show(const char *what, double *seconds)
{
    double middle = quantile_of(seconds, ROUNDS, 0.5); /* which sorts them */
    printf("  %-36s %8.2f ms (%.2f .. %.2f)\n", what, 1e3 * middle, 1e3 * seconds[0],
           1e3 * seconds[ROUNDS - 1]);
}

static void tell(Bench *b)
{
    double flops = 0, roofline = 0;
    for (int i = 0; i < b->works; i++) flops += b->work[i].flops;
    printf("%s: %d products a step, %.3g GFLOP\n", b->name, b->works, 1e-9 * flops);
    for (int c = 0; c < CHOICES; c++) {
        char what[128];
        snprintf(what, sizeof what, "products alone, %s", b->called[c]);
        show(what, b->alone[c]);
        double alone = b->alone[c][ROUNDS / 2];
        if (c == 0 || alone < roofline) roofline = alone;
    }
    for (int c = 0; c < CHOICES; c++) {
        char what[128];
        snprintf(what, sizeof what, "step, %s", b->called[c]);
        show(what, b->step[c]);
        printf("  %-36s %8.3f of the roofline, %.1f GFLOP/s\n", "", roofline / b->step[c][ROUNDS / 2],
               1e-9 * flops / b->step[c][ROUNDS / 2]);
    }
}

/* After each step: what it took, what its products take alone, and whose the next one has. */
static void look(Trainer *t, const StepResult *result, void *context)
{
    (void)result;
    Bench *b = context;
    int64_t done = t->step + 1, measured = done - WARM - 1;
    if (done == WARM) listen(t, b);
    if (done == WARM + 1) {
        b->hears = false;
        t->device.time_of = b->heard.time_of;
        t->device.machine = b->heard.machine;
        t->device.listens = b->heard.listens;
        make_factors(b);
    }
    if (measured >= 0) {
        int choice = (int)(measured % CHOICES), round = (int)(measured / CHOICES);
        if (measured > 0) {
            int before = (int)((measured - 1) % CHOICES);
            b->step[before][(measured - 1) / CHOICES] = lanes_cpu_clock() - b->began;
        }
        matmul_choose(CHOICE[choice]);
        snprintf(b->called[choice], sizeof b->called[choice], "%s", matmul_chosen());
        if (round < ROUNDS) b->alone[choice][round] = products_alone(b);
    }
    b->began = lanes_cpu_clock();
}

int main(int argc, char **argv)
{
    char words[2048] = "";
    if (argc < 2) {
        fprintf(stderr, "bench_step NAME [SECTION.KEY=VALUE...]\n");
        return 2;
    }
    for (int i = 2; i < argc; i++)
        snprintf(words + strlen(words), sizeof words - strlen(words), " %s", argv[i]);
    Bench *b = allocate_zeroed(1, sizeof *b);
    b->name = argv[1];
    matmul_one_thread();
    device_keep_memory();
    Case c = case_of_words(WARM + 1 + CHOICES * ROUNDS, "%s", words);
    c.look = look;
    c.context = b;
    if (!case_virtual(&c, 1)) {
        fprintf(stderr, "bench_step: %s\n", c.refused);
        return 1;
    }
    tell(b);
    case_free(&c);
    free(b->work);
    for (int i = 0; i < 2; i++) free(b->factor[i]);
    free(b->result);
    free(b);
    return 0;
}
