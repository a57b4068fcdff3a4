/* test_letter.c - UTF-8: every letter there is comes back as its number, and nothing else is a letter. */
#include "models/machine/letter.h"
#include <stdbool.h>
#include <string.h>
#include "tests/support/check.h"

static size_t write_letter(unsigned code, char text[4])
{
    if (code < 0x80) return text[0] = (char)code, 1;
    const size_t more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    for (size_t i = more; i > 0; i--, code >>= 6) text[i] = (char)(0x80 | (code & 0x3f));
    text[0] = (char)((more == 1 ? 0xc0 : more == 2 ? 0xe0 : 0xf0) | code);
    return more + 1;
}

static void every_letter(void **state)
{
    (void)state;
    char text[4];
    for (unsigned code = 0; code < 0x110000; code++) {
        const size_t bytes = write_letter(code, text);
        unsigned number = 0;
        const bool pair = code >= 0xd800 && code < 0xe000;
        if (letter_read(text, bytes, &number) != (pair ? 0 : (int)bytes) || (!pair && number != code))
            fail_msg("%x: %u", code, number);
        if (bytes > 1 && letter_read(text, bytes - 1, &number)) fail_msg("%x is cut short", code);
    }
}

static void none(void **state)
{
    (void)state;
    static const char *const texts[] = {"\x80",
                                        "\xbf",
                                        "\xc0\x80",
                                        "\xc1\xbf",
                                        "\xe0\x80\x80",
                                        "\xe0\x9f\xbf",
                                        "\xf0\x80\x80\x80",
                                        "\xf0\x8f\xbf\xbf",
                                        "\xf4\x90\x80\x80",
                                        "\xf5\x80\x80\x80",
                                        "\xff",
                                        "\xc3",
                                        "\xc3(",
                                        "\xe2\x82",
                                        "\xe2(\xa1",
                                        "\xf0\x9f\x98"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (letter_bytes(texts[i]) != 0) fail_msg("%zu", i);
    assert_int_equal(letter_bytes(""), 1);
    assert_int_equal(letter_bytes("ab"), 1);
    assert_int_equal(letter_bytes("\xe2\x82\xac."), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_letter), cmocka_unit_test(none)};
    return cmocka_run_group_tests_name("letters", tests, NULL, NULL);
}
