/* test_recorder_place.c - where a run file goes: what lay there is kept, what cannot be written is refused,
 * and two runs to one file lose nothing. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "sim/file/h5.h"
#include "tests/support/check.h"
#include "tests/support/recorded.h"

static void put(const char *folder, const char *name, const char *text)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void test_earlier_kept(void **state)
{
    Place *place = *state;
    char kept[256], expected[160], first[160];
    snprintf(first, sizeof first, "%s/run.1.h5", place->folder);

    recorded_write(place->run, 9, 0, false, kept); /* never finished a step: nothing to lose */
    recorded_write(place->run, 9, 4, true, kept);
    assert_string_equal(kept, "");
    recorded_write(place->run, 9, 2, false, kept); /* a finished run is kept */
    assert_string_equal(kept, first);
    assert_int_equal(recorded_steps(first), 4);
    recorded_write(place->run, 9, 1, true, kept); /* an unfinished one with steps too */
    snprintf(expected, sizeof expected, "%s/run.2.h5", place->folder);
    assert_string_equal(kept, expected);
    assert_int_equal(recorded_steps(expected), 2);

    put(place->folder, "run.h5", "somebody's notes"); /* and what is no run at all */
    unlink(first);
    recorded_write(place->run, 9, 1, true, kept);
    assert_string_equal(kept, first);
    put(place->folder, "plain", "no extension");
    snprintf(expected, sizeof expected, "%s/plain", place->folder);
    recorded_write(expected, 1, 1, true, kept);
    assert_true(folder_has(place->folder, "plain.1"));
}

static void test_refused(void **state)
{
    Place *place = *state;
    char path[160];
    Error error;
    put(place->folder, "file", "x");
    static const struct {
        const char *name, *says;
    } bad[] = {
        {"", "is a folder"},
        {"new/", "is a folder"},
        {"file/run.h5", "Not a directory"},
        {"file/deeper/run.h5", "Not a directory"},
        {"../../dev/null", "is no plain file"},
        {"../../proc/no/run.h5", "No such file or directory"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(path, sizeof path, "%s/%s", place->folder, bad[i].name);
        error.text[0] = '\0';
        assert_null(recorded_begin(path, 1, NULL, &error));
        assert_non_null(strstr(error.text, bad[i].says));
        assert_null(strchr(error.text, '\n'));
    }
    if (geteuid() == 0) {
        print_message("skipped: permissions do not bind root\n");
    } else {
        chmod(place->folder, 0500);
        assert_null(recorded_begin(place->run, 1, NULL, &error));
        chmod(place->folder, 0700);
        assert_non_null(strstr(error.text, "Permission denied"));
    }
    snprintf(path, sizeof path, "%s/file", place->folder);
    assert_null(h5_open(path, &error));
    assert_true(!strncmp(error.text, path, strlen(path)));
}

/* Two runs to one file: the later keeps the earlier's steps, which then cannot grow over the later. */
static void test_two_writers(void **state)
{
    Place *place = *state;
    char kept[256], first[160];
    Error error = {""};
    snprintf(first, sizeof first, "%s/run.1.h5", place->folder);
    Recorder *recorder = recorded_begin(place->run, 3000, NULL, &error);
    for (int64_t n = 0; n < 10; n++) assert_true(recorded_step(recorder, n, &error));
    recorded_write(place->run, 7, 7, true, kept);
    int64_t n = 10;
    while (n < 3000 && recorded_step(recorder, n, &error)) n++;
    assert_int_equal(n, 1024);
    assert_non_null(strstr(error.text, "replaced"));
    recorder_abandon(recorder);
    assert_int_equal(recorded_steps(first), 1024);
    assert_int_equal(recorded_steps(place->run), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_earlier_kept, recorded_setup, recorded_teardown),
        cmocka_unit_test_setup_teardown(test_refused, recorded_setup, recorded_teardown),
        cmocka_unit_test_setup_teardown(test_two_writers, recorded_setup, recorded_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
