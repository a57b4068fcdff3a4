/* test_clock_shapes.c - ideal bubbles and microbatches in flight of every schedule and shape, as the papers say:
 * dry cases on virtual ranks, walked action by action. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include "tests/support/check.h"
#include "tests/support/paper.h"

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* Most microbatches of a stage that a rank holds at once. */
static int in_flight(ScheduleKind kind, Shape s, int rank)
{
    switch (kind) {
    case SCHEDULE_NAIVE: return 1;
    case SCHEDULE_GPIPE: return s.m;
    case SCHEDULE_1F1B: return least(s.m, s.p - rank);
    case SCHEDULE_INTERLEAVED: return least(s.v * s.m, 2 * (s.p - 1 - rank) + (s.v - 1) * s.p + 1);
    case SCHEDULE_ZB_H1: return least(s.m, s.p);
    case SCHEDULE_KINDS: break;
    }
    return 0;
}

/* `one`: the peaks of one microbatch, on each rank. */
static void check_shape(ScheduleKind kind, Shape s, const char *recompute, uint64_t one[8])
{
    char text[6][48], what[64];
    Seen seen = {.records = s.m == s.p}; /* a file takes longer than all else */
    snprintf(what, sizeof what, "%s, p = %d, m = %d, v = %d", schedule_name[kind], s.p, s.m, s.v);
    snprintf(text[0], sizeof *text, "parallel.pp=%d", s.p);
    snprintf(text[1], sizeof *text, "parallel.schedule=%s", schedule_name[kind]);
    snprintf(text[2], sizeof *text, "parallel.virtual_stages=%d", s.v);
    snprintf(text[3], sizeof *text, "model.layers=%d", s.p * s.v);
    snprintf(text[4], sizeof *text, "train.global_batch=%d", s.m);
    snprintf(text[5], sizeof *text, "train.recompute=%s", recompute);
    Case c = {.steps = 1,
              .dry = true,
              .sets = {text[0], text[1], text[2], text[3], text[4], text[5], paper_output},
              .look = paper_look,
              .context = &seen};
    assert_true(case_virtual(&c, s.p));
    paper_check(&seen, what);
    assert_true(case_counts(&c, what, s.p));
    for (int r = 0; r < s.p; r++) {
        uint64_t peak = c.peak[r][MEM_ACTIVATIONS];
        if (s.m == 1) one[r] = peak;
        assert_int_equal(seen.in_flight[r], in_flight(kind, s, r));
        /* where all that a rank holds are microbatches of one stage, whole until they go */
        if (s.v == 1 && kind != SCHEDULE_ZB_H1) assert_int_equal(peak, (uint64_t)seen.in_flight[r] * one[r]);
    }
    free(seen.rows);
    case_free(&c);
}

/* Every m up to 4p or, in `strides` of p - 1 and for p above 5, those on both sides of p's multiples. */
static void all_shapes(const char *recompute, bool strides)
{
    for (int kind = 0; kind < SCHEDULE_KINDS; kind++)
        for (int p = 2; p <= 8; p++)
            for (int v = kind == SCHEDULE_INTERLEAVED ? 2 : 1; v <= (kind == SCHEDULE_INTERLEAVED ? 3 : 1);
                 v++) {
                uint64_t one[8] = {0};
                for (int m = 1; m <= 4 * p; m += (strides || p > 5) && v == 1 ? p - 1 : 1)
                    if (v == 1 || m % p == 0)
                        check_shape((ScheduleKind)kind, (Shape){v, p, m}, recompute, one);
            }
}

static void ideal_bubbles_and_microbatches_in_flight(void **state)
{
    (void)state;
    all_shapes("none", false);
}

static void ideal_bubbles_with_recomputation(void **state)
{
    (void)state;
    all_shapes("full", true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ideal_bubbles_and_microbatches_in_flight),
        cmocka_unit_test(ideal_bubbles_with_recomputation),
    };
    mallopt(M_MMAP_THRESHOLD, 32 << 20); /* every file takes megabytes and gives them back: keep them */
    mallopt(M_TRIM_THRESHOLD, 256 << 20);
    paper_start();
    int failed = cmocka_run_group_tests_name("simulated time of every shape", tests, NULL, NULL);
    paper_stop();
    return failed;
}
