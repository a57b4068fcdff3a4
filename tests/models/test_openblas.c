/* test_openblas.c - with which environment a program begins that asks openblas_begin(). */
#include "models/kernels/openblas.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tests/support/check.h"

extern char **environ;
static const char *program;

/* What this program says as `said NUMBER`, begun with the words of `sets` in its environment. */
static void says(const char *sets, char *said, size_t size)
{
    char command[512];
    snprintf(command, sizeof command, "env -u OPENBLAS_NUM_THREADS -u OPENBLAS_CORETYPE %s '%s' begin", sets,
             program);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    said[fread(said, 1, size - 1, pipe)] = '\0';
    assert_int_equal(pclose(pipe), 0);
}

static int begin(int argc, char **argv)
{
    openblas_begin(argc, argv, environ);
    const char *threads = getenv("OPENBLAS_NUM_THREADS"), *core = getenv("OPENBLAS_CORETYPE");
    printf("%s %s", threads ? threads : "", core ? core : "");
    return 0;
}

static void sets_what_is_not_set(void **state)
{
    (void)state;
    char said[128], expected[128];
    const char *core = openblas_core();
    says("", said, sizeof said);
    snprintf(expected, sizeof expected, "1 %s", core ? core : "");
    assert_string_equal(said, expected);
    says("OPENBLAS_NUM_THREADS=3", said, sizeof said);
    snprintf(expected, sizeof expected, "3 %s", core ? core : "");
    assert_string_equal(said, expected);
    says("OPENBLAS_CORETYPE=NEHALEM", said, sizeof said);
    assert_string_equal(said, "1 NEHALEM");
    says("OPENBLAS_CORETYPE=NEHALEM OPENBLAS_NUM_THREADS=2", said, sizeof said);
    assert_string_equal(said, "2 NEHALEM");
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "begin") == 0) return begin(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_what_is_not_set),
    };
    program = argv[0];
    return cmocka_run_group_tests_name("openblas", tests, NULL, NULL);
}
