/* test_openblas.c - with which environment a program begins that asks openblas_begin(), and which
 * products it takes. */
#include "models/kernels/openblas.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "models/kernels/matmul.h"
#include "models/kernels/product.h"
#include "tests/support/check.h"

extern char **environ;
static const char *program;

/* What this program says that is begun with this word, and those of `sets` in its environment. */
static void says(const char *sets, const char *word, char *said, size_t size)
{
    char command[512];
    snprintf(command, sizeof command, "env -u OPENBLAS_NUM_THREADS -u OPENBLAS_CORETYPE %s '%s' %s", sets,
             program, word);
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
    says("", "begin", said, sizeof said);
    snprintf(expected, sizeof expected, "1 %s", core ? core : "");
    assert_string_equal(said, expected);
    says("OPENBLAS_NUM_THREADS=3", "begin", said, sizeof said);
    snprintf(expected, sizeof expected, "3 %s", core ? core : "");
    assert_string_equal(said, expected);
    says("OPENBLAS_CORETYPE=NEHALEM", "begin", said, sizeof said);
    assert_string_equal(said, "1 NEHALEM");
    says("OPENBLAS_CORETYPE=NEHALEM OPENBLAS_NUM_THREADS=2", "begin", said, sizeof said);
    assert_string_equal(said, "2 NEHALEM");
}

/* It says "Zen" of what is set as ZEN. */
static void kernels_are_as_wide_as_their_processor(void **state)
{
    (void)state;
    assert_int_equal(openblas_lanes("SkylakeX"), 16);
    assert_int_equal(openblas_lanes("Cooperlake"), 16);
    assert_int_equal(openblas_lanes("Zen"), 8);
    assert_int_equal(openblas_lanes("Haswell"), 8);
    assert_int_equal(openblas_lanes("Sandybridge"), 4);
    assert_int_equal(openblas_lanes("Prescott"), 4);
    const char *core = openblas_core();
    if (core) assert_int_equal(openblas_lanes(core), product_lanes(product_fastest(REAL, REAL)));
}

static int choose(void)
{
    matmul_choose(MATMUL_AUTO);
    printf("%s", matmul_chosen());
    return 0;
}

/* Products in fp32, of a program that has OpenBLAS's widest kernels and of one that has been given narrower ones. */
static void narrow_kernels_are_not_taken(void **state)
{
    (void)state;
    char sets[64], said[128];
    bool single = sizeof(real) == sizeof(float);
    if (!openblas_core()) skip(); /* nothing to be narrower than */
    snprintf(sets, sizeof sets, "OPENBLAS_CORETYPE=%s", openblas_core());
    says(sets, "choose", said, sizeof said);
    bool own = single && product_lanes(product_fastest(REAL, REAL)) == 16;
    assert_int_equal(strncmp(said, own ? "own, " : "OpenBLAS, ", 5), 0);
    says("OPENBLAS_CORETYPE=PRESCOTT", "choose", said, sizeof said);
    assert_int_equal(strncmp(said, single ? "own, " : "OpenBLAS, Prescott", 5), 0);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "begin") == 0) return begin(argc, argv);
    if (argc == 2 && strcmp(argv[1], "choose") == 0) return choose();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_what_is_not_set),
        cmocka_unit_test(kernels_are_as_wide_as_their_processor),
        cmocka_unit_test(narrow_kernels_are_not_taken),
    };
    program = argv[0];
    return cmocka_run_group_tests_name("openblas", tests, NULL, NULL);
}
