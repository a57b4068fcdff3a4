/* test_text.c - reading a text that nobody holds: every place of it, what tells it from another, and that it has to
 * stay as it is. */
#include "models/training/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tests/support/check.h"
#include "tests/support/child.h"
#include "tests/support/written_text.h"

static void any_part_of_it(void **state)
{
    (void)state;
    enum { BYTES = 300 };
    unsigned char bytes[BYTES], got[BYTES];
    for (int i = 0; i < BYTES; i++) bytes[i] = (unsigned char)(i * i % 251);
    WrittenText w = write_text(bytes, BYTES);
    assert_int_equal(w.text.bytes, BYTES);
    for (int from = 0; from <= BYTES; from += 7)
        for (int count = 0; from + count <= BYTES; count += 11) {
            memset(got, 0, sizeof got);
            text_read(&w.text, from, count, got);
            assert_memory_equal(got, bytes + from, (size_t)count);
        }
    written_text_free(&w);
}

/* A text longer than memory is one like another, and read within moments. */
static void longer_than_memory(void **state)
{
    (void)state;
    WrittenText w = write_text("abc", 3);
    Error error;
    unsigned char got[3];
    assert_int_equal(ftruncate(fileno(w.file), (off_t)1 << 40), 0);
    assert_true(text_from(&w.text, fileno(w.file), "a.txt", &error));
    assert_true(w.text.bytes == (int64_t)1 << 40);
    text_read(&w.text, w.text.bytes - 3, 3, got);
    assert_memory_equal(got, "\0\0\0", 3);
    assert_true(text_mark(&w.text) == text_mark(&w.text));
    written_text_free(&w);
}

/* Of a short text every byte, of a long one its ends and what lies between. */
static void told_from_another(void **state)
{
    (void)state;
    enum { SHORT = 10000, LONG = 20 << 20 };
    for (int is_long = 0; is_long < 2; is_long++) {
        int64_t bytes = is_long ? LONG : SHORT;
        unsigned char *a = calloc((size_t)bytes, 1);
        WrittenText first = write_text(a, bytes), again = write_text(a, bytes);
        assert_true(text_mark(&first.text) == text_mark(&again.text));
        const int64_t places[] = {0, bytes / 2 / 8192 * 8192, bytes - 1, is_long ? 0 : 5001};
        for (int i = 0; i < 4; i++) {
            for (int64_t k = 0; k < 1 + (is_long ? LONG / 1000 : 0); k++)
                a[places[i] + k < bytes ? places[i] + k : bytes - 1] = 1;
            WrittenText other = write_text(a, bytes);
            assert_true(text_mark(&first.text) != text_mark(&other.text));
            memset(a, 0, (size_t)bytes);
            written_text_free(&other);
        }
        written_text_free(&first);
        written_text_free(&again);
        free(a);
    }
    WrittenText shorter = write_text("ab", 2), longer = write_text("ab\0", 3);
    assert_true(text_mark(&shorter.text) != text_mark(&longer.text));
    written_text_free(&shorter);
    written_text_free(&longer);
}

static void read_the_end(void *context)
{
    unsigned char got[2];
    text_read(context, 8, 2, got);
}

/* A map of it would end the process without a word. */
static void has_to_stay_as_it_is(void **state)
{
    (void)state;
    char said[512];
    WrittenText w = write_text("0123456789", 10);
    assert_int_equal(child_run(read_the_end, &w.text, said, sizeof said, NULL), 99);
    assert_int_equal(ftruncate(fileno(w.file), 5), 0);
    assert_int_equal(child_run(read_the_end, &w.text, said, sizeof said, NULL), 1);
    assert_string_equal(
        said, "sim: a.txt: was written to while this run read it, and has 5 bytes where it had 10; try "
              "a copy that stays as it is\n");
    written_text_free(&w);

    w = write_text("0123456789", 10);
    usleep(20000); /* longer than the clock of a file's time takes for a tick */
    assert_int_equal(pwrite(fileno(w.file), "x", 1, 9), 1);
    assert_int_equal(child_run(read_the_end, &w.text, said, sizeof said, NULL), 1);
    assert_int_equal(
        strncmp(said, "sim: a.txt: was written to while this run read it: it has as many bytes, ", 72), 0);
    char is[24], was[24]; /* the two times differ */
    const char *when = strstr(said, "but was last written at ");
    assert_non_null(when);
    assert_int_equal(
        sscanf(when, "but was last written at %23c where it had been at %23c; try a copy", is, was), 2);
    assert_true(is[4] == '-' && is[13] == ':' && is[19] == '.' && memcmp(is, was, 23) > 0);
    assert_int_equal(futimens(fileno(w.file), (struct timespec[]){{0, 5000000}, {0, 5000000}}), 0);
    assert_int_equal(child_run(read_the_end, &w.text, said, sizeof said, NULL), 1);
    assert_non_null(strstr(said, ":00.005 where it had been at "));
    written_text_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_part_of_it),
        cmocka_unit_test(longer_than_memory),
        cmocka_unit_test(told_from_another),
        cmocka_unit_test(has_to_stay_as_it_is),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
