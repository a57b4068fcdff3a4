/* test_hardware.c - what kernels take on a chip: by hand, and as it grows. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "models/hardware/software.h"
#include "models/machine/random.h"
#include "tests/support/check.h"

/* 4 processors of a quarter of 1e6 operations a second, and 1000 bytes a second: no losses but by cutting. */
static Machine simple(void)
{
    return (Machine){.chip = {.peak_16_tflops = 1e-6,
                              .peak_32_tflops = 0.5e-6,
                              .processors = 4,
                              .sustained = 1,
                              .misaligned = 0.5,
                              .flash_forward = 0.5,
                              .flash_backward = 0.25,
                              .memory_gb = 1,
                              .bandwidth_gb = 1e-6,
                              .stream = 1,
                              .elementwise = 0.5},
                     .software = {.loss_passes = 1}};
}

static Work product(int64_t batch, int64_t m, int64_t n, int64_t k)
{
    return (Work){.kind = WORK_MATMUL, .batch = batch, .m = m, .n = n, .k = k, .type = BF16};
}

static void takes(double seconds, double expected)
{
    if (fabs(seconds - expected) > 1e-9 * expected) fail_msg("%.12g s, not %.12g", seconds, expected);
}

static void product_takes(const Chip *chip, Work w, double expected)
{
    takes(chip_product(chip, &w), expected);
}

/* 2 x 64 x 64 x 32 operations at 0.25e6 a second. */
static const double TILE = 1.048576;

static void products_by_tiles(void **state)
{
    (void)state;
    Chip chip = simple().chip;
    product_takes(&chip, product(1, 128, 128, 32), TILE);     /* four tiles on four processors */
    product_takes(&chip, product(1, 64, 64, 32), TILE);       /* three of which may idle */
    product_takes(&chip, product(1, 136, 128, 32), 2 * TILE); /* six tiles are two waves */
    product_takes(&chip, product(3, 64, 64, 32), TILE);
    product_takes(&chip, product(5, 64, 64, 32), 2 * TILE);
    product_takes(&chip, product(1, 128, 128, 40), 2 * TILE); /* k goes by 32 */
    Work w = product(1, 128, 128, 32);
    w.type = REAL;
    product_takes(&chip, w, 2 * TILE);
    chip.sustained = 0.5;
    product_takes(&chip, product(1, 128, 128, 32), 2 * TILE);
    chip.sustained = 1;
    chip.tile_us = 1e6;
    product_takes(&chip, product(1, 128, 128, 32), TILE + 1);
    chip.tile_us = 0;
    chip.gap_us = 3e6;
    product_takes(&chip, product(1, 128, 128, 32), TILE + 3);
    chip.gap_us = 0;
    chip.tile_traffic =
        64; /* 64 x 64: 3 times as long; 128 x 128 in four waves of none: one tile, 2 x 4 TILE */
    product_takes(&chip, product(1, 128, 128, 32), 3 * TILE);
    chip.tile_traffic = 0;
    product_takes(&chip, product(1, 129, 128, 32), 4 * TILE); /* 129 is no multiple of 8 */
}

static void idle_processors_split_k(void **state)
{
    (void)state;
    Chip chip = simple().chip;
    chip.bandwidth_gb = 1e6;
    /* k = 1024 in four: 8 TILE, and one more kernel reads four sums of 64 x 64 x 4 bytes, writes one */
    product_takes(&chip, product(1, 64, 64, 1024), 8 * TILE + 5 * 16384 / 0.5e15);
    chip.gap_us = 1e6;
    product_takes(&chip, product(1, 64, 64, 1024), 8 * TILE + 1 + 1 + 5 * 16384 / 0.5e15);
    chip.gap_us = 1e9; /* not worth one more kernel */
    product_takes(&chip, product(1, 64, 64, 1024), 32 * TILE + 1000);
}

static void memory_bounds_them(void **state)
{
    (void)state;
    Chip chip = simple().chip;
    Work w = product(1, 128, 128, 32);
    w.bytes = 1000;
    product_takes(&chip, w, 2); /* at half of 1000 a second */
    w.bytes = 500;
    product_takes(&chip, w, TILE);
}

static void others_by_bytes(void **state)
{
    (void)state;
    Chip chip = simple().chip;
    chip.gap_us = 1e6;
    takes(chip_elementwise(&chip, 1000), 3);
    takes(chip_stream(&chip, 1000), 1);
    Work w = {.kind = WORK_FLASH, .type = FP16, .flops = 1e6, .bytes = 100};
    takes(chip_flash(&chip, &w), 3); /* at half of the peak */
    w.backward = true;
    takes(chip_flash(&chip, &w), 5);
    w.bytes = 4000;
    takes(chip_flash(&chip, &w), 9);
}

/* ---- what software makes of it ---- */

static void work_takes(const Machine *m, Work w, double seconds, bool launched)
{
    KernelTime time = machine_time(m, &w);
    takes(time.seconds, seconds);
    assert_true(time.launched == launched);
}

static void bias_and_dropout_fuse(void **state)
{
    (void)state;
    Machine m = simple();
    Work bias = work_over(WORK_BIAS, BF16, 10, 5, 0, 2 * 100 + 10);
    Work dropout = work_over(WORK_DROPOUT, BF16, 10, 5, 0, 2 * 100 + 50), scores = dropout;
    scores.batch = 2;
    work_takes(&m, bias, 210 / 500.0, true);
    m.software.fused_bias = m.software.fused_dropout = true;
    work_takes(&m, bias, 10 / 500.0, false);
    work_takes(&m, dropout, 50 / 500.0, false); /* the mask */
    work_takes(&m, scores, 250 / 500.0, true);
    work_takes(&m, work_backward(dropout), 250 / 500.0, true);
    work_takes(&m, work_over(WORK_RESIDUAL, BF16, 10, 5, 0, 300), 300 / 500.0, true);
}

static void gradients_and_the_optimizer(void **state)
{
    (void)state;
    Machine m = simple();
    Work w = product(1, 64, 64, 32), update = work_over(WORK_OPTIMIZER, REAL, 1, 100, 0, 3000);
    w.adds = true;
    w.bytes = 2 * 64 * 32 * 2 + 8 * 4096; /* its sum in 32 bits read and written */
    work_takes(&m, w, w.bytes / 500, true);
    m.software.accumulate_bytes = 10; /* its result in 16, then read by a kernel that adds it */
    work_takes(&m, w, (2 * 64 * 32 * 2 + 2 * 4096) / 500.0 + 10 * 4096 / 1000.0, true);
    w.batch = 3, w.bytes *= 3; /* gradients of several weights */
    work_takes(&m, w, 3 * (2 * 64 * 32 * 2 + 2 * 4096) / 500.0 + 3 * 10 * 4096 / 1000.0, true);
    w.adds = false;
    work_takes(&m, w, w.bytes / 500, true);
    work_takes(&m, update, 3, false);
    work_takes(&m, work_over(WORK_SQUARES, REAL, 1, 100, 0, 400), 0.4, false);
    m.software.optimizer_bytes = 46;
    work_takes(&m, update, 4.6, false);
    work_takes(&m, work_over(WORK_SQUARES, REAL, 1, 100, 0, 400), 0, false);
}

static void who_pays(void **state)
{
    (void)state;
    Machine m = simple();
    m.software.loss_passes = 2;
    work_takes(&m, work_over(WORK_CROSS_ENTROPY, REAL, 1, 100, 0, 500), 2, true);
    for (WorkKind k = 0; k < WORK_KINDS; k++) {
        Work w = {.kind = k, .batch = 1, .m = 8, .n = 8, .k = 8, .type = BF16, .flops = 1024, .bytes = 1e6};
        KernelTime time = machine_time(&m, &w);
        bool paid = work_kind[k].payer == PAID_BY_COMPUTE;
        assert_true((time.seconds > 0) == paid && time.launched == (paid && k < WORK_ACCUMULATE));
    }
}

/* ---- the device and its host ---- */

/* Each kernel takes as many seconds as it has rows, and those of no row no launch. */
static KernelTime rows(const void *machine, const Work *work)
{
    (void)machine;
    return (KernelTime){(double)work->m, work->m > 0};
}

static void runs(Device *d, int64_t seconds, double now)
{
    device_kernel(d, work_over(WORK_NORM, REAL, seconds, 1, 0, 0));
    takes(d->lanes.now, now);
}

static void the_host_goes_ahead(void **state)
{
    (void)state;
    Device d = {.dry = true, .time_of = rows, .lanes.launch = {2, 1}};
    lanes_begin_step(&d.lanes);
    device_kernel(&d, work_over(WORK_NORM, REAL, 9, 1, 0, 0)); /* inside communication: the network's */
    assert_true(d.lanes.now == 0 && d.lanes.host == 0);
    lanes_resume(&d.lanes);
    runs(&d, 3, 2 + 3);
    runs(&d, 3, 5 + 3); /* launched at 4 */
    runs(&d, 1, 9);     /* at 6 */
    runs(&d, 0, 9);
    runs(&d, 1, 10); /* at 8 */
    runs(&d, 1, 11); /* at 10 */
    runs(&d, 1, 13); /* at 12: small ones wait */
    lanes_meet(&d.lanes);
    d.lanes.backward = true;
    runs(&d, 3, 13 + 1 + 3);
    lanes_part(&d.lanes, PART_RECOMPUTE);
    runs(&d, 2, 19); /* at 16, as forward */
    runs(&d, 1, 20); /* at 18 */
    takes(d.lanes.spent[PART_COMPUTE], 17);
    takes(d.lanes.spent[PART_RECOMPUTE], 3);
    lanes_begin_step(&d.lanes);
    assert_true(d.lanes.host == 0 && d.lanes.launch[0] == 2 && d.lanes.launch[1] == 1);
}

/* Larger in any side, or on a chip with less of anything, is never faster. */
static void never_faster(void **state)
{
    (void)state;
    Chip a100 = {.peak_16_tflops = 312,
                 .peak_32_tflops = 19.5,
                 .processors = 108,
                 .sustained = 0.88,
                 .tile_traffic = 6,
                 .tile_us = 1.2,
                 .misaligned = 0.5,
                 .bandwidth_gb = 2039,
                 .elementwise = 0.64,
                 .gap_us = 1.15};
    for (uint64_t i = 0; i < 8000; i++) {
        a100.cut_tiles = i >= 4000;
        a100.gap_us = i % 2 ? 0.1 : 0; /* small, for many splits of k */
        int64_t side[4];
        for (uint64_t s = 0; s < 4; s++)
            side[s] = 8 * (1 + (int64_t)random_below(7, STREAM_DROPOUT, i, s, s ? 1ull << i % 11 : 8));
        Work w = product(side[0] / 8, side[1], side[2], side[3]);
        double bytes = 2.0 * (double)(w.batch * (w.m * w.k + w.k * w.n + w.m * w.n));
        w.bytes = bytes;
        double seconds = chip_product(&a100, &w);
        assert_true(2 * (double)(w.batch * w.m * w.n * w.k) / 312e12 < seconds);
        int64_t *grows[] = {&w.batch, &w.m, &w.n, &w.k};
        for (int s = 0; s < 4; s++) {
            Work larger = w;
            *(int64_t *)((char *)&larger + ((char *)grows[s] - (char *)&w)) += s ? 8 : 1;
            assert_true(chip_product(&a100, &larger) >= seconds);
        }
        Chip less[] = {a100, a100, a100, a100};
        less[0].bandwidth_gb /= 2;
        less[1].peak_16_tflops /= 2;
        less[2].elementwise /= 2;
        less[3].gap_us *= 2;
        for (int c = 0; c < 4; c++) assert_true(chip_product(&less[c], &w) >= seconds);
    }
}

/* A tile that is cut to the product costs no more than the product has; traffic counts its shortest side. */
static void tiles_are_cut(void **state)
{
    (void)state;
    Chip chip = simple().chip;
    chip.cut_tiles = true;
    product_takes(&chip, product(1, 64, 32, 16), 2e-6 * 64 * 32 * 16);
    product_takes(&chip, product(1, 8, 8, 8), 2e-6 * 8 * 8 * 8);
    chip.tile_traffic = 4; /* 1 + 4 / 16, whichever side that is */
    product_takes(&chip, product(1, 64, 32, 16), 2e-6 * 64 * 32 * 16 * 1.25);
    product_takes(&chip, product(1, 16, 64, 32), 2e-6 * 64 * 32 * 16 * 1.25);
    product_takes(&chip, product(1, 512, 512, 512), 2e-6 * 512 * 512 * 512 * (1 + 4.0 / 256));
    chip.tile_us = 1e6;
    product_takes(&chip, product(8, 64, 32, 16), 8 * 2e-6 * 64 * 32 * 16 * 1.25 + 2);
}

/* A rate bounds its kind alone, and only where memory does not. */
static void vectors(void **state)
{
    (void)state;
    Machine m = simple();
    Work softmax = work_over(WORK_SOFTMAX, REAL, 4, 8, 6000, 500);
    assert_true(fabs(machine_time(&m, &softmax).seconds - 1) < 1e-9); /* 500 bytes at half of 1000 a second */
    m.chip.vector_gflops[WORK_SOFTMAX] = 1e-6;
    assert_true(fabs(machine_time(&m, &softmax).seconds - 6) < 1e-9);
    softmax.bytes = 5000;
    assert_true(fabs(machine_time(&m, &softmax).seconds - 10) < 1e-9);
    Work norm = work_over(WORK_NORM, REAL, 4, 8, 6000, 500),
         draw = work_over(WORK_DROPOUT, REAL, 4, 8, 6000, 500);
    assert_true(fabs(machine_time(&m, &norm).seconds - 1) < 1e-9);
    m.chip.vector_gflops[WORK_DROPOUT] = 1e-6;
    assert_true(fabs(machine_time(&m, &draw).seconds - 6) < 1e-9);
    draw.backward = true; /* has its mask */
    assert_true(fabs(machine_time(&m, &draw).seconds - 1) < 1e-9);
    Work squares = work_over(WORK_SQUARES, REAL, 1, 8, 6000, 500);
    assert_true(fabs(machine_time(&m, &squares).seconds - 0.5) < 1e-9);
    m.chip.vector_gflops[WORK_SQUARES] = 1e-6;
    assert_true(fabs(machine_time(&m, &squares).seconds - 6) < 1e-9);
}

static void copies(void **state)
{
    (void)state;
    Machine m = simple();
    Work zero = work_over(WORK_ZERO, REAL, 1, 8, 0, 500);
    assert_true(machine_time(&m, &zero).seconds == 0 && !machine_time(&m, &zero).launched);
    m.software.copies = true;
    assert_true(fabs(machine_time(&m, &zero).seconds - 1) < 1e-9 && machine_time(&m, &zero).launched);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiles_are_cut),
        cmocka_unit_test(vectors),
        cmocka_unit_test(copies),
        cmocka_unit_test(products_by_tiles),
        cmocka_unit_test(idle_processors_split_k),
        cmocka_unit_test(memory_bounds_them),
        cmocka_unit_test(others_by_bytes),
        cmocka_unit_test(bias_and_dropout_fuse),
        cmocka_unit_test(gradients_and_the_optimizer),
        cmocka_unit_test(who_pays),
        cmocka_unit_test(the_host_goes_ahead),
        cmocka_unit_test(never_faster),
    };
    return cmocka_run_group_tests_name("hardware", tests, NULL, NULL);
}
