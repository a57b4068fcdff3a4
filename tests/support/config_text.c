/* config_text.c - texts that are taken or refused, and the rows of a config. */
#include "tests/support/config_text.h"
#include <string.h>
#include "sim/config/parse.h"
#include "sim/config/rows.h"
#include "tests/support/check.h"

const char slow_machine[] = "[node]\ndevices = 2\nlink_gb = 4e-5\nlink_us = 1e5\ncards = 2\ncard_gb = 1e-5\n"
                            "card_us = 2e5\n"
                            "[chip]\npeak_16_tflops = 2e-6\npeak_32_tflops = 1e-6\nprocessors = 4\n"
                            "sustained = 0.5\ntile_traffic = 6\ntile_us = 1000\nmisaligned = 0.5\n"
                            "flash_forward = 0.7\nflash_backward = 0.5\nmemory_gb = 1\nbandwidth_gb = 1e-4\n"
                            "stream = 0.8\nelementwise = 0.6\ngap_us = 1000\n";

bool parse(Config *config, const char *text, const char *const *sets, Error *error)
{
    int count = 0;
    while (sets && sets[count]) count++;
    memset(error, 0, sizeof *error);
    return config_parse(
        config,
        &(ConfigSource){
            .name = "t.ini", .text = text, .sets = sets, .set_count = count, .profile = slow_machine},
        error);
}

void take(Config *config, const char *text, const char *set)
{
    Error error;
    if (!parse(config, text, (const char *[]){set, NULL}, &error))
        fail_msg("%s\nrefused: %s", text, error.text);
}

static Error refusal(const char *text, const char *set)
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

void refuse(const char *text, const char *set, const char *message)
{
    const Error error = refusal(text, set);
    assert_string_equal(error.text, message);
}

void refuse_with(const char *text, const char *set, const char *part)
{
    const Error error = refusal(text, set);
    if (!strstr(error.text, part)) fail_msg("'%s' has no '%s'", error.text, part);
}

const char *row_value(const Config *config, const char *key, char value[CONFIG_VALUE])
{
    char name[64];
    for (int i = 0; config_row(config, i, name, sizeof name, value, CONFIG_VALUE); i++)
        if (strcmp(name, key) == 0) return value;
    fail_msg("no row %s", key);
    return NULL;
}

void assert_row(const Config *config, const char *key, const char *expected)
{
    char value[CONFIG_VALUE];
    assert_string_equal(row_value(config, key, value), expected);
}
