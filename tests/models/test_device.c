/* test_device.c - the ledger: bytes by category, their peaks, and work; that a
 * training step gives back what it took; that a dry device counts the same. */
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/kernels/kernels.h"
#include "models/kernels/matmul.h"
#include "models/machine/denormals.h"
#include "models/machine/tensor_values.h"
#include "parallel/wire/comm_virtual.h"
#include "sim/run/plan_from_config.h"
#include "sim/run/step.h"
#include "tests/support/case.h"
#include "tests/support/check.h"
#include "sim/config/parse.h"
#include "sim/config/ranks.h"

static void holds(const Device *d, MemoryCategory category, size_t current, size_t peak)
{
    assert_int_equal(d->current[category], current);
    assert_int_equal(d->peak[category], peak);
}

/* Sizes a person can add up; w is the bytes of a real. */
static void memory_by_category(void **state)
{
    (void)state;
    const size_t w = sizeof(real);
    for (int dry = 0; dry < 2; dry++) {
        Device d = {.dry = dry};
        Tensor p = tensor_new(&d, MEM_PARAMETERS, REAL, 100), a = tensor_new(&d, MEM_ACTIVATIONS, REAL, 50);
        Tensor s = tensor_new(&d, MEM_WORKSPACE, REAL, 30);
        assert_true((p.data == NULL) == dry && (a.data == NULL) == dry && (s.data == NULL) == dry);
        holds(&d, MEM_PARAMETERS, 100 * w, 100 * w);
        holds(&d, MEM_ACTIVATIONS, 50 * w, 50 * w);
        assert_int_equal(d.total, 180 * w);
        tensor_free(&a);
        tensor_free(&a); /* a freed tensor is left alone */
        holds(&d, MEM_ACTIVATIONS, 0, 50 * w);
        Tensor c = tensor_new(&d, MEM_COMMUNICATION, INT32, 40),
               more = tensor_new(&d, MEM_ACTIVATIONS, REAL, 40);
        holds(&d, MEM_COMMUNICATION, 160, 160);
        holds(&d, MEM_ACTIVATIONS, 40 * w, 50 * w);
        assert_int_equal(d.total, 170 * w + 160);
        assert_int_equal(d.peak_total, 170 * w + 160); /* of the sum: the peaks add up to 180 w + 160 */
        assert_int_equal(d.high, d.peak_total);
        d.high = d.total; /* as a step does before each action */
        Tensor view = tensor_view(p, 10, 5);
        assert_int_equal(view.count, 5);
        assert_true(dry || view.data == reals(p) + 10);
        assert_int_equal(d.total, 170 * w + 160); /* a view costs nothing */
        Tensor none = tensor_new(&d, MEM_GRADIENTS, REAL, 0);
        holds(&d, MEM_GRADIENTS, 0, 0);
        tensor_rebook(&more, MEM_WORKSPACE); /* 30 + 40 of workspace, and not a byte more in all */
        holds(&d, MEM_ACTIVATIONS, 0, 50 * w);
        holds(&d, MEM_WORKSPACE, 70 * w, 70 * w);
        assert_int_equal(d.total, 170 * w + 160);
        assert_int_equal(d.peak_total, 170 * w + 160);
        assert_int_equal(d.high, d.total);
        Tensor moment = tensor_new(&d, MEM_WORKSPACE, REAL, 1);
        tensor_free(&moment);
        assert_int_equal(d.high, d.total + w);
        Tensor *own[] = {&p, &s, &c, &more, &none};
        for (int i = 0; i < 5; i++) tensor_free(own[i]);
        for (int m = 0; m < MEMORY_CATEGORIES; m++) assert_int_equal(d.current[m], 0);
        assert_int_equal(d.total, 0);
        holds(&d, MEM_PARAMETERS, 0, 100 * w);
        holds(&d, MEM_OPTIMIZER, 0, 0);
    }
}

static void count_call(void *context)
{
    ++*(int *)context;
}

static void work_and_the_hook_between_kernels(void **state)
{
    (void)state;
    const double w = sizeof(real);
    for (int dry = 0; dry < 2; dry++) {
        int calls = 0;
        Between between = {count_call, &calls, NULL};
        Device d = {.dry = dry, .between = &between};
        assert_true(device_kernel(&d, work_over(WORK_BIAS, REAL, 5, 1, 5, 7)) == !dry);
        assert_true(device_kernel(&d, work_over(WORK_NORM, REAL, 5, 2, 10, 70)) == !dry);
        WorkDone sum = work_sum(d.done);
        assert_true(sum.kernels == 2 && sum.flops == 15 && sum.bytes == 77 && calls == 2);
        assert_true(d.done[WORK_NORM].flops == 10 && d.done[WORK_NORM].bytes == 70 && sum.products == 0);

        /* (5, 7) by (7, 11) and a bias: 2 x 385 flops of products, 55 of sums */
        Tensor x = tensor_new(&d, MEM_PARAMETERS, REAL, 35), W = tensor_new(&d, MEM_PARAMETERS, REAL, 77);
        Tensor b = tensor_new(&d, MEM_PARAMETERS, REAL, 11), y = tensor_new(&d, MEM_PARAMETERS, REAL, 55);
        tensor_zero(x);
        tensor_zero(W);
        tensor_zero(b);
        memset(d.done, 0, sizeof d.done);
        linear_forward(x, W, b, y, 5, 7, 11);
        const WorkDone *product = &d.done[WORK_MATMUL], *bias = &d.done[WORK_BIAS];
        assert_true(product->flops == 770 && product->products == 770 && bias->flops == 55);
        /* each read or written once a kernel */
        assert_true(product->bytes == w * (35 + 77 + 55) && bias->bytes == w * (2 * 55 + 11));
        assert_true(work_sum(d.done).kernels == 2);
        Tensor *own[] = {&x, &W, &b, &y};
        for (int i = 0; i < 4; i++) tensor_free(own[i]);
    }
}

static void zero_copy_add(void **state)
{
    (void)state;
    Device d = {0}, dry = {.dry = true};
    Tensor a = tensor_new(&d, MEM_PARAMETERS, REAL, 37), b = tensor_new(&d, MEM_PARAMETERS, REAL, 37);
    for (int i = 0; i < 37; i++) reals(a)[i] = (real)i;
    tensor_copy(b, a);
    tensor_add(tensor_view(b, 1, 35), tensor_view(a, 2, 35), WORK_ACCUMULATE);
    tensor_zero(tensor_view(a, 0, 36));
    for (int i = 0; i < 37; i++) {
        assert_true(reals(a)[i] == (i < 36 ? 0 : 36));
        assert_true(reals(b)[i] == (i == 0 || i == 36 ? i : 2 * i + 1));
    }
    tensor_free(&a);
    tensor_free(&b);
    a = tensor_new(&d, MEM_PARAMETERS, INT32, 2), b = tensor_new(&d, MEM_PARAMETERS, INT32, 2);
    ints(a)[0] = (1 << 30) + 1, ints(a)[1] = -3, ints(b)[0] = (1 << 29) + 2, ints(b)[1] = 5;
    tensor_add(a, b, WORK_REDUCE); /* counts, each to the last */
    assert_true(ints(a)[0] == (1 << 30) + (1 << 29) + 3 && ints(a)[1] == 2);
    tensor_free(&a);
    tensor_free(&b);
    Tensor none = tensor_new(&dry, MEM_PARAMETERS, REAL, 37);
    tensor_zero(none);
    tensor_copy(none, none);
    tensor_add(none, none, WORK_ACCUMULATE);
    assert_true(tensor_sum_of_squares(none) == 0 && none.data == NULL);
    tensor_free(&none);
}

/* ---- a training step ---- */

enum { RANKS_MAX = 3 };
typedef struct Step {
    const char *const *sets;
    bool dry;
    size_t left[RANKS_MAX]; /* of activations, workspace and communication after the step */
    size_t held[RANKS_MAX]; /* of anything after the end */
    WorkDone done[RANKS_MAX][WORK_KINDS];
    char refused[2048];
} Step;

static void run_step(Comm *comm, void *context)
{
    static const char ini[] =
        "[model]\nlayers = 2\nhidden = 12\nheads = 3\nffn = 20\nvocab = 19\nsequence = 7\n"
        "[train]\nglobal_batch = 6\nmicrobatch = 1\noptimizer = adamw\nclip = 0.5\n";
    Step *s = context;
    Config config;
    Error error;
    int sets = 0;
    while (s->sets[sets]) sets++;
    if (!config_parse(&config,
                      &(ConfigSource){.name = "step.ini", .text = ini, .sets = s->sets, .set_count = sets},
                      &error) ||
        !config_check_ranks(&config, comm->size, &error)) {
        snprintf(s->refused, sizeof s->refused, "%s", error.text);
        return;
    }
    Plan plan;
    assert_true(plan_from_config(&config, comm->size, NULL, 0, &plan, &error));
    Trainer *t = trainer_new(&config, &plan, comm, NULL, s->dry, NULL, &error);
    data_parallel_initialise(t->data_parallel, 1);
    for (int step = 0; step < 2; step++) trainer_step(t, step, NULL, NULL);
    const Device *d = &t->device;
    int r = comm->rank;
    s->left[r] = d->current[MEM_ACTIVATIONS] + d->current[MEM_WORKSPACE] + d->current[MEM_COMMUNICATION];
    memcpy(s->done[r], d->done, sizeof d->done);
    data_parallel_free(t->data_parallel);
    t->data_parallel = NULL;
    s->held[r] = d->total;
    trainer_free(t);
    plan_free(&plan);
    config_free(&config);
}

/* Every strategy on one and three ranks, with and without overlap, real and dry. */
static void a_step_gives_back_what_it_took(void **state)
{
    (void)state;
    static const char *const strategies[] = {"dp", "ddp", "zero1", "zero2", "zero3"};
    static const char *const variants[][3] = {
        {"parallel.overlap=yes", "parallel.bucket_mb=0.01", "model.tie_embeddings=yes"},
        {"parallel.overlap=no", "parallel.bucket_mb=25", "model.tie_embeddings=no"}};
    for (int ranks = 1; ranks <= RANKS_MAX; ranks += 2)
        for (int s = 0; s < 5; s++)
            for (int v = 0; v < 2; v++) {
                char data[32];
                snprintf(data, sizeof data, "parallel.data=%s", strategies[s]);
                const char *sets[5] = {data};
                for (int i = 0, n = 1; i < 3; i++)
                    if (case_data_takes(strategies[s], variants[v][i])) sets[n++] = variants[v][i];
                Step real_one = {.sets = sets}, dry = {.sets = sets, .dry = true};
                Error error;
                assert_true(virtual_run(ranks, run_step, &real_one, &error));
                assert_true(virtual_run(ranks, run_step, &dry, &error));
                assert_string_equal(real_one.refused, "");
                for (int r = 0; r < ranks; r++) {
                    assert_int_equal(real_one.left[r] + dry.left[r], 0);
                    assert_int_equal(real_one.held[r] + dry.held[r], 0);
                    WorkDone done = work_sum(real_one.done[r]);
                    assert_true(done.flops > 0 && done.bytes > 0 && done.products > 0);
                    assert_memory_equal(dry.done[r], real_one.done[r], sizeof dry.done[r]);
                }
            }
}

typedef struct Asked {
    int asked;
} Asked;

/* Every number of a product counts. */
static KernelTime asked_time(const void *machine, const Work *w)
{
    ((Asked *)(uintptr_t)machine)->asked++;
    double sides = (double)(w->m + 3 * w->n + 7 * w->k + 11 * w->batch);
    return (KernelTime){
        sides + w->bytes / 16 + w->flops / 64 + w->adds / 4.0 + w->backward / 8.0 + w->type / 16.0, true};
}

/* A product's time is asked for once, however many shapes there are between, and is that of its own. */
static void products_are_timed_once(void **state)
{
    (void)state;
    Asked asked = {0};
    Device d = {.dry = true, .time_of = asked_time, .machine = &asked};
    double now = 0, seconds;
    for (int turn = 0; turn < 2; turn++)
        for (int i = 0; i < 200; i++) {
            Work w = {.kind = i % 2 ? WORK_MATMUL : WORK_ATTENTION,
                      .m = 1 + i % 3,
                      .n = 1 + i % 5,
                      .k = 1 + i % 7,
                      .batch = 1 + i % 2,
                      .adds = i % 11 == 0,
                      .type = i % 13 ? BF16 : REAL,
                      .flops = i % 17,
                      .bytes = i % 19};
            Asked own = {0};
            seconds = asked_time(&own, &w).seconds;
            for (int again = 0; again < 3; again++, now += seconds) device_kernel(&d, w);
            assert_true(d.lanes.now == now);
        }
    assert_true(asked.asked >= 200 && asked.asked <= 400);
    /* what is no product is cheap, and asked for each time */
    device_kernel(&d, (Work){.kind = WORK_NORM, .bytes = 16});
    device_kernel(&d, (Work){.kind = WORK_NORM, .bytes = 16});
    assert_true(d.lanes.now == now + 2);
}

/* Any number that differs makes another kernel of it. */
static void works_are_told_apart(void **state)
{
    (void)state;
    const Work one = {
        .kind = WORK_MATMUL, .batch = 1, .m = 2, .n = 3, .k = 4, .type = REAL, .flops = 48, .bytes = 9};
    enum { OTHERS = 10 };
    Work other[OTHERS];
    for (int i = 0; i < OTHERS; i++) other[i] = one;
    assert_true(work_is(&one, &other[0]));
    other[0].kind = WORK_ATTENTION;
    other[1].backward = true;
    other[2].adds = true;
    other[3].batch++;
    other[4].m++;
    other[5].n++;
    other[6].k++;
    other[7].type = BF16;
    other[8].flops++;
    other[9].bytes++;
    for (int i = 0; i < OTHERS; i++)
        if (work_is(&one, &other[i])) fail_msg("as number %d", i);
}

/* Computed here, not by the compiler. */
static real times(real x, real by)
{
    volatile real value = x;
    return value * by;
}

/* Half of the least normal number is none: it is there until they are off, and then neither made nor read. */
static void denormals(void **state)
{
    (void)state;
    const real least = sizeof(real) > sizeof(float) ? (real)DBL_MIN : (real)FLT_MIN;
    const real half = times(least, (real)0.5);
    assert_true(half > 0 && times(half, 2) == least);
    if (!denormals_off()) skip();
    assert_true(times(least, (real)0.5) == 0);
    assert_true(times(half, 2) == 0);
    assert_true(times(2 * least, (real)0.5) == least);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(denormals), /* the first: it is not undone, and ranks do it too */
        cmocka_unit_test(works_are_told_apart),
        cmocka_unit_test(memory_by_category),
        cmocka_unit_test(work_and_the_hook_between_kernels),
        cmocka_unit_test(zero_copy_add),
        cmocka_unit_test(products_are_timed_once),
        cmocka_unit_test(a_step_gives_back_what_it_took),
    };
    matmul_one_thread();
    return cmocka_run_group_tests_name("device", tests, NULL, NULL);
}
