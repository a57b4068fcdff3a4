/* test_h5_sums.c - checksums made as rows are written: those of the file read back, and when they are made of nothing
 * else. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sim/file/h5.h"
#include "tests/support/check.h"
#include "tests/support/recorded.h"

enum { ROWS = 700001 }; /* of 4 bytes: several blocks, and half a word in the end */
static const char DATASET[] = "/numbers";

static H5 *begin(const char *path)
{
    Error error;
    const H5Array array = {.path = DATASET,
                           .units = "1",
                           .long_name = "numbers",
                           .kind = H5_I32,
                           .rank = 1,
                           .dims = {ROWS},
                           .unfilled = true,
                           .summed = true};
    H5 *file = h5_create(path, &error);
    assert_true(file && h5_array(file, &array, &error));
    return file;
}

/* So many rows at a time. */
static void write_numbers(H5 *file, size_t from, size_t step)
{
    Error error;
    int32_t *number = allocate(ROWS * sizeof *number);
    for (int32_t i = 0; i < ROWS; i++) number[i] = 7 * i + 3;
    for (size_t first = from; first < ROWS; first += step) {
        const size_t count = ROWS - first < step ? ROWS - first : step;
        assert_true(h5_write(file, DATASET, first, count, H5_I32, number + first, &error));
    }
    free(number);
}

static uint64_t sum_of(H5 *file)
{
    Error error;
    uint64_t sum = 0;
    Progress progress;
    progress_begin_aside(&progress, 0);
    assert_true(h5_checksum(file, DATASET, NULL, &sum, &progress, &error));
    return sum;
}

static uint64_t read_back(const char *path)
{
    Error error;
    H5 *file = h5_open(path, &error);
    assert_non_null(file);
    const uint64_t sum = sum_of(file);
    assert_true(h5_close(file, &error));
    return sum;
}

/* One bit of a number in the middle, and back the next time. */
static void flip(H5 *file, uint64_t place)
{
    Error error;
    unsigned char byte;
    assert_true(h5_flush(file, &error));
    const int raw = open(h5_path(file), O_RDWR);
    const off_t at = (off_t)place + ROWS / 2 * 4;
    assert_true(raw >= 0 && pread(raw, &byte, 1, at) == 1);
    byte ^= 16;
    assert_true(pwrite(raw, &byte, 1, at) == 1 && close(raw) == 0);
}

static void written_in_pieces_they_are_those_of_the_file(void **state)
{
    Place *place = *state;
    static const size_t steps[] = {ROWS, 262144, 12345, 1001};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        Error error;
        uint64_t where;
        H5 *file = begin(place->run);
        assert_true(h5_publish(file, &error) && h5_place(file, DATASET, &where, &error));
        write_numbers(file, 0, steps[i]);
        flip(file, where); /* what is written is summed, not what is read */
        const uint64_t sum = sum_of(file);
        assert_true(sum_of(file) != sum); /* once */
        flip(file, where);
        assert_true(sum_of(file) == sum);
        assert_true(h5_close(file, &error));
        assert_true(read_back(place->run) == sum);
        unlink(place->run);
    }
}

/* Then they are read. */
static void written_otherwise_they_are_no_less(void **state)
{
    Place *place = *state;
    enum { BEHIND_FIRST, ONE_MORE_TIME, OTHER_NUMBERS, AN_ATTRIBUTE, NOT_ALL, CASES };
    for (int c = 0; c < CASES; c++) {
        Error error;
        static const double number[] = {5, 6};
        static const int32_t whole[] = {5, 6};
        H5 *file = begin(place->run);
        if (c == BEHIND_FIRST) write_numbers(file, ROWS / 2, ROWS);
        if (c != NOT_ALL) write_numbers(file, 0, 12345);
        if (c == NOT_ALL) assert_true(h5_write(file, DATASET, 0, 2, H5_I32, whole, &error));
        if (c == ONE_MORE_TIME) assert_true(h5_write(file, DATASET, 9, 2, H5_I32, whole, &error));
        if (c == OTHER_NUMBERS) assert_true(h5_write(file, DATASET, 0, 2, H5_F64, number, &error));
        if (c == AN_ATTRIBUTE) assert_true(h5_set_integer(file, DATASET, "more", 1, &error));
        const uint64_t sum = sum_of(file);
        assert_true(h5_close(file, &error));
        assert_true(read_back(place->run) == sum);
        unlink(place->run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(written_in_pieces_they_are_those_of_the_file, recorded_setup,
                                        recorded_teardown),
        cmocka_unit_test_setup_teardown(written_otherwise_they_are_no_less, recorded_setup,
                                        recorded_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
