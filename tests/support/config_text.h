/* config_text.h - what tests of the configuration share: a text that is taken or refused, and rows of it.
 *
 * To be included last: cmocka makes fail() a macro, and fail_msg() needs it. */
#ifndef TESTS_SUPPORT_CONFIG_TEXT_H
#define TESTS_SUPPORT_CONFIG_TEXT_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/config/config.h"
#include "sim/config/parse.h"
#include "sim/config/rows.h"
#include <cmocka.h>

static inline bool parse(Config *config, const char *text, const char *const *sets, Error *error)
{
    int count = 0;
    while (sets && sets[count]) count++;
    memset(error, 0, sizeof *error);
    return config_parse(config, "t.ini", text, sets, count, NULL, error);
}

static inline void accept(Config *config, const char *text, const char *set)
{
    Error error;
    if (!parse(config, text, (const char *[]){set, NULL}, &error))
        fail_msg("%s\nrefused: %s", text, error.text);
}

/* Why the text, or the --set on an empty file, is refused: in one line, and nothing is left to free. */
static inline Error refusal(const char *text, const char *set)
{
    Config config;
    Error error;
    if (parse(&config, text, (const char *[]){set, NULL}, &error)) {
        config_free(&config);
        fail_msg("accepted: %s %s", text, set ? set : "");
    }
    assert_null(strchr(error.text, '\n'));
    assert_null(config.text);
    return error;
}

/* The line is exactly this. */
static inline void refuse(const char *text, const char *set, const char *message)
{
    const Error error = refusal(text, set);
    assert_string_equal(error.text, message);
}

/* `part` stands in the line. */
static inline void refuse_with(const char *text, const char *set, const char *part)
{
    const Error error = refusal(text, set);
    if (!strstr(error.text, part)) fail_msg("'%s' has no '%s'", error.text, part);
}

static inline const char *row_value(const Config *config, const char *wanted, char value[CONFIG_VALUE])
{
    char key[64];
    for (int i = 0; config_row(config, i, key, sizeof key, value, CONFIG_VALUE); i++)
        if (strcmp(key, wanted) == 0) return value;
    fail_msg("no row %s", wanted);
    return NULL;
}

static inline void assert_row(const Config *config, const char *key, const char *expected)
{
    char value[CONFIG_VALUE];
    assert_string_equal(row_value(config, key, value), expected);
}
#endif
