/* test_optimizer.c - the update rules against the papers' algorithms, in
 * double, a parameter at a time, and against PyTorch; ranges against the whole;
 * and 16-bit parameters against their master. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "models/machine/tensor_values.h"
#include "models/training/optimizer.h"
#include "tests/support/check.h"
#include "tests/support/probe.h"

enum { COUNT = 1203, STEPS = 20, KINDS = OPTIMIZER_ADAGRAD + 1 }; /* COUNT: more than one piece */
static const char *const NAMES[] = {"sgd", "momentum", "adam", "adamw", "rmsprop", "adagrad"};
static const OptimizerConfig CONFIG = {
    .weight_decay = 0.1, .beta1 = 0.9, .beta2 = 0.95, .epsilon = 1e-8, .momentum = 0.9, .alpha = 0.99};
#ifdef SIM_DOUBLE
static const double TOLERANCE = 1e-13;
#else
static const double TOLERANCE = 1e-6;
#endif

typedef struct Range {
    Tensor x, g, state[OPTIMIZER_STATES];
} Range;

static Range range_new(Device *device)
{
    Range r = {.x = noise(device, COUNT, 1, 1), .g = constant(device, COUNT, 0)};
    for (int i = 0; i < 2; i++) r.state[i] = constant(device, COUNT, 0);
    return r;
}

static void range_free(Range *r)
{
    tensor_free(&r->x);
    tensor_free(&r->g);
    for (int i = 0; i < 2; i++) tensor_free(&r->state[i]);
}

static void gradient_of(int step, Tensor g)
{
    for (int64_t i = 0; i < g.count; i++)
        reals(g)[i] = (real)random_normal(7, STREAM_WEIGHTS, (uint64_t)step, (uint64_t)i);
}

static double rate_of(int step)
{
    return 0.01 * (1 + step % 3);
}

typedef struct Moments {
    double *m, *v;
} Moments;

/* One parameter, as the papers write it; t counts from 1. */
static void plain(int kind, double *x, double g, Moments s, double rate, double lambda, int t)
{
    const OptimizerConfig *c = &CONFIG;
    if (kind != OPTIMIZER_ADAMW) g += lambda * *x; /* L2: the gradient of lambda/2 x^2 */
    if (kind == OPTIMIZER_SGD) {
        *x -= rate * g;
    } else if (kind == OPTIMIZER_MOMENTUM) {
        *s.m = c->momentum * *s.m + g;
        *x -= rate * *s.m;
    } else if (kind == OPTIMIZER_RMSPROP || kind == OPTIMIZER_ADAGRAD) {
        double alpha = c->alpha;
        *s.m = kind == OPTIMIZER_RMSPROP ? alpha * *s.m + (1 - alpha) * g * g : *s.m + g * g;
        *x -= rate * g / (sqrt(*s.m) + c->epsilon);
    } else {
        /* Kingma & Ba, algorithm 1; with lambda: Loshchilov & Hutter, algorithm 2, line 12 */
        *s.m = c->beta1 * *s.m + (1 - c->beta1) * g;
        *s.v = c->beta2 * *s.v + (1 - c->beta2) * g * g;
        double m_hat = *s.m / (1 - pow(c->beta1, t)), v_hat = *s.v / (1 - pow(c->beta2, t));
        double decay = kind == OPTIMIZER_ADAMW ? lambda * *x : 0;
        *x -= rate * (m_hat / (sqrt(v_hat) + c->epsilon) + decay);
    }
}

static void as_the_papers(void **state)
{
    (void)state;
    Device device = {0};
    for (int kind = 0; kind < KINDS; kind++)
        for (int decay = 0; decay < 2; decay++) {
            OptimizerConfig config = CONFIG;
            config.kind = kind;
            Range r = range_new(&device);
            double x[COUNT], m[COUNT] = {0}, v[COUNT] = {0}, scale = 0.3;
            for (int i = 0; i < COUNT; i++) x[i] = (double)reals(r.x)[i];
            for (int t = 1; t <= STEPS; t++) {
                gradient_of(t, r.g);
                optimizer_update(&config, (OptimizerStep){rate_of(t), scale, decay, t}, r.x, r.g, r.state);
                for (int i = 0; i < COUNT; i++)
                    plain(kind, &x[i], scale * (double)reals(r.g)[i], (Moments){&m[i], &v[i]}, rate_of(t),
                          decay ? 0.1 : 0, t);
            }
            double apart = distance(r.x, x);
            if (!(apart <= TOLERANCE)) print_error("%s %s decay: ", NAMES[kind], decay ? "with" : "without");
            assert_below(apart, TOLERANCE);
            if (optimizer_states((OptimizerKind)kind) > 0) assert_below(distance(r.state[0], m), TOLERANCE);
            if (optimizer_states((OptimizerKind)kind) > 1) assert_below(distance(r.state[1], v), TOLERANCE);
            range_free(&r);
        }
}

/* What PyTorch makes of the same numbers, in double (tests/golden/make_golden.py). */
static void as_pytorch(void **state)
{
    (void)state;
    enum { FEW = 6, NUMBERS = 1 + STEPS }; /* the start and the gradients */
    Device device = {0};
    Tensor number[NUMBERS];
    FILE *file = fopen("tests/golden/optimizers.txt", "r");
    assert_non_null(file);
    char name[16];
    int cases = 0;
    for (int line = 0; fscanf(file, "%15s", name) == 1; line++) {
        double decay = 0, value[FEW];
        if (line >= NUMBERS) assert_int_equal(fscanf(file, "%lf", &decay), 1);
        for (int i = 0; i < FEW; i++) assert_int_equal(fscanf(file, "%lf", &value[i]), 1);
        if (line < NUMBERS) {
            assert_string_equal(name, line == 0 ? "start" : "gradient");
            number[line] = constant(&device, FEW, 0);
            for (int i = 0; i < FEW; i++) reals(number[line])[i] = (real)value[i];
            continue;
        }
        OptimizerConfig config = CONFIG;
        assert_string_equal(name, NAMES[config.kind = cases++ / 2]);
        config.weight_decay = decay;
        Tensor x = constant(&device, FEW, 0),
               moments[OPTIMIZER_STATES] = {constant(&device, FEW, 0), constant(&device, FEW, 0)};
        tensor_copy(x, number[0]);
        for (int t = 1; t <= STEPS; t++)
            optimizer_update(&config, (OptimizerStep){rate_of(t), 1, true, t}, x, number[t], moments);
        if (!(distance(x, value) <= TOLERANCE)) print_error("%s, decay %g: ", name, decay);
        assert_below(distance(x, value), TOLERANCE);
        give_back((Tensor[]){x, moments[0], moments[1]}, 3);
    }
    assert_int_equal(cases, 2 * KINDS);
    fclose(file);
    give_back(number, NUMBERS);
}

/* Shards update exactly as the whole does, wherever they are cut. */
static void ranges_as_the_whole(void **state)
{
    (void)state;
    static const int64_t cuts[] = {0, 1, 8, 41, 41, 1100, COUNT};
    Device device = {0};
    for (int kind = 0; kind < KINDS; kind++) {
        OptimizerConfig config = CONFIG;
        config.kind = kind;
        Range whole = range_new(&device), cut = range_new(&device);
        for (int t = 1; t <= STEPS; t++) {
            gradient_of(t, whole.g);
            gradient_of(t, cut.g);
            optimizer_update(&config, (OptimizerStep){rate_of(t), 0.3, true, t}, whole.x, whole.g,
                             whole.state);
            for (int c = 0; c < 6; c++) {
                int64_t at = cuts[c], n = cuts[c + 1] - at;
                Tensor parts[OPTIMIZER_STATES] = {tensor_view(cut.state[0], at, n),
                                                  tensor_view(cut.state[1], at, n)};
                optimizer_update(&config, (OptimizerStep){rate_of(t), 0.3, true, t},
                                 tensor_view(cut.x, at, n), tensor_view(cut.g, at, n), parts);
            }
        }
        assert_memory_equal(cut.x.data, whole.x.data, COUNT * sizeof(real));
        for (int i = 0; i < 2; i++)
            assert_memory_equal(cut.state[i].data, whole.state[i].data, COUNT * sizeof(real));
        range_free(&whole);
        range_free(&cut);
    }
}

/* x = 1, gradient 8 scaled by 1/16, rate 1/4: numbers a person can check. */
static void first_steps_by_hand(void **state)
{
    (void)state;
    static const double expected[][2] = {
        {1 - 0.25 * 0.5, 1 - 0.25 * (0.5 + 0.5)}, /* sgd: with decay 1/2 the gradient is 0.5 + 0.5 x */
        {1 - 0.25 * 0.5, 1 - 0.25 * (0.5 + 0.5)}, /* momentum: the same at first */
        {1 - 0.25, 1 - 0.25},                     /* adam: one rate against the gradient's sign */
        {1 - 0.25, (1 - 0.25 * 0.5) - 0.25},      /* adamw: x shrinks by rate * decay as well */
        {1 - 0.25 / 0.5, 1 - 0.25 / 0.5},         /* rmsprop: v = g^2 / 4, so g / sqrt(v) is 1 / (1/2) */
        {1 - 0.25, 1 - 0.25},                     /* adagrad: v = g^2 */
    };
    Device device = {0};
    for (int kind = 0; kind < KINDS; kind++)
        for (int decay = 0; decay < 2; decay++) {
            OptimizerConfig config = {.kind = kind,
                                      .weight_decay = 0.5,
                                      .beta1 = 0.5,
                                      .beta2 = 0.75,
                                      .momentum = 0.5,
                                      .alpha = 0.75};
            Tensor x = constant(&device, 1, 1), g = constant(&device, 1, 8);
            Tensor both[OPTIMIZER_STATES] = {constant(&device, 1, 0), constant(&device, 1, 0)};
            optimizer_update(&config, (OptimizerStep){0.25, 1.0 / 16, decay, 1}, x, g, both);
            assert_below(fabs((double)reals(x)[0] - expected[kind][decay]), VALUE_TOLERANCE);
            tensor_free(&x);
            tensor_free(&g);
            for (int i = 0; i < 2; i++) tensor_free(&both[i]);
        }
    assert_int_equal(optimizer_states(OPTIMIZER_SGD), 0);
    assert_int_equal(optimizer_states(OPTIMIZER_MOMENTUM), 1);
    assert_int_equal(optimizer_states(OPTIMIZER_ADAM), 2);
    assert_int_equal(optimizer_states(OPTIMIZER_ADAMW), 2);
    assert_int_equal(optimizer_states(OPTIMIZER_RMSPROP), 1);
    assert_int_equal(optimizer_states(OPTIMIZER_ADAGRAD), 1);
}

/* The master and the moments have the bits of an update in reals from the same gradients, whether these
 * come in 16 bits or in reals; the parameters are the master, rounded. No workspace is used. */
static void sixteen_bits_follow_their_master(void **state)
{
    (void)state;
    Device device = {0};
    for (int k = 0; k < KINDS * 4; k++) {
        OptimizerConfig config = CONFIG;
        config.kind = k / 4;
        DType dtype = k & 1 ? BF16 : FP16, reduced = k & 2 ? dtype : REAL;
        Range plain_one = range_new(&device), mixed = range_new(&device);
        Tensor x = converted(&device, dtype, mixed.x);
        Tensor all[OPTIMIZER_STATES] = {mixed.state[0], mixed.state[1], [OPTIMIZER_MASTER] = mixed.x};
        for (int t = 1; t <= STEPS; t++) {
            gradient_of(t, mixed.g);
            Tensor g = converted(&device, reduced, mixed.g);
            tensor_convert(plain_one.g, g);
            optimizer_update(&config, (OptimizerStep){rate_of(t), 0.3, true, t}, plain_one.x, plain_one.g,
                             plain_one.state);
            optimizer_update(&config, (OptimizerStep){rate_of(t), 0.3, true, t}, x, g, all);
            Tensor once = converted(&device, dtype, plain_one.x);
            assert_memory_equal(mixed.x.data, plain_one.x.data, tensor_bytes(plain_one.x));
            assert_memory_equal(x.data, once.data, tensor_bytes(x));
            give_back((Tensor[]){g, once}, 2);
        }
        for (int i = 0; i < optimizer_states((OptimizerKind)config.kind); i++)
            assert_memory_equal(mixed.state[i].data, plain_one.state[i].data, COUNT * sizeof(real));
        range_free(&plain_one);
        range_free(&mixed);
        tensor_free(&x);
    }
    assert_int_equal(device.peak[MEM_WORKSPACE], 0);
    assert_int_equal(device.total, 0);
}

/* bf16 between 1 and 2 steps by 1/128: steps of 1/1024 are lost one by one, and together they are not. */
static void small_updates_add_up(void **state)
{
    (void)state;
    Device device = {0};
    OptimizerConfig config = {.kind = OPTIMIZER_SGD};
    Tensor one = constant(&device, 1, 1), small = constant(&device, 1, -1.0 / 1024);
    Tensor x = converted(&device, BF16, one), g = converted(&device, BF16, small);
    Tensor both[OPTIMIZER_STATES] = {[OPTIMIZER_MASTER] = one};
    static const int steps[] = {0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 2}; /* 4/1024 is a tie, and 12/1024 one */
    for (int t = 1; t <= 12; t++) {
        real value;
        optimizer_update(&config, (OptimizerStep){1, 1, false, t}, x, g, both);
        tensor_read(x, 0, 1, &value);
        assert_true((double)value == 1 + steps[t] / 128.0);
    }
    give_back((Tensor[]){one, small, x, g}, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_the_papers),
        cmocka_unit_test(as_pytorch),
        cmocka_unit_test(ranges_as_the_whole),
        cmocka_unit_test(first_steps_by_hand),
        cmocka_unit_test(sixteen_bits_follow_their_master),
        cmocka_unit_test(small_updates_add_up),
    };
    return cmocka_run_group_tests_name("optimizer", tests, NULL, NULL);
}
