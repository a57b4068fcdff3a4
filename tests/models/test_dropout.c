/* test_dropout.c - as many are dropped as asked, the same ones under every
 * split, others in another step, layer, place or sample; forward, backward. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "models/kernels/dropout.h"
#include "models/machine/random.h"
#include "models/machine/tensor_values.h"
#include "tests/support/check.h"
#include "tests/support/probe.h"

static Device device;
static const Dropout DROPOUT = {
    .rate = 0.1, .seed = 3, .step = 7, .layer = 2, .place = DROPOUT_OUT, .first_sample = 4};

static Tensor uint8(int64_t count)
{
    return tensor_new(&device, MEM_ACTIVATIONS, UINT8, count);
}

/* Drawn one counter at a time: element j of a row is half j % 8 of counter row * ceil(width / 8) + j / 8. */
static void a_row_is_its_numbers(void **state)
{
    (void)state;
    enum { WIDTH = 531, ROW = 12345 };
    uint8_t mask[WIDTH], part[WIDTH];
    dropout_draw(&DROPOUT, ROW, WIDTH, 0, mask, WIDTH);
    for (int j = 0; j < WIDTH; j++) {
        uint32_t words[4];
        uint64_t minor = ROW * 67ull + (uint64_t)j / 8;
        random_words(3, STREAM_DROPOUT, 7ull << 32 | 2 << 8 | DROPOUT_OUT, minor, words, 1);
        if (j % 8 == 0)
            assert_true(random_bits(3, STREAM_DROPOUT, 7ull << 32 | 2 << 8 | DROPOUT_OUT, minor) ==
                        ((uint64_t)words[1] << 32 | words[0]));
        assert_int_equal(mask[j], (words[j % 8 / 2] >> j % 2 * 16 & 0xffff) >= 6554); /* 0.1 of 65536 */
    }
    for (int64_t first = 0; first < WIDTH; first += 72) /* piece by piece, as tiles do */
        dropout_draw(&DROPOUT, ROW, WIDTH, first, part + first, WIDTH - first < 72 ? WIDTH - first : 72);
    assert_memory_equal(mask, part, WIDTH);
}

/* The binomial's deviation is sqrt(n rate (1 - rate)); so many draws stay within four of them. Neighbours in
 * a row, and one row and the next, agree as often as independent draws do. */
static void the_rate_is_kept(void **state)
{
    (void)state;
    enum { ROWS = 1000, WIDTH = 1000, N = ROWS * WIDTH };
    static const double rates[] = {0, 0.001, 0.1, 0.25, 0.5, 0.9};
    uint8_t *mask = malloc(N);
    for (size_t r = 0; r < sizeof rates / sizeof *rates; r++) {
        Dropout d = DROPOUT;
        d.rate = rates[r];
        for (int64_t i = 0; i < ROWS; i++) dropout_draw(&d, i, WIDTH, 0, mask + i * WIDTH, WIDTH);
        double dropped = 0, together = 0, stacked = 0, variance = d.rate * (1 - d.rate),
               pair = d.rate * d.rate;
        for (int64_t i = 0; i < N; i++) dropped += !mask[i];
        for (int64_t i = 1; i < N; i++) together += !mask[i] && !mask[i - 1];
        for (int64_t i = WIDTH; i < N; i++) stacked += !mask[i] && !mask[i - WIDTH];
        assert_below(fabs(dropped - N * d.rate), 4 * sqrt(N * variance) + N * 0x1p-17);
        assert_below(fabs(together - N * pair), 8 * sqrt(N * pair) + N * 0x1p-17);
        assert_below(fabs(stacked - N * pair), 8 * sqrt(N * pair) + N * 0x1p-17);
    }
    free(mask);
}

/* Two independent masks differ in 2 rate (1 - rate) of their elements. */
static void differs(const Dropout *other)
{
    enum { WIDTH = 20000 };
    static uint8_t mask[WIDTH], others[WIDTH];
    dropout_draw(&DROPOUT, DROPOUT.first_sample * 8, WIDTH, 0, mask, WIDTH);
    dropout_draw(other, other->first_sample * 8, WIDTH, 0, others, WIDTH);
    double apart = 0;
    for (int i = 0; i < WIDTH; i++) apart += mask[i] != others[i];
    assert_below(fabs(apart / WIDTH - 0.18), 0.015);
}

static void other_keys_drop_others(void **state)
{
    (void)state;
    Dropout seed = DROPOUT, step = DROPOUT, layer = DROPOUT, place = DROPOUT, sample = DROPOUT;
    seed.seed++, step.step++, layer.layer++, place.place--, sample.first_sample++;
    differs(&seed);
    differs(&step);
    differs(&layer);
    differs(&place);
    differs(&sample);
}

enum { B = 3, T = 6, C = 37 };

static Tensor whole_mask(Tensor x, Tensor y)
{
    Tensor mask = uint8(B * T * C);
    dropout_forward(&DROPOUT, (SampleRows){B, 0, T, T, C}, x, mask, y);
    return mask;
}

/* Samples one by one, and rows in two and three parts, drop what the whole drops. */
static void splits_drop_the_same(void **state)
{
    (void)state;
    Tensor x = noise(&device, B * T * C, 1, 1), y = constant(&device, B * T * C, NAN),
           mask = whole_mask(x, y);
    for (int64_t cut = 1; cut <= 3; cut++)
        for (int64_t part = 0; part < cut; part++)
            for (int64_t b = 0; b < B; b++) {
                int64_t rows = T / cut, at = (b * T + part * rows) * C;
                Dropout d = DROPOUT;
                d.first_sample += b;
                Tensor here = uint8(rows * C), x_here = tensor_view(x, at, rows * C);
                Tensor y_here = constant(&device, rows * C, NAN);
                dropout_forward(&d, (SampleRows){1, part * rows, rows, T, C}, x_here, here, y_here);
                assert_memory_equal(here.data, masks(mask) + at, (size_t)here.count);
                assert_memory_equal(y_here.data, reals(y) + at, tensor_bytes(y_here));
                give_back((Tensor[]){here, y_here}, 2);
            }
    Tensor half_mask = uint8(B * T / 2 * C),
           half = constant(&device, B * T / 2 * C, 1); /* all samples' last rows */
    dropout_forward(&DROPOUT, (SampleRows){B, T / 2, T / 2, T, C}, half, half_mask, half);
    for (int64_t b = 0; b < B; b++)
        assert_memory_equal(masks(half_mask) + b * T / 2 * C, masks(mask) + (b * T + T / 2) * C, T / 2 * C);
    give_back((Tensor[]){x, y, mask, half, half_mask}, 5);
}

static void forward_and_backward(void **state)
{
    (void)state;
    Tensor x = noise(&device, B * T * C, 1, 1), y = constant(&device, x.count, NAN), mask = whole_mask(x, y);
    Tensor dy = noise(&device, x.count, 2, 1), dx = constant(&device, x.count, NAN);
    const double kept = 1 - 6554. / 65536; /* what is drawn for 0.1, so that means are kept */
    double *expected = doubles(B * T * C), *slope_expected = doubles(B * T * C);
    for (int64_t i = 0; i < x.count; i++) {
        expected[i] = masks(mask)[i] ? (double)reals(x)[i] / kept : 0;
        slope_expected[i] = masks(mask)[i] ? (double)reals(dy)[i] / kept : 0;
    }
    assert_below(distance(y, expected), VALUE_TOLERANCE);
    dropout_backward(0.1, dy, mask, dx);
    assert_below(distance(dx, slope_expected), VALUE_TOLERANCE);
    dropout_backward(0.1, dy, mask, dy); /* in place */
    assert_memory_equal(dx.data, dy.data, tensor_bytes(dx));
    free(expected);
    free(slope_expected);
    give_back((Tensor[]){x, y, mask, dy, dx}, 5);
    assert_true(device.total == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_its_numbers),   cmocka_unit_test(the_rate_is_kept),
        cmocka_unit_test(other_keys_drop_others), cmocka_unit_test(splits_drop_the_same),
        cmocka_unit_test(forward_and_backward),
    };
    return cmocka_run_group_tests_name("dropout", tests, NULL, NULL);
}
