/* test_h5_rows.c - rows that are written into a published file: whoever reads it finds them there at once, in whichever
 * way they go there, and the writer itself, too. */
#include <stdio.h>
#include <string.h>
#include "sim/base/posix.h"
#include "sim/file/h5.h"
#include "tests/support/check.h"
#include "tests/support/recorded.h"

enum { ROWS = 700, WIDTH = 5 }; /* 4096 bytes of a chunk have 102 rows of five numbers */

static H5 *columns(const char *path)
{
    const H5Array arrays[] = {
        {.path = "/grows", .kind = H5_F64, .rank = 2, .dims = {ROWS, WIDTH}, .grows = true},
        {.path = "/whole", .kind = H5_I64, .rank = 2, .dims = {ROWS, WIDTH}, .fill = -1},
        {.path = "/short", .kind = H5_F32, .rank = 1, .dims = {ROWS}, .grows = true}};
    Error error;
    H5 *file = h5_create(path, &error);
    assert_non_null(file);
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        H5Array a = arrays[i];
        a.units = a.long_name = "1";
        assert_true(h5_array(file, &a, &error));
    }
    return file;
}

static void write_some(H5 *file, size_t first, size_t rows, double from)
{
    double values[ROWS * WIDTH];
    int64_t whole[ROWS * WIDTH];
    Error error;
    for (size_t i = 0; i < rows * WIDTH; i++) whole[i] = (int64_t)(values[i] = from + (double)i);
    assert_true(h5_write(file, "/grows", first, rows, H5_F64, values, &error));
    assert_true(h5_write(file, "/whole", first, rows, H5_I64, whole, &error));
    assert_true(h5_write(file, "/short", first, rows, H5_F64, values, &error)); /* of floats: by HDF5 */
}

/* What is in one of its files, from row `first` on. */
static void expect_some(H5 *file, size_t first, size_t rows, double from, bool flushed)
{
    double grows[ROWS * WIDTH], whole[ROWS * WIDTH], shorter[ROWS];
    Error error;
    assert_true(h5_read_rows(file, "/grows", first, rows, H5_F64, grows, &error));
    assert_true(h5_read_rows(file, "/whole", first, rows, H5_F64, whole, &error));
    assert_true(h5_read_rows(file, "/short", first, rows, H5_F64, shorter, &error));
    for (size_t i = 0; i < rows * WIDTH; i++)
        assert_true(grows[i] == from + (double)i && whole[i] == from + (double)i);
    for (size_t i = 0; i < rows; i++) assert_true(!flushed || shorter[i] == from + (double)i);
}

/* In a copy, as HDF5 knows the file itself in this process, and what it keeps of it. */
static void expect_in_file(const char *path, size_t first, size_t rows, double from, bool flushed)
{
    Error error;
    char copy[FOLDER + 24];
    snprintf(copy, sizeof copy, "%s.copy", path);
    assert_true(files_copy(path, copy, &error));
    H5 *file = h5_open(copy, &error);
    assert_non_null(file);
    expect_some(file, first, rows, from, flushed);
    assert_true(h5_close(file, &error));
}

static void test_rows(void **state)
{
    const Place *place = *state;
    Error error;
    H5 *file = columns(place->run);
    write_some(file, 0, ROWS, 7); /* of a draft */
    assert_true(h5_publish(file, &error));
    expect_in_file(place->run, 0, ROWS, 7, true);

    write_some(file, 3, 1, 1000); /* of one chunk */
    expect_in_file(place->run, 3, 1, 1000, false);
    write_some(file, 95, 250, 2000); /* of four */
    expect_in_file(place->run, 95, 250, 2000, false);
    write_some(file, 101, 1, 3000); /* of the first again */
    expect_in_file(place->run, 101, 1, 3000, false);
    assert_true(h5_flush_rows(file, &error));
    expect_in_file(place->run, 101, 1, 3000, true);
    expect_in_file(place->run, 0, 3, 7, true);

    expect_some(file, 102, 243, 2000 + 7 * WIDTH, false); /* the writer has read it */
    write_some(file, 102, 1, 4000);
    expect_some(file, 102, 1, 4000, true);
    expect_in_file(place->run, 102, 1, 4000, false);

    const float five[WIDTH] = {5000, 5001, 5002, 5003, 5004};
    assert_true(h5_write(file, "/grows", 200, 1, H5_F32, five, &error)); /* by HDF5, which keeps its chunk */
    write_some(file, 201, 1, 6000);
    assert_true(h5_flush_rows(file, &error));
    expect_in_file(place->run, 201, 1, 6000, true);

    assert_true(h5_close(file, &error));
    expect_in_file(place->run, 201, 1, 6000, true);
    expect_in_file(place->run, 102, 1, 4000, true);
    expect_in_file(place->run, ROWS - 1, 1, 7 + (ROWS - 1) * WIDTH, false);
}

/* As many as there are after it has grown, and no more; and nothing on a full disk. */
static void test_ends(void **state)
{
    const Place *place = *state;
    const double number[2 * WIDTH] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    Error error;
    double read[2 * WIDTH];
    H5 *file = columns(place->run);
    assert_true(h5_publish(file, &error));
    assert_true(h5_write(file, "/grows", ROWS - 2, 2, H5_F64, number, &error));
    assert_false(h5_write(file, "/grows", ROWS - 1, 2, H5_F64, number, &error));
    assert_non_null(strstr(error.text, "cannot write /grows"));
    assert_false(h5_write(file, "/none", 0, 1, H5_F64, number, &error));
    assert_true(h5_close(file, &error));

    assert_non_null(file = h5_edit(place->run, &error));
    assert_true(h5_extend(file, "/grows", ROWS + 1, &error));
    assert_true(h5_publish(file, &error));
    assert_true(h5_write(file, "/grows", ROWS - 1, 2, H5_F64, number, &error));
    assert_true(h5_read_rows(file, "/grows", ROWS - 1, 2, H5_F64, read, &error));
    assert_memory_equal(read, number, sizeof number);
    h5_fill_disk(file);
    assert_false(h5_write(file, "/grows", 0, 1, H5_F64, number, &error));
    assert_non_null(
        strstr(error.text, "cannot write /grows: No space left on device, as if the disk were full"));
    h5_abandon(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rows, recorded_setup, recorded_teardown),
        cmocka_unit_test_setup_teardown(test_ends, recorded_setup, recorded_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
