/* check.h - cmocka, with its include order and without its macro fail(), which is a function of this program. */
#ifndef TESTS_SUPPORT_CHECK_H
#define TESTS_SUPPORT_CHECK_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#undef fail
#undef fail_msg

/* The test fails, with a line of its own. */
#define fail_msg(...)                                \
    do {                                             \
        print_error(__VA_ARGS__), print_error("\n"); \
        _fail(__FILE__, __LINE__);                   \
    } while (0)
#endif
