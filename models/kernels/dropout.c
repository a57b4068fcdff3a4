/* dropout.c - masks out of 16-bit random numbers, eight from each counter. */
#include "models/kernels/dropout.h"
#include <assert.h>
#include <math.h>
#include "models/kernels/dropout_apply.h"
#include "models/machine/random.h"
#include "models/machine/tensor_values.h"
#include "models/machine/vector.h"

enum { EACH = 8, COUNTERS = 32, WORDS = 4 * COUNTERS, DRAWS = 1 << 16 };

/* Two masks from each word; an element is dropped when its number is below `limit`. */
VECTORISED static void compare(const uint32_t *restrict words, uint32_t limit, uint8_t *restrict mask)
{
    for (int i = 0; i < WORDS; i++) {
        mask[2 * i] = (words[i] & 0xffff) >= limit;
        mask[2 * i + 1] = (words[i] >> 16) >= limit;
    }
}

double dropout_drawn(double rate)
{
    return floor(rate * DRAWS + 0.5) / DRAWS;
}

double dropout_scale(double rate)
{
    return 1 / (1 - dropout_drawn(rate));
}

void dropout_draw(const Dropout *dropout, int64_t row, int64_t width, int64_t first, uint8_t *mask, int64_t n)
{
    assert(first % EACH == 0);
    uint64_t major = (uint64_t)dropout->step << 32 | (uint64_t)dropout->layer << 8 | (uint64_t)dropout->place;
    uint64_t minor = (uint64_t)(row * ((width + EACH - 1) / EACH) + first / EACH); /* rows begin a counter */
    uint32_t words[WORDS] = {0}, limit = (uint32_t)(dropout_drawn(dropout->rate) * DRAWS);
    uint8_t drawn[2 * WORDS];
    for (int64_t i = 0; i < n; i += 2 * WORDS, minor += COUNTERS) {
        int64_t some = n - i < 2 * WORDS ? n - i : 2 * WORDS;
        random_words(dropout->seed, STREAM_DROPOUT, major, minor, words, (some + EACH - 1) / EACH);
        compare(words, limit, drawn);
        for (int64_t j = 0; j < some; j++) mask[i + j] = drawn[j];
    }
}

/* Reads the numbers and the mask, or writes it; writes the numbers. */
static Work work_of(Tensor x, Tensor mask, Tensor y, int64_t rows)
{
    return work_through(WORK_DROPOUT, y, rows, (double)x.count,
                        (double)(tensor_bytes(x) + tensor_bytes(mask) + tensor_bytes(y)));
}

static void apply(double rate, Tensor x, Tensor mask, Tensor y)
{
    Opened ox = opened_new(x, TENSOR_PIECE), oy = opened_new(y, TENSOR_PIECE);
    for (int64_t i = 0, count; i < x.count; i += count) {
        count = tensor_piece(x.count - i);
        dropout_apply(dropout_scale(rate), opened_read(&ox, i, count), masks(mask) + i, opened_for(&oy, i),
                      count);
        opened_write(&oy, i, count);
    }
    opened_free(&ox);
    opened_free(&oy);
}

void dropout_forward(const Dropout *dropout, SampleRows at, Tensor x, Tensor mask, Tensor y)
{
    if (!device_kernel(y.device, work_of(x, mask, y, at.B * at.rows))) return;
    for (int64_t i = 0; i < at.B * at.rows; i++) {
        int64_t row = (dropout->first_sample + i / at.rows) * at.T + at.first + i % at.rows;
        dropout_draw(dropout, row, at.C, 0, masks(mask) + i * at.C, at.C);
    }
    apply(dropout->rate, x, mask, y);
}

void dropout_backward(double rate, Tensor dy, Tensor mask, Tensor dx)
{
    if (device_kernel(dx.device, work_backward(work_of(dy, mask, dx, 1)))) apply(rate, dy, mask, dx);
}
