/* test_loss_scale.c - where fp16's loss scale ends, and that an infinite gradient is skipped in fp16 alone. */
#include <math.h>
#include "tests/support/case.h"
#include "tests/support/check.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_scale_has_ends),
                                       cmocka_unit_test(only_fp16_skips)};
    return cmocka_run_group_tests_name("loss scale", tests, NULL, NULL);
}
