/* test_plot_folder.c - where charts go: a folder named after its runs, which no other runs get. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "sim/plot/folder.h"
#include "tests/support/check.h"
#include "tests/support/folder.h"

enum { MOST = 32 };

/* The folder of runs at `path`, up to NULL, from within the test's own. */
static const char *folder_of(const char *const *path)
{
    static char folder[4][PLOT_PATH]; /* a test compares some */
    static int turn;
    PlotRun runs[MOST] = {{NULL}};
    Error error = {""};
    int count = 0;
    for (; path[count]; count++) runs[count].path = (char *)path[count];
    turn = (turn + 1) % 4;
    assert_true(plot_choose_folder(runs, count, folder[turn], &error));
    return folder[turn];
}
#define FOLDER_OF(...) folder_of((const char *const[]){__VA_ARGS__, NULL})

static int setup(void **state)
{
    static char folder[FOLDER];
    *state = folder;
    return folder_make(folder) || chdir(folder) || mkdir("x", 0755) || mkdir("y", 0755);
}

static int teardown(void **state)
{
    return chdir("/") || folder_remove(*state);
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(FOLDER_OF("zero3.h5"), "zero3-charts");
    assert_string_equal(FOLDER_OF("x/zero3.h5"), "x/zero3-charts");
    assert_string_equal(FOLDER_OF("x/ddp.h5", "./x/zero3.1.h5"), "x/ddp+zero3.1-charts");
    assert_string_equal(FOLDER_OF("x/zero3.1.h5", "x/ddp.h5"),
                        "x/zero3.1+ddp-charts"); /* compared with another */
}

/* What the names alone do not tell apart, eight digits do: the same ones for the same runs. */
static void test_numbers(void **state)
{
    const char *const root = *state;
    char absolute[FOLDER + 16], before[PLOT_PATH];
    snprintf(absolute, sizeof absolute, "%s/y/run.h5", root);
    const char *elsewhere = FOLDER_OF("x/run.h5", "y/run.h5");
    assert_int_equal(strncmp(elsewhere, "x/run+run-", 10), 0);
    assert_int_equal(strlen(elsewhere), strlen("x/run+run-12345678-charts"));
    assert_string_equal(FOLDER_OF("x/run.h5", absolute), elsewhere);
    assert_string_equal(FOLDER_OF("x/run.h5", "x/../y/run.h5"), elsewhere);
    assert_string_not_equal(FOLDER_OF("x/run.h5", "run.h5"), elsewhere);
    assert_string_equal(FOLDER_OF("x/run.h5", "x/run.h5"), "x/run+run-charts");
    assert_string_not_equal(FOLDER_OF("a+b.h5"), FOLDER_OF("a.h5", "b.h5"));
    assert_string_not_equal(FOLDER_OF("a+b.h5", "c.h5"), FOLDER_OF("a.h5", "b+c.h5"));
    snprintf(before, sizeof before, "%s", FOLDER_OF("y/run.h5", "x/run.h5"));
    assert_string_not_equal(before + strlen("y/run+run"), elsewhere + strlen("x/run+run"));
}

/* No blank is in a name, and what it becomes is told apart from the same in another's. */
static void test_blanks(void **state)
{
    (void)state;
    const char *blank = FOLDER_OF("x/tp alone.h5", "x/sp.h5"), *tab = FOLDER_OF("x/tp\talone.h5", "x/sp.h5"),
               *none = FOLDER_OF("x/tp-alone.h5", "x/sp.h5");
    assert_string_equal(none, "x/tp-alone+sp-charts");
    assert_int_equal(strncmp(blank, "x/tp-alone+sp-", 14), 0);
    assert_int_equal(strlen(blank), strlen("x/tp-alone+sp-12345678-charts"));
    assert_null(strpbrk(tab, " \t"));
    assert_string_not_equal(blank, tab);
    /* the folder that the runs lie in is named as it is */
    assert_int_equal(strncmp(FOLDER_OF("x y/a b.h5"), "x y/a-b-", 8), 0);
}

/* Names no file system refuses, of many runs and of long names, whole letters only. */
static void test_lengths(void **state)
{
    (void)state;
    char name[2][MOST][24], lengthy[2][256];
    const char *path[2][MOST + 1] = {{NULL}};
    for (int set = 0; set < 2; set++)
        for (int i = 0; i < MOST; i++) {
            snprintf(name[set][i], sizeof name[set][i], "naive-%d.h5", i + (set && i == MOST - 1));
            path[set][i] = name[set][i];
        }
    const char *many = folder_of(path[0]);
    assert_int_equal(strncmp(many, "naive-0+naive-1+naive-2+", 24), 0);
    assert_non_null(strstr(many, "+naive-8+23-more-"));
    assert_string_equal(many + strlen(many) - 7, "-charts");
    assert_true(strlen(many) <= 96);
    assert_string_not_equal(folder_of(path[1]), many); /* only the last differs */

    for (int i = 0; i < 2; i++) {
        memset(lengthy[i], 'a', sizeof lengthy[i]);
        for (int c = 1; c < 249; c += 2) memcpy(lengthy[i] + c, "é", 2);
        snprintf(lengthy[i] + 249, 7, "%d.h5", i);
    }
    const char *one = FOLDER_OF(lengthy[0]);
    assert_true(strlen(one) == 96 || strlen(one) == 95);
    assert_int_equal(one[strlen(one) - 17], (char)0xa9); /* the end of an é */
    assert_string_not_equal(FOLDER_OF(lengthy[1]), one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_numbers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_blanks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lengths, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
