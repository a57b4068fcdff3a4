/* test_loss_scale.c - where fp16's loss scale ends, that an infinite gradient is skipped in fp16 alone, and that a step
 * which is skipped leaves what it would have updated. */
#include <math.h>
#include <string.h>
#include "sim/run/routing_record.h"
#include "sim/run/scales.h"
#include "tests/support/case.h"
#include "tests/support/check.h"
#include "tests/support/ranks.h"

/* It ends at 2^-24 below, and where it would be no float above. */
static void the_scale_has_ends(void **state)
{
    (void)state;
    Config c = {.train = {.precision = PRECISION_FP16, .loss_scale_backoff = 0.3, .loss_scale_interval = 1}};
    int64_t fine = 0;
    assert_true(loss_scale_after(&c, 0x1p-22, true, &fine) == 0.3 * 0x1p-22);
    assert_true(loss_scale_after(&c, 0x1p-23, true, &fine) == 0x1p-24);
    assert_true(loss_scale_after(&c, 0x1p-24, true, &fine) == 0x1p-24);
    assert_true(loss_scale_after(&c, 0x1p126, false, &fine) == 0x1p127);
    assert_true(loss_scale_after(&c, 0x1p127, false, &fine) == 0x1p127);
}

typedef struct Skips {
    int skipped, infinite;
} Skips;

static void count_skips(Trainer *t, const StepResult *result, void *context)
{
    Skips *s = context;
    s->skipped += result->skipped;
    s->infinite += !isfinite(result->grad_norm);
    t->loss_scale = INFINITY; /* and so are the gradients of the next step */
}

/* Without a loss to scale, no smaller scale would help: the loss will say it. */
static void only_fp16_skips(void **state)
{
    (void)state;
    static const char *const precisions[] = {"fp32", "bf16", "fp16"};
    int precisions_here = sizeof(real) > sizeof(float) ? 1 : 3;
    for (int p = 0; p < precisions_here; p++) {
        Skips s = {0};
        Case c = case_of_words(2, "train.precision=%s", precisions[p]);
        c.look = count_skips;
        c.context = &s;
        assert_true(case_virtual(&c, 1));
        assert_int_equal(s.infinite, 1);
        assert_int_equal(s.skipped, p == 2);
        int64_t finite = 0;
        for (int64_t i = 0; i < c.parameters; i++) finite += isfinite(c.weights[i]);
        assert_int_equal(finite == c.parameters, p == 2);
        case_free(&c);
    }
}

enum { BIASES = 2 * 4 }; /* layers x experts */
typedef struct Biases {
    double after[2][BIASES]; /* a step that is skipped, and one that is not */
    int step, skipped;
} Biases;

static int64_t overflow_first(Trainer *t, void *context)
{
    (void)context;
    t->loss_scale = INFINITY;
    return 0;
}

static void see_biases(Trainer *t, const StepResult *result, void *context)
{
    Biases *b = context;
    Group *world = group_world(t->comm, CHANNEL);
    RoutingRecord r = routing_record_gather(t, world);
    if (t->comm->rank == 0) {
        memcpy(b->after[b->step++], r.row.bias, sizeof b->after[0]);
        b->skipped += result->skipped;
    }
    t->loss_scale = 1024;
    routing_record_free(&r);
    group_free(world);
}

/* It goes against loads, which there are; a step that updates nothing leaves it, told as it is, and split as unsplit. */
static void a_skipped_step_leaves_the_bias(void **state)
{
    (void)state;
    static const struct {
        const char *words;
        int ranks;
    } splits[] = {{"", 1}, {"parallel.ep=2", 2}, {"parallel.ep=2 parallel.pp=2 parallel.data=zero2", 4}};
    Biases seen[sizeof splits / sizeof *splits] = {0};
    if (sizeof(real) > sizeof(float)) skip(); /* that build has no fp16 */
    for (size_t i = 0; i < sizeof splits / sizeof *splits; i++) {
        int fell = 0;
        Case c = case_of_words(2,
                               "moe.experts=4 moe.ffn=12 moe.balance=bias moe.bias_step=0.0625 "
                               "train.precision=fp16 train.microbatch=2 %s",
                               splits[i].words);
        c.begin = overflow_first, c.look = see_biases, c.context = &seen[i];
        if (!case_virtual(&c, splits[i].ranks)) fail_msg("%s: %s", splits[i].words, c.refused);
        assert_int_equal(seen[i].skipped, 1);
        for (int k = 0; k < BIASES; k++) {
            assert_true(seen[i].after[0][k] == 0);
            fell += seen[i].after[1][k] == -0.0625;
        }
        assert_true(fell > 0);
        assert_memory_equal(seen[i].after, seen[0].after, sizeof seen[0].after);
        case_free(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_scale_has_ends),
                                       cmocka_unit_test(only_fp16_skips),
                                       cmocka_unit_test(a_skipped_step_leaves_the_bias)};
    return cmocka_run_group_tests_name("loss scale", tests, NULL, NULL);
}
