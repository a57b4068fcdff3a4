/* config_text.h - what tests of the configuration share: a text that is taken or refused, and rows of it. */
#ifndef TESTS_SUPPORT_CONFIG_TEXT_H
#define TESTS_SUPPORT_CONFIG_TEXT_H
#include "sim/config/config.h"

/* The file of a machine, which parse() and a Case have for hardware.profile = slow.ini: so slow that a toy's step takes
 * seconds, and what any of its numbers makes of them shows. */
extern const char slow_machine[];

/* The text "t.ini" with the --set given up to NULL (`sets` may be NULL), as config_parse() has it. */
bool parse(Config *config, const char *text, const char *const *sets, Error *error);
/* The text, with one --set or NULL, is taken; the caller frees the config. */
void take(Config *config, const char *text, const char *set);
/* The text, or the --set on an empty file, is refused in exactly this line, and nothing is left to free. */
void refuse(const char *text, const char *set, const char *message);
/* The same, and `part` stands in the line. */
void refuse_with(const char *text, const char *set, const char *part);
/* `value`, filled from the config's row of the key, section.key; asserts that there is one. */
const char *row_value(const Config *config, const char *key, char value[CONFIG_VALUE]);
/* The config's row of the key has this value. */
void assert_row(const Config *config, const char *key, const char *expected);
#endif
