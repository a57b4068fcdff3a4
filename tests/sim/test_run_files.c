/* test_run_files.c - a list of run files costs as much more as it is longer, not the square of it: a shell's * may name
 * a hundred thousand. */
#include "sim/file/run_files.h"
#include <time.h>
#include "tests/support/check.h"

static void many_names(void **state)
{
    (void)state;
    enum { MANY = 100000, SECONDS = 2 }; /* ten and more, were each added to a copy of the list */
    RunFiles files = {.count = 0};
    Error error = {""};
    const clock_t began = clock();
    for (int i = 0; i < MANY; i++) {
        if (!run_files_add(&files, i % 2 ? "no.h5" : "none.h5", &error)) fail_msg("%s", error.text);
        if (clock() - began > SECONDS * (clock_t)CLOCKS_PER_SEC) fail_msg("%d names in %d s", i, SECONDS);
    }
    assert_int_equal(files.count, MANY);
    assert_string_equal(files.path[0], "none.h5");
    assert_string_equal(files.path[MANY - 1], "no.h5");
    run_files_free(&files);
    assert_int_equal(files.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(many_names)};
    return cmocka_run_group_tests_name("run files", tests, NULL, NULL);
}
