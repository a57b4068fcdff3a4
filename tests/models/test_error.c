/* test_error.c - an Error is one line, whatever names are in it; lists that grow keep what is in them. */
#include "models/machine/error.h"
#include <stdlib.h>
#include <string.h>
#include "tests/support/check.h"

static void is_one_line(void **state)
{
    (void)state;
    Error error;
    assert_false(error_set(&error, "%s: no such file; try %d", "a\n\033[31msim: all is well\r\177", 7));
    assert_string_equal(error.text, "a??[31msim: all is well??: no such file; try 7");
    error_set(&error, "%s", "\u00fc\u65e5"); /* letters stay */
    assert_string_equal(error.text, "\u00fc\u65e5");
}

static void lists_grow(void **state)
{
    (void)state;
    int *list = NULL;
    for (int i = 0; i < 1000; i++) {
        list = allocate_more(list, (unsigned long)i, sizeof *list);
        list[i] = i;
        for (int k = 0; k <= i; k += i < 40 ? 1 : 97) assert_int_equal(list[k], k);
    }
    free(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(is_one_line), cmocka_unit_test(lists_grow)};
    return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
