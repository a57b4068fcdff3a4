/* test_given.c - durations that are told: a paper's table of bubbles, replayed by the interpreter on virtual ranks. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "tests/support/case.h"
#include "tests/support/check.h"

/* Qi et al., "Zero bubble pipeline parallelism", arXiv 2401.10241: times profiled in milliseconds, table 9, and the
 * rates of bubbles that follow, table 5. Its F, B and W are F, I and W here. */
static const struct {
    int p, m;
    double F, I, W, message, rate_1f1b, rate_zb_h1;
} ROWS[] = {
    {8, 24, 18.522, 18.086, 9.337, 0.601, 0.2431, 0.1585}, /* 1.5 B parameters */
    {8, 32, 18.513, 18.086, 9.331, 0.626, 0.1985, 0.1242},
    {8, 64, 18.546, 18.097, 9.321, 0.762, 0.1240, 0.0674},
    {16, 48, 11.347, 11.248, 8.132, 0.377, 0.2552, 0.1397}, /* 14.6 B */
    {16, 64, 11.307, 11.254, 8.101, 0.379, 0.2082, 0.1088},
    {16, 128, 11.325, 11.308, 8.109, 0.378, 0.1251, 0.0576},
};

typedef struct Replay {
    double longest; /* seconds from a stage's first action to its last */
    double work;    /* of a stage, all that it computes */
} Replay;

/* In a dry run all ranks are in this process. */
static void look(Trainer *t, const StepResult *result, void *context)
{
    (void)result;
    Replay *s = context;
    double first = INFINITY, last = 0;
    for (int i = 0; i < t->rows; i++) {
        const TimelineRow *row = &t->timeline[i];
        if (row->microbatch < 0 || !(row->simulated_end > row->simulated_start) || row->lane[0] != 'c')
            continue;
        first = fmin(first, row->simulated_start);
        last = fmax(last, row->simulated_end);
    }
    s->longest = fmax(s->longest, last - first);
    s->work = t->device.lanes.spent[PART_COMPUTE];
}

static double rate(int row, const char *schedule)
{
    Replay s = {0};
    Case c = case_of_words(
        1,
        "hardware.profile=given hardware.forward_ms=%g hardware.input_ms=%g hardware.weight_ms=%g "
        "hardware.message_ms=%g parallel.pp=%d parallel.schedule=%s model.layers=%d "
        "train.global_batch=%d",
        ROWS[row].F, ROWS[row].I, ROWS[row].W, ROWS[row].message, ROWS[row].p, schedule, ROWS[row].p,
        ROWS[row].m);
    c.dry = true;
    c.look = look;
    c.context = &s;
    assert_true(case_virtual(&c, ROWS[row].p));
    case_free(&c);
    assert_true(fabs(s.work - 1e-3 * ROWS[row].m * (ROWS[row].F + ROWS[row].I + ROWS[row].W)) < 1e-9);
    return 1 - s.work / s.longest;
}

static void is_published(double rate_here, double published, int row)
{
    if (fabs(rate_here - published) > 0.5e-4)
        fail_msg("row %d: the bubble is %.5f, and published %.4f", row, rate_here, published);
}

static void zero_bubble_papers_rates(void **state)
{
    (void)state;
    for (int i = 0; i < (int)(sizeof ROWS / sizeof *ROWS); i++) {
        is_published(rate(i, "1f1b"), ROWS[i].rate_1f1b, i);
        is_published(rate(i, "zb-h1"), ROWS[i].rate_zb_h1, i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zero_bubble_papers_rates),
    };
    return cmocka_run_group_tests_name("given durations", tests, NULL, NULL);
}
