/* ranks_quantize.c - 8 bits on the wire: the bounds of one rounding, and what training with them keeps. On
 * virtual ranks in this process; under mpirun on the ranks it was given. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/kernels/quantize.h"
#include "models/machine/half.h"
#include "models/machine/random.h"
#include "models/machine/tensor_values.h"
#include "tests/ranks.h"
#include "tests/support/case_ranks.h"
#include "tests/support/check.h"

/* ---- one rounding ---- */

enum { MOST = 3 * QUANTIZED_BLOCK + 1 };

/* How far apart neighbours of `x` are in what it is kept in: the least an error can be. */
static double last_bit(DType dtype, double x)
{
    double bits = dtype == REAL   ? (sizeof(real) > sizeof(float) ? 0x1p-52 : 0x1p-23)
                  : dtype == BF16 ? 0x1p-7
                                  : 0x1p-10;
    return fabs(x) * bits + (dtype == FP16 ? 0x1p-24 : 0);
}

/* `magnitude` times what is normal, there and back. */
static void there_and_back(DType dtype, int64_t count, double magnitude)
{
    Device device = {0};
    int64_t blocks = quantized_blocks(count);
    Tensor x = tensor_new(&device, MEM_WORKSPACE, REAL, count),
           values = tensor_new(&device, MEM_WORKSPACE, dtype, count);
    Tensor back = tensor_new(&device, MEM_WORKSPACE, dtype, count),
           bytes = tensor_new(&device, MEM_WORKSPACE, UINT8, count);
    /* scales lie where they lie: after an odd number of bytes */
    Tensor odd = tensor_new(&device, MEM_WORKSPACE, UINT8, 1 + blocks * QUANTIZED_SCALE);
    Tensor scales = tensor_view(odd, 1, blocks * QUANTIZED_SCALE);
    for (int64_t i = 0; i < count; i++)
        reals(x)[i] = (real)(magnitude * random_normal(3, STREAM_WEIGHTS, (uint64_t)count, (uint64_t)i));
    tensor_convert(values, x);
    tensor_convert(x, values);
    quantize(values, bytes, scales);
    dequantize(back, bytes, scales);
    tensor_convert(values, back);
    real again[MOST];
    if (count) tensor_read(values, 0, count, again);
    for (int64_t i = 0; i < count; i++) {
        float scale;
        double most = 0;
        int64_t first = i / QUANTIZED_BLOCK * QUANTIZED_BLOCK;
        memcpy(&scale, (char *)scales.data + i / QUANTIZED_BLOCK * QUANTIZED_SCALE, sizeof scale);
        for (int64_t k = first; k < count && k < first + QUANTIZED_BLOCK; k++)
            most = fmax(most, fabs((double)reals(x)[k]));
        assert_true(scale >= FLT_MIN && fabs(scale - fmax(most / 127, FLT_MIN)) <= scale * 0x1p-23);
        double error = fabs((double)again[i] - (double)reals(x)[i]);
        assert_true(error <= scale * (0.5 + 0x1p-16) + last_bit(dtype, (double)reals(x)[i]));
    }
    Tensor *own[] = {&x, &values, &back, &bytes, &odd};
    for (int i = 0; i < 5; i++) tensor_free(own[i]);
    assert_int_equal(device.total, 0);
}

static void within_half_a_scale(void **state)
{
    (void)state;
    static const int64_t counts[] = {0, 1, 2, 15, 17, 255, 256, 257, 511, 513, MOST};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        for (int power = -44; power < 37; power += 3) there_and_back(REAL, counts[i], pow(10, power));
        there_and_back(BF16, counts[i], 0.02);
        there_and_back(FP16, counts[i], 0.02);
    }
}

/* 127 gives a scale of 1: what comes out can be read off. */
static void ties_zeros_and_overflows(void **state)
{
    (void)state;
    Device device = {0};
    real in[8] = {127, -127, (real)0.5, (real)1.5, (real)-2.5, (real)2.4999, 0, (real)-126.5}, out[8];
    int8_t expected[8] = {127, -127, 0, 2, -2, 2, 0, -126}, q[8];
    float scale = 0;
    Tensor x = {.device = &device, .data = in, .count = 8, .dtype = REAL};
    Tensor y = {.device = &device, .data = out, .count = 8, .dtype = REAL};
    Tensor bytes = {.device = &device, .data = q, .count = 8, .dtype = UINT8};
    Tensor scales = {.device = &device, .data = &scale, .count = sizeof scale, .dtype = UINT8};
    quantize(x, bytes, scales);
    assert_true(scale == 1);
    assert_memory_equal(q, expected, sizeof q);
    memset(out, 0, sizeof out);
    for (int i = 0; i < 3; i++) dequantize_add(y, bytes, scales);
    for (int i = 0; i < 8; i++) assert_true(out[i] == 3 * expected[i]);

    memset(in, 0, sizeof in);
    quantize(x, bytes, scales);
    dequantize(y, bytes, scales);
    for (int i = 0; i < 8; i++) assert_true(out[i] == 0);

    for (int kind = 0; kind < 3; kind++) { /* an overflow is seen at the other end */
        in[3] = (real)(kind == 0 ? INFINITY : kind == 1 ? -INFINITY : NAN);
        in[4] = FLT_MAX;
        quantize(x, bytes, scales);
        dequantize(y, bytes, scales);
        for (int i = 0; i < 8; i++) assert_true(isnan(out[i]));
    }
}

/* ---- training ---- */

static const int VIRTUAL_RANKS[] = {1, 3, 4, 8, 0};
static const char *const STRATEGIES[] = {"ddp", "zero1", "zero2", "zero3"};
static const char *const QUANTIZED[] = {"gradients", "both", "parameters"}; /* ddp sends no parameters */

static const int *rank_counts(void)
{
    static int one[2];
    if (!mpi) return VIRTUAL_RANKS;
    one[0] = mpi->size;
    return one;
}

typedef struct Variant {
    char data[32], quantize[40];
    const char *more[8];
} Variant;

/* With what the strategy takes of the variant. */
static Case make_case(Variant *v, const char *strategy, const char *quantize, int steps)
{
    Case c = {.steps = steps};
    snprintf(v->data, sizeof v->data, "parallel.data=%s", strategy);
    snprintf(v->quantize, sizeof v->quantize, "parallel.quantize=%s", quantize);
    c.sets[0] = v->data;
    c.sets[1] = v->quantize;
    for (int i = 0, n = 2; i < 8 && v->more[i]; i++)
        if (case_data_takes(strategy, v->more[i])) c.sets[n++] = v->more[i];
    return c;
}

static const Variant VARIANTS[] = {
    {.more = {"parallel.bucket_mb=0.02", NULL}},
    {.more = {"model.tie_embeddings=no", "parallel.overlap=no", "train.clip=0", NULL}},
    {.more = {"train.precision=bf16", "parallel.reduce_fp32=yes", "train.gradients=same", NULL}},
    {.more = {"train.precision=fp16", "parallel.reduce=step", NULL}},
    {.more = {"train.precision=bf16", "train.gradients=fp32", NULL}},
    {.more = {"parallel.tp=2", "parallel.sequence_parallel=no", "model.ffn=30", NULL}},
    {.more = {"parallel.pp=2", "model.norm=rmsnorm", "model.bias=no", "model.position=rope", NULL}},
    /* large enough for whole blocks in a tensor's shard */
    {.more = {"model.hidden=96", "model.ffn=200", "train.microbatch=0", NULL}},
};
enum { VARIANTS_COUNT = sizeof VARIANTS / sizeof *VARIANTS };

/* ddp sends no parameters; where gradients are summed once, quantising them leaves reduce_fp32 nothing to do. */
static bool possible(const Variant *v, int strategy, int what)
{
    bool wide = v->more[1] && strcmp(v->more[1], "parallel.reduce_fp32=yes") == 0;
    return (strategy > 0 || what == 0) && !(wide && strategy < 2 && what < 2);
}

static bool applies(const Variant *v, int ranks)
{
    bool halves = strncmp(v->more[0], "parallel.tp", 11) == 0 || strncmp(v->more[0], "parallel.pp", 11) == 0;
    bool sixteen = strncmp(v->more[0], "train.precision", 15) == 0;
    return (!halves || ranks % 2 == 0) && (!sixteen || sizeof(real) == sizeof(float));
}

/* Counted = formula, dry = real, for every strategy and what it can quantise, with half of the variants each. */
static void bytes_and_memory_as_the_formulas(void **state)
{
    (void)state;
    for (const int *n = rank_counts(); *n; n++)
        for (int k = 0; k < VARIANTS_COUNT * 4 * 3; k++) {
            Variant v = VARIANTS[k / 12];
            int strategy = k / 3 % 4, what = k % 3;
            if ((k / 12 + strategy + what + *n / 4) % 2) continue;
            if (!applies(&v, *n) || !possible(&v, strategy, what)) continue;
            Case c = make_case(&v, STRATEGIES[strategy], QUANTIZED[what], 1);
            char name[120];
            snprintf(name, sizeof name, "%s %s %s", v.data, v.quantize, v.more[0]);
            agrees_also_dry(&c, &c, name, *n);
        }
}

/* ---- who computes with what ---- */

typedef struct Digest {
    uint64_t all, alike; /* of what this rank computes with; of that what tensor-parallel ranks hold alike */
    Tensor weights;
} Digest;

static uint64_t mix(uint64_t digest, const unsigned char *bytes, size_t count) /* FNV-1a */
{
    for (size_t i = 0; i < count; i++) digest = (digest ^ bytes[i]) * 1099511628211u;
    return digest;
}

static void digest(const Parameter *p, int64_t in_parameter, int64_t in_range, int64_t count, void *context)
{
    (void)in_parameter;
    Digest *d = context;
    Tensor part = tensor_view(d->weights, in_range, count);
    d->all = mix(d->all, part.data, tensor_bytes(part));
    if (p->cut == CUT_NONE) d->alike = mix(d->alike, part.data, tensor_bytes(part));
}

static int differing(Group *group, uint64_t mine)
{
    uint64_t *all = calloc((size_t)group->size, sizeof *all);
    int wrong = 0;
    gather(group, CONTROL, &mine, sizeof mine, all, 0);
    for (int r = 1; r < group->size && group->rank == 0; r++) wrong += all[r] != all[0];
    free(all);
    return wrong;
}

/* Every rank's part after a step: replicas, and of what is not cut the slices, have the same bits. */
static void look(Trainer *t, const StepResult *result, void *context)
{
    Digest d = {1469598103934665603u, 1469598103934665603u, {0}};
    const GptHooks *hooks = &t->data_parallel->hooks;
    (void)result;
    *(int *)context += t->device.current[MEM_COMMUNICATION] != 0; /* a step gives back what it took */
    for (int u = 0; u < t->gpt->units; u++) {
        if (!t->gpt->unit[u].held) continue;
        d.weights = hooks->need(hooks->context, 0, u);
        gpt_each_parameter(t->gpt, u, 0, t->gpt->unit[u].count, digest, &d);
        hooks->done(hooks->context, 0, u);
    }
    *(int *)context += differing(t->mesh.data_group, d.all) + differing(t->mesh.tensor_group, d.alike);
}

static void all_compute_with_the_same(void **state)
{
    (void)state;
    static const char *const grids[] = {"parallel.tp=1", "parallel.tp=2", "parallel.pp=2"};
    for (const int *n = rank_counts(); *n; n++)
        for (int k = 0; k < 3 * 4 * 2 && *n > 1; k++) {
            Variant v = {.more = {grids[k / 8], "train.clip=0", "model.tie_embeddings=no", NULL}};
            if ((k / 8 > 0 && *n % 2) || !possible(&v, k / 2 % 4, k % 2)) continue;
            Case c = make_case(&v, STRATEGIES[k / 2 % 4], QUANTIZED[k % 2], 2);
            int wrong = 0;
            c.look = look;
            c.context = &wrong;
            run_case(&c, *n);
            if (wrong || c.refused[0])
                print_error("%s %s %s on %d ranks: %d wrong %s\n", v.data, v.quantize, v.more[0], *n, wrong,
                            c.refused);
            assert_true(wrong == 0 && !c.refused[0]);
            case_free(&c);
        }
}

/* The zeros round the same blocks once and add them in one order; ddp also rounds the sums, and so differs.
 * With parameters quantised zero3 opens already the first step's, as the others do from the second on. With
 * overlap and without: the same. On one rank nothing is on its way, and nothing rounded. */
static void the_same_bits(void **state)
{
    (void)state;
    for (const int *n = rank_counts(); *n; n++) {
        Variant plain = {.more = {"train.microbatch=0", NULL}};
        Case a = make_case(&plain, "zero1", "none", 3);
        bool looks = run_case(&a, *n);
        for (int what = 0; what < 3; what++) {
            Variant v[5], quantized = {.more = {"train.microbatch=0", NULL}};
            Case c[5];
            const char *strategies[5] = {"zero1", "zero1", "zero2", "zero3", "ddp"};
            int count = what == 0 ? 5 : 3;
            for (int i = 0; i < count; i++) {
                v[i] = (Variant){.more = {"train.microbatch=0", i == 1 ? "parallel.overlap=no" : NULL, NULL}};
                c[i] = make_case(&v[i], strategies[i], QUANTIZED[what], 5);
                run_case(&c[i], *n);
            }
            for (int i = 1; i < count && looks; i++)
                assert_true(case_same_bits(&c[0], &c[i]) == (i < 4 || *n == 1));
            for (int i = 0; i < count; i++) case_free(&c[i]);
            Case b = make_case(&quantized, "zero1", QUANTIZED[what], 3);
            run_case(&b, *n);
            if (looks) assert_true(case_same_bits(&a, &b) == (*n == 1));
            case_free(&b);
        }
        case_free(&a);
    }
}

/* 50 steps end where they would have, to a few percent; zero1's are zero2's (the_same_bits). */
static void trains_as_well(void **state)
{
    (void)state;
    static const int ranks[] = {8, 0, 3, 8};
    if (mpi) return; /* the same as on virtual ranks, and long where cores are few */
    for (int strategy = 0; strategy < 4; strategy++) {
        const Variant whole = {.more = {"train.microbatch=0", NULL}};
        const int n = ranks[strategy];
        if (n == 0) continue;
        Variant plain = whole;
        Case a = make_case(&plain, STRATEGIES[strategy], "none", 50);
        assert_true(case_virtual(&a, n));
        assert_true(a.loss[49] < 0.9 * a.loss[0]);
        for (int what = 0; what < 3; what++) {
            Variant quantized = whole;
            if (!possible(&whole, strategy, what)) continue;
            Case b = make_case(&quantized, STRATEGIES[strategy], QUANTIZED[what], 50);
            assert_true(case_virtual(&b, n));
            double apart = fabs(b.loss[49] / a.loss[49] - 1);
            if (!(apart < 0.03))
                print_error("%s %s on %d ranks: %g, not %g\n", quantized.data, quantized.quantize, n,
                            b.loss[49], a.loss[49]);
            assert_true(apart < 0.03);
            case_free(&b);
        }
        case_free(&a);
    }
}

/* Wide sums of gradients that travel in 8 bits, and 8 bits for what ddp does not send. */
static void what_would_change_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *strategy, *quantize, *line, *more[4];
    } wrong[] = {
        {"ddp",
         "both",
         "ddp holds whole parameters and sends none; try parallel.quantize = gradients",
         {NULL}},
#ifndef SIM_DOUBLE
        {"zero1",
         "gradients",
         "parallel.reduce_fp32=yes: has an effect only with train.precision = bf16 or fp16, gradients kept "
         "so on any ranks",
         {"train.precision=bf16", "train.gradients=same", "parallel.reduce_fp32=yes"}},
        {"zero2",
         "both",
         "parallel.reduce_fp32=yes: has an effect only with",
         {"train.precision=bf16", "train.gradients=same", "parallel.reduce_fp32=yes",
          "parallel.reduce=step"}},
#endif
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        Variant v = {0};
        memcpy(v.more, wrong[i].more, sizeof wrong[i].more);
        Case c = make_case(&v, wrong[i].strategy, wrong[i].quantize, 1);
        assert_false(case_virtual(&c, 2));
        if (!strstr(c.refused, wrong[i].line)) print_error("%s\n", c.refused);
        assert_non_null(strstr(c.refused, wrong[i].line));
    }
}

int ranks_quantize(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(within_half_a_scale),
        cmocka_unit_test(ties_zeros_and_overflows),
        cmocka_unit_test(bytes_and_memory_as_the_formulas),
        cmocka_unit_test(all_compute_with_the_same),
        cmocka_unit_test(the_same_bits),
        cmocka_unit_test(trains_as_well),
        cmocka_unit_test(what_would_change_nothing),
    };
    return cmocka_run_group_tests_name("quantize", tests, NULL, NULL);
}
