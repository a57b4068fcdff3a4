/* test_goodput.c - jobs that fail and go on from checkpoints: against a walk that goes step by step, what is expected of
 * them in closed form, and the formulas of the best interval. */
#include <math.h>
#include <stdbool.h>
#include "sim/goodput/walk.h"
#include "tests/support/check.h"

/* Steps, seconds of each, M, R, C, W; and steps between checkpoints. */
typedef struct Example {
    GoodputJob job;
    int64_t interval;
} Example;
static const Example examples[] = {
    {{100, 2, 150, 30, 5, 0}, 10}, /* synchronous, */
    {{103, 2, 150, 30, 5, 0}, 10}, /* with a last segment of 3 steps, */
    {{100, 2, 150, 0, 5, 0}, 7},   /* with restarts at once, */
    {{40, 2, 100, 20, 5, 0}, 40},  /* of one segment */
    {{100, 2, 150, 30, 0.5, 14}, 10} /* asynchronous, */,
    {{102, 2, 150, 30, 0.5, 14}, 10} /* with a last segment that waits for the checkpoint before it, */,
    {{108, 2, 90, 40, 0.5, 20}, 10} /* and one that hardly does, each written just as the next begins, */,
    {{50, 2, 100, 20, 3, 30}, 50} /* of one segment */,
};
enum { EXAMPLES = sizeof examples / sizeof *examples };

/* ---- step by step ---- */

/* Of a job: what has been done, what would be left after a failure, and what is on its way to storage. */
typedef struct Plain {
    const Example *example;
    int64_t run, failures, done, whole, written; /* written: steps that are in the checkpoint being written */
    double now, next, writing_ends;              /* no checkpoint is being written: 0 */
} Plain;

/* Lets so many seconds pass; false where a failure ends them. */
static bool passes(Plain *p, double seconds)
{
    double end = p->now + seconds;
    if (p->writing_ends > 0 && p->writing_ends <= fmin(end, p->next)) {
        p->whole = p->written;
        p->writing_ends = 0;
    }
    if (p->next < end) {
        p->now = p->next;
        return false;
    }
    p->now = end;
    return true;
}

/* A checkpoint, once the one before it is whole: its stall, then the writing begins. */
static bool saves(Plain *p)
{
    const GoodputJob *job = &p->example->job;
    if (p->writing_ends > 0 && !passes(p, p->writing_ends - p->now)) return false;
    if (!passes(p, job->stall)) return false;
    p->written = p->done;
    p->writing_ends = p->now + job->write;
    return job->write > 0 || passes(p, 0);
}

static bool does_a_step(Plain *p)
{
    const GoodputJob *job = &p->example->job;
    if (!passes(p, job->step)) return false;
    p->done++;
    return (p->done % p->example->interval != 0 && p->done != job->steps) || saves(p);
}

static void fails(Plain *p)
{
    const GoodputJob *job = &p->example->job;
    do {
        p->now = p->next;
        p->failures++;
        p->next += goodput_gap(job, 7, p->run, p->failures);
        p->writing_ends = 0;
        p->done = p->whole;
    } while (!passes(p, job->restart));
}

static double plainly(const Example *example, int64_t run, int64_t *failures)
{
    Plain p = {.example = example, .run = run, .next = goodput_gap(&example->job, 7, run, 0)};
    while (p.whole < example->job.steps) {
        bool went = p.done < example->job.steps ? does_a_step(&p) : passes(&p, p.writing_ends - p.now);
        if (!went) fails(&p);
    }
    *failures = p.failures;
    return p.now;
}

static void as_step_by_step(void **state)
{
    (void)state;
    enum { RUNS = 200 };
    int64_t all = 0;
    for (int e = 0; e < EXAMPLES; e++)
        for (int64_t run = 0; run < RUNS; run++) {
            int64_t failures;
            double seconds = plainly(&examples[e], run, &failures);
            GoodputWalk w = goodput_walk(&examples[e].job, examples[e].interval, 7, run);
            if (w.failures != failures || fabs(w.seconds - seconds) > 1e-9 * seconds)
                fail_msg("example %d, run %lld: %.12g s and %lld failures, step by step %.12g and %lld", e,
                         (long long)run, w.seconds, (long long)w.failures, seconds, (long long)failures);
            double sum = w.trained + w.stalled + w.lost + w.restarting;
            assert_true(fabs(sum - w.seconds) < 1e-9 * w.seconds);
            assert_true(w.lost >= 0 && w.trained == (double)examples[e].job.steps * examples[e].job.step);
            all += failures;
        }
    assert_true(all > EXAMPLES * RUNS); /* which each meet one at least, on average */
}

/* ---- in closed form ---- */

static void without_failures(void **state)
{
    (void)state;
    const GoodputJob job = {.steps = 103, .step = 2, .mtbf = INFINITY, .restart = 30, .stall = 5};
    GoodputWalk w = goodput_walk(&job, 10, 7, 0);
    assert_true(w.seconds == 103 * 2 + 11 * 5 && w.failures == 0 && w.lost == 0 && w.restarting == 0);
    assert_true(goodput_expected(&job, 10) == 206.0 / 261);
    assert_true(w.trained / w.seconds == goodput_expected(&job, 10));
    GoodputJob beside = job; /* the last segment, of 6 s, waits 8 more; the last checkpoint is waited for */
    beside.write = 14;
    w = goodput_walk(&beside, 10, 7, 0);
    assert_true(w.seconds == 103 * 2 + 11 * 5 + 8 + 14 && w.stalled == 11 * 5 + 8 + 14);
    assert_true(goodput_expected_seconds(&beside, 10) == w.seconds);
    beside.mtbf = 1e15; /* hardly any: by the other way to the same */
    assert_true(fabs(goodput_expected_seconds(&beside, 10) - w.seconds) < 1e-9 * w.seconds);
    assert_true(goodput_least_interval(&beside) == 7 && goodput_least_interval(&job) == 1);
}

/* Of a segment M e^(R/M) (e^(t/M) - 1), for numbers by hand: M 100, R 100 ln 2, t 100 ln 3: 100 x 2 x 2. */
static void segments_as_daly_has_them(void **state)
{
    (void)state;
    const GoodputJob job = {
        .steps = 4, .step = 100 * log(3) - 10, .mtbf = 100, .restart = 100 * log(2), .stall = 10};
    assert_true(fabs(goodput_expected_seconds(&job, 1) - 1600) < 1e-9);
}

static void means_are_what_is_expected(void **state)
{
    (void)state;
    enum { RUNS = 20000 };
    for (int e = 0; e < EXAMPLES; e++) {
        double sum = 0, squares = 0,
               expected = goodput_expected_seconds(&examples[e].job, examples[e].interval);
        for (int64_t run = 0; run < RUNS; run++) {
            double seconds = goodput_walk(&examples[e].job, examples[e].interval, 3, run).seconds;
            sum += seconds;
            squares += (seconds - expected) * (seconds - expected);
        }
        double mean = sum / RUNS, error = sqrt(squares / RUNS / RUNS);
        if (fabs(mean - expected) > 3.5 * error || error > 0.008 * expected)
            fail_msg("example %d: %.6g s on average, %.6g expected, with an error of %.2g", e, mean, expected,
                     error);
    }
}

/* The moments of failures do not depend on the interval, and each run has its own. */
static void draws(void **state)
{
    (void)state;
    const GoodputJob *job = &examples[0].job;
    double sum = 0, squares = 0;
    enum { DRAWN = 50000 };
    for (int i = 0; i < DRAWN; i++) {
        double gap = goodput_gap(job, 11, i % 100, i / 100) / job->mtbf;
        assert_true(gap > 0);
        sum += gap;
        squares += gap * gap;
    }
    assert_true(fabs(sum / DRAWN - 1) < 0.02 && fabs(squares / DRAWN - 2) < 0.08); /* exponential */
    assert_true(goodput_gap(job, 11, 0, 0) != goodput_gap(job, 12, 0, 0));
    GoodputWalk one = goodput_walk(job, 10, 11, 4), again = goodput_walk(job, 10, 11, 4);
    assert_memory_equal(&one, &again, sizeof one);
}

/* ---- the best interval ---- */

/* Where (e^((t+C)/M) - 1) / t is least: e^(-(t+C)/M) = 1 - t/M, by bisection. */
static double best_of_all(double stall, double mtbf)
{
    double low = 0, high = mtbf;
    for (int i = 0; i < 200; i++) {
        double t = (low + high) / 2;
        *(1 - t / mtbf > exp(-(t + stall) / mtbf) ? &low : &high) = t;
    }
    return low;
}

static void formulas_of_the_best(void **state)
{
    (void)state;
    assert_true(fabs(goodput_young(5, 360) - 60) < 1e-12); /* sqrt(2 x 5 x 360) */
    assert_true(fabs(goodput_daly(8, 100) - (40 * (1 + 0.2 / 3 + 0.04 / 9) - 8)) < 1e-12);
    assert_true(goodput_daly(200, 100) == 100 && goodput_daly(300, 100) == 100);
    for (int i = 0; i < 14; i++) {
        double stall = 0.01 * (1 << i);
        double best = best_of_all(stall, 100), off = fabs(goodput_daly(stall, 100) / best - 1);
        assert_true(off < (stall < 20 ? 0.002 : 0.05));
        assert_true(off < fabs(goodput_young(stall, 100) / best - 1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_step_by_step),
        cmocka_unit_test(without_failures),
        cmocka_unit_test(segments_as_daly_has_them),
        cmocka_unit_test(means_are_what_is_expected),
        cmocka_unit_test(draws),
        cmocka_unit_test(formulas_of_the_best),
    };
    return cmocka_run_group_tests_name("goodput", tests, NULL, NULL);
}
