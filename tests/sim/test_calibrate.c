/* test_calibrate.c - `sim calibrate` without a machine: numbers that a model made are found again, the profile is read
 * back as it was written, kernels are told apart, and what is asked for. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "sim/calibrate/calibrate.h"
#include "sim/calibrate/exercise.h"
#include "sim/calibrate/fit.h"
#include "sim/calibrate/profile.h"
#include "sim/calibrate/rounds.h"
#include "sim/calibrate/scan.h"
#include "sim/config/parse.h"
#include "tests/support/check.h"

/* A core of another machine: every number differs from what a profile begins with. */
static Machine known(void)
{
    Machine m = profile_begin(4, 64e9).machine;
    m.chip.peak_32_tflops = 0.08;
    m.chip.peak_16_tflops = 0.02;
    m.chip.tile_traffic = 12;
    m.chip.tile_us = 0.4;
    m.chip.misaligned = 0.7;
    m.chip.flash_forward = 0.3;
    m.chip.flash_backward = 0.45;
    m.chip.bandwidth_gb = 40;
    m.chip.stream = 0.5;
    m.chip.gap_us = 0.9;
    m.chip.vector_gflops[WORK_SOFTMAX] = 1.5;
    m.chip.vector_gflops[WORK_NORM] = 4;
    m.chip.vector_gflops[WORK_ACTIVATION] = 9;
    m.chip.vector_gflops[WORK_CROSS_ENTROPY] = 0.8;
    m.chip.vector_gflops[WORK_SQUARES] = 3;
    m.chip.vector_gflops[WORK_DROPOUT] = 0.6;
    return m;
}

/* What the machine takes for these, with so much noise: three times, of which one is far off. */
static void take(Timings *timings, const Machine *machine, Timing timing, double noise)
{
    static const double far[] = {1, 1, 7};
    double seconds = timing_foretold(&timing, machine);
    int sign = (unsigned)timings->count * 2654435761u >> 31 ? 1 : -1;
    for (int i = 0; i < 3; i++) {
        timing.seconds = seconds * (1 + sign * noise) * far[i];
        timings_add(timings, &timing);
    }
}

static Timing one(Work work)
{
    return (Timing){.work = {work}, .works = 1};
}

static Work product_of(DType type, int64_t m, int64_t n, int64_t k)
{
    Work w = {.kind = WORK_MATMUL, .batch = 1, .m = m, .n = n, .k = k, .type = type};
    w.flops = work_products(&w);
    w.bytes = 4.0 * (double)(m * n + m * k + n * k);
    return w;
}

static Work vector(WorkKind kind, int64_t rows, int64_t columns, double flops, double values)
{
    double count = (double)(rows * columns);
    return work_over(kind, REAL, rows, columns, flops * count, 4 * values * count);
}

/* A head's product, the softmax and the other product, as attention reports them. */
static Timing attention(int64_t batch, int64_t T, int64_t hd)
{
    Timing t = {.works = 3};
    t.work[0] = (Work){.kind = WORK_ATTENTION, .batch = batch, .m = T, .n = T, .k = hd, .bytes = 100};
    t.work[1] = vector(WORK_SOFTMAX, T, T, 6 * (double)batch, 2);
    t.work[1].batch = batch;
    t.work[2] = (Work){.kind = WORK_ATTENTION, .batch = batch, .m = T, .n = hd, .k = T, .bytes = 100};
    return t;
}

static Work flash(int64_t T, bool backward)
{
    Work w = {.kind = WORK_FLASH, .backward = backward, .batch = 4, .m = T, .n = T, .k = 32};
    w.flops = work_products(&w) / 2;
    return w;
}

static void made_up(Timings *timings, const Machine *machine, double noise)
{
    static const int64_t side[] = {16, 64, 256, 1024}, odd[] = {50, 130, 500};
    for (int i = 0; i < 64; i++)
        take(timings, machine, one(product_of(REAL, side[i % 4], side[i / 4 % 4], side[i / 16])), noise);
    for (int i = 0; i < 27; i++) {
        take(timings, machine, one(product_of(REAL, odd[i % 3], odd[i / 3 % 3], odd[i / 9])), noise);
        take(timings, machine, one(product_of(BF16, side[i % 3 + 1], side[i / 3 % 3 + 1], side[i / 9 + 1])),
             noise);
    }
    for (int64_t rows = 32; rows <= 1024; rows *= 2) {
        take(timings, machine, one(vector(WORK_BIAS, rows, 128, 1, 2)), noise);
        take(timings, machine, one(vector(WORK_POSITION, rows, 128, 1, 2)), noise);
        take(timings, machine, one(vector(WORK_NORM, rows, 128, 8, 2)), noise);
        take(timings, machine, one(vector(WORK_ACTIVATION, rows, 512, 10, 2)), noise);
        take(timings, machine, one(vector(WORK_CROSS_ENTROPY, rows, 64, 6, 3)), noise);
        take(timings, machine, one(vector(WORK_SQUARES, 1, rows * 1000, 2, 1)), noise);
        take(timings, machine, one(vector(WORK_OPTIMIZER, 1, rows * 1000, 14, 7)), noise);
        take(timings, machine, one(vector(WORK_DROPOUT, rows, 128, 1, 2)), noise);
        take(timings, machine, one(flash(rows, false)), noise);
        take(timings, machine, one(flash(rows, true)), noise);
        take(timings, machine, attention(rows / 8, 32, 32), noise);
    }
    timings_settle(timings);
}

static void near_to(const char *name, double found, double expected, double share)
{
    if (!(fabs(found / expected - 1) <= share)) fail_msg("%s: %g, not %g", name, found, expected);
}

/* Every number, but peak and sustained, of which only the product bounds anything. */
static void found_again(double noise, double share)
{
    Timings timings = {0};
    Machine truth = known(), found = profile_begin(4, 64e9).machine;
    const Chip *t = &truth.chip, *f = &found.chip;
    made_up(&timings, &truth, noise);
    fit_chip(&found, &timings);
    near_to("fp32", chip_sustained(f, REAL), chip_sustained(t, REAL), share);
    near_to("bf16", chip_sustained(f, BF16), chip_sustained(t, BF16), share);
    near_to("traffic", f->tile_traffic, t->tile_traffic, 3 * share);
    near_to("tile_us", f->tile_us, t->tile_us, 6 * share);
    near_to("misaligned", f->misaligned, t->misaligned, share);
    near_to("flash", f->flash_forward, t->flash_forward, share);
    near_to("flash backward", f->flash_backward, t->flash_backward, share);
    near_to("bandwidth", f->bandwidth_gb * f->elementwise, t->bandwidth_gb * t->elementwise, share);
    near_to("stream", f->bandwidth_gb * f->stream, t->bandwidth_gb * t->stream, share);
    near_to("gap", f->gap_us, t->gap_us, 6 * share);
    for (WorkKind kind = 0; kind < WORK_KINDS; kind++)
        if (t->vector_gflops[kind] > 0)
            near_to(work_kind[kind].name, f->vector_gflops[kind], t->vector_gflops[kind], 3 * share);
    Work other = product_of(REAL, 96, 384, 768); /* which was not among them */
    near_to("another product", chip_product(f, &other), chip_product(t, &other), share);
    assert_true(f->sustained <= 1 && f->stream <= 1 && f->elementwise <= 1);
    timings_free(&timings);
}

static void numbers_are_found_again(void **state)
{
    (void)state;
    found_again(0, 0.01);
    found_again(0.04, 0.05);
}

/* An optimizer that is faster than all else makes the bandwidth: shares stay shares. */
static void shares_are_of_the_larger(void **state)
{
    (void)state;
    Timings timings = {0};
    Machine truth = known(), found = profile_begin(4, 64e9).machine;
    truth.chip.elementwise = 0.25;
    truth.chip.stream = 1;
    made_up(&timings, &truth, 0);
    fit_chip(&found, &timings);
    near_to("elementwise", found.chip.elementwise, 0.25, 0.02);
    near_to("bandwidth", found.chip.bandwidth_gb, 40, 0.01);
    assert_true(found.chip.stream == 1);
    timings_free(&timings);
}

/* ---- links ---- */

static void links_are_found_again(void **state)
{
    (void)state;
    LinkTimings *links = allocate_zeroed(1, sizeof *links);
    NetworkNode truth = profile_begin(4, 64e9).node, found = truth;
    Group world = {.size = 3};
    truth.link_gb = 3.5;
    truth.link_us = 4;
    truth.message_us = 2;
    links_begin(links, &world);
    assert_int_equal(links->count, LINK_KINDS * LINK_SIZES);
    for (int i = 0; i < links->count; i++) {
        LinkTiming *l = &links->timing[i];
        assert_int_equal(l->steps, l->kind == LINK_MESSAGE ? 1 : l->kind == LINK_ALL_GATHER ? 2 : 4);
        double bytes = (double)l->bytes / 3.5e9;
        near_to("link", link_foretold(l, &truth),
                l->kind == LINK_MESSAGE ? 6e-6 + bytes : l->steps * (4e-6 + bytes), 1e-9);
        for (int k = 0; k < 5; k++) l->seen[l->times++] = link_foretold(l, &truth) * (k < 2 ? 1 : 10 + k);
    }
    links_settle(links); /* most of them waited for a core */
    fit_links(&found, links);
    near_to("link_gb", found.link_gb, 3.5, 0.01);
    near_to("link_us", found.link_us, 4, 0.02);
    near_to("message_us", found.message_us, 2, 0.05);
    world.size = 1;
    links_begin(links, &world);
    assert_int_equal(links->count, 0);
    fit_links(&truth, links);
    assert_true(truth.link_gb == 3.5 && truth.link_us == 4);
    free(links);
}

/* ---- the file ---- */

static char *written(const Profile *profile)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    profile_write(out, profile);
    fclose(out);
    return text;
}

/* To four digits, as they are written; and then to the letter. */
static void the_file_is_read_back(void **state)
{
    (void)state;
    for (int ranks = 1; ranks < 3; ranks++) {
        Profile p = profile_begin(4, 64e9);
        p.machine.chip = known().chip;
        p.machine.software.step_ms = 0.125;
        p.ranks = ranks;
        utc_text(0, p.created);
        strcpy(p.node.host, "vm-1, A Processor; of a kind");
        p.node.link_gb = 3.5;
        p.node.link_us = 4;
        p.node.message_us = ranks > 1 ? 2 : 0;
        char *text = written(&p);
        Config c;
        Error error;
        const ConfigSource source = {
            .name = "t.ini", .text = "[hardware]\nprofile = localhost\n", .profile = text};
        if (!config_parse(&c, &source, &error)) fail_msg("%s\n%s", error.text, text);
        assert_memory_equal(&c.machine.chip, &p.machine.chip, sizeof(Chip));
        assert_true(c.machine.software.copies && !c.machine.software.fused_bias);
        assert_true(c.machine.software.step_ms == 0.125 && c.node.taken == 1 && c.node.devices == 4);
        assert_true(c.node.link_gb == 3.5 && c.node.link_us == 4 && c.node.message_us == p.node.message_us);
        assert_string_equal(c.node.host, p.node.host);
        for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
            if (strstr(line, " = ") && line[0] != ';' && !strstr(line, "host") && !strstr(line, " ; "))
                fail_msg("says nothing of it: %s", line);
        }
        assert_true(!!strstr(c.text, "localhost"));
        config_free(&c);
        free(text);
    }
}

/* ---- kernels told apart ---- */

/* So many seconds of this thread. */
static void compute(double seconds)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    double until = (double)t.tv_sec + 1e-9 * (double)t.tv_nsec + seconds;
    while ((double)t.tv_sec + 1e-9 * (double)t.tv_nsec < until) clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
}

static const Timing *find(const Timings *timings, WorkKind kind)
{
    for (int i = 0; i < timings->count; i++)
        if (timings->timing[i].work[0].kind == kind) return &timings->timing[i];
    fail_msg("no %s", work_kind[kind].name);
    return NULL;
}

static void kernels_are_told_apart(void **state)
{
    (void)state;
    Timings timings = {0};
    Device device = {.dry = false};
    Stopwatch watch = {.timings = &timings};
    stopwatch_hear(&watch, &device);
    device_kernel(&device, vector(WORK_BIAS, 1, 1, 1, 1)); /* not started: not kept */
    for (int i = 0; i < 3; i++) {
        Timing scores = attention(8, 32, 32);
        stopwatch_start(&watch);
        compute(0.001);
        device_kernel(&device, vector(WORK_NORM, 4, 8, 1, 1));
        compute(0.002);
        for (int k = 0; k < 3; k++) device_kernel(&device, scores.work[k]);
        compute(0.003);
        device_kernel(&device, vector(WORK_ZERO, 4, 8, 1, 1));
        stopwatch_stop(&watch);
        if (i) assert_int_equal(find(&timings, WORK_ATTENTION)->times, i + 1); /* also what is known */
        assert_true(watch.between >= 0.001 && watch.total >= 0.006 && watch.total < 0.5);
    }
    timings_settle(&timings);
    assert_int_equal(timings.count, 3);
    const Timing *norm = find(&timings, WORK_NORM), *scores = find(&timings, WORK_ATTENTION);
    assert_true(norm->times == 3 && norm->seconds >= 0.002 && norm->seconds < 0.003);
    assert_true(scores->works == 3 && scores->seconds >= 0.003);
    assert_true(find(&timings, WORK_ZERO)->seconds < 0.001);
    assert_true(device.lanes.now == 0 && device.done[WORK_NORM].seconds == 0);
    timings_free(&timings);
}

static void residuals_join_norms(void **state)
{
    (void)state;
    Timing norm = one(work_backward(vector(WORK_NORM, 4, 8, 1, 1)));
    Work sum = vector(WORK_RESIDUAL, 4, 8, 1, 1), back = work_backward(sum),
         mask = vector(WORK_DROPOUT, 4, 8, 1, 1);
    assert_true(timing_joins(&norm, &back));
    assert_false(timing_joins(&norm, &sum));
    norm.work[0].backward = false;
    assert_false(timing_joins(&norm, &back));
    Timing scores = attention(8, 32, 32);
    assert_false(timing_joins(&scores, &mask)); /* of activations */
    mask.batch = 8;
    assert_true(timing_joins(&scores, &mask));
    scores.works = TIMING_WORKS;
    assert_false(timing_joins(&scores, &mask));
    assert_false(timing_joins(&(Timing){0}, &mask));
}

/* A model that a step is walked of: on a machine twice as fast in all it takes half. */
static void steps_are_foretold(void **state)
{
    (void)state;
    Exercise exercise[EXERCISES];
    Error error;
    exercises_begin(exercise);
    for (int i = 0; i < EXERCISES; i++) {
        Machine slow = known();
        if (!exercise_foretell(&exercise[i], &slow, &error)) fail_msg("%s: %s", exercise[i].name, error.text);
        double seconds = exercise[i].foretold;
        slow.chip.peak_32_tflops *= 2;
        slow.chip.bandwidth_gb *= 2;
        slow.chip.gap_us /= 2;
        slow.chip.tile_us /= 2;
        for (WorkKind kind = 0; kind < WORK_KINDS; kind++) slow.chip.vector_gflops[kind] *= 2;
        assert_true(exercise_foretell(&exercise[i], &slow, &error));
        near_to(exercise[i].name, exercise[i].foretold, seconds / 2, 1e-9);
        slow.software.step_ms = 1e3;
        assert_true(exercise_foretell(&exercise[i], &slow, &error));
        near_to(exercise[i].name, exercise[i].foretold, seconds / 2 + 1, 1e-9);
    }
}

/* ---- small things ---- */

typedef struct Valley {
    double at, bottom;
} Valley;

static double height(void *context)
{
    const Valley *v = context;
    double far = log(v->at / v->bottom);
    return far * far;
}

static void the_least_is_found(void **state)
{
    (void)state;
    static const double bottoms[] = {1e-3, 2e-3, 0.7, 33, 999, 1e3};
    for (size_t i = 0; i < sizeof bottoms / sizeof *bottoms; i++) {
        Valley v = {.bottom = bottoms[i]};
        double left = scan_least(&v.at, 1e-3, 1e3, height, &v);
        near_to("least", v.at, bottoms[i], 1e-4);
        assert_true(left == height(&v));
    }
    Valley outside = {.bottom = 5e3};
    scan_least(&outside.at, 1e-3, 1e3, height, &outside);
    near_to("the end", outside.at, 1e3, 1e-4);
}

static void what_is_asked_for(void **state)
{
    (void)state;
    static const struct {
        const char *words[4], *message;
    } cases[] = {
        {{"--out"}, "--out needs a file; try --out FILE.ini"},
        {{"--out", "here"}, "--out here: not the name of an ini file; try --out FILE.ini"},
        {{"--out", "a.ini", "--out=b.ini"}, "--out b.ini: given again, after --out a.ini; try one"},
        {{"--seconds", "0"}, "--seconds 0: not a number above 0 and up to 3600; try --seconds 8"},
        {{"--seconds", "9", "--seconds=8"}, "--seconds 8: given again, after --seconds 9; try one"},
        {{"--seconds", "2x"}, "--seconds 2x: not a number"},
        {{"--seconds", "nan"}, "--seconds nan: not a number"},
        {{"--ranks", "2"}, "--ranks: no such option; try sim help calibrate"},
        {{"zero3.ini"}, "zero3.ini: no such option; try sim help calibrate"},
    };
    CalibrateRequest request;
    Error error;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *argv[5] = {"calibrate"};
        int argc = 1;
        for (; argc < 5 && cases[i].words[argc - 1]; argc++)
            argv[argc] = (char *)(uintptr_t)cases[i].words[argc - 1];
        assert_false(calibrate_parse(argc, argv, &request, &error));
        if (strncmp(error.text, cases[i].message, strlen(cases[i].message)) != 0)
            fail_msg("'%s', not '%s'", error.text, cases[i].message);
    }
    char *argv[] = {"calibrate", "--seconds=2.5", "--all"};
    assert_true(calibrate_parse(1, argv, &request, &error));
    assert_string_equal(request.out, "localhost.ini");
    assert_true(request.seconds == 8 && !request.all && !request.help);
    assert_true(calibrate_parse(3, argv, &request, &error));
    assert_true(request.seconds == 2.5 && request.all);
}

/* That rounds which did the same took as long, or did not, or that nothing can be said. */
static void rounds_are_held_against_each_other(void **state)
{
    (void)state;
    char text[512];
    Rounds one = {0}, quiet = {0}, busy = {0};
    rounds_add(&one, 26.5);
    assert_true(rounds_warn(&one, 8, text, sizeof text));
    assert_non_null(strstr(text, "a round took 26.5 s, and there was time for one"));
    assert_non_null(strstr(text, "; try --seconds 106"));
    rounds_describe(&one, text, sizeof text);
    assert_string_equal(text, "1 round");
    for (int i = 0; i < 4; i++) rounds_add(&quiet, 2.0 - 0.1 * (i == 2) + 0.2 * (i == 3));
    assert_false(rounds_warn(&quiet, 8, text, sizeof text));
    rounds_describe(&quiet, text, sizeof text);
    assert_string_equal(text, "4 rounds, the slowest 16 % above the fastest");
    for (int i = 0; i < 3; i++) rounds_add(&busy, i == 1 ? 3.1 : 2.0);
    assert_true(rounds_warn(&busy, 8, text, sizeof text));
    assert_non_null(strstr(text, "the slowest of 3 rounds took 55 % longer than the fastest"));
    assert_non_null(strstr(text, "--seconds 32,"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounds_are_held_against_each_other),
        cmocka_unit_test(numbers_are_found_again),
        cmocka_unit_test(shares_are_of_the_larger),
        cmocka_unit_test(links_are_found_again),
        cmocka_unit_test(the_file_is_read_back),
        cmocka_unit_test(kernels_are_told_apart),
        cmocka_unit_test(residuals_join_norms),
        cmocka_unit_test(steps_are_foretold),
        cmocka_unit_test(the_least_is_found),
        cmocka_unit_test(what_is_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
