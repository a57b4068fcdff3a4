/* config_keys.h - the keys that do not always apply, each with configs where it has an effect and where it has not. */
#ifndef TESTS_SUPPORT_CONFIG_KEYS_H
#define TESTS_SUPPORT_CONFIG_KEYS_H
#include <stdbool.h>

/* A key, a value of it, another (NULL: the default), and configs in words, section.key=value, where the key has no
 * effect and where it has. A key stands here once for each reason. */
typedef struct ConfigKey {
    const char *key, *value, *other, *idle, *applies;
} ConfigKey;

enum { CONFIG_KEYS = 152, CONFIG_KEYS_WORDS = 12 };
extern const ConfigKey config_keys[CONFIG_KEYS];

/* Whether this build takes the words: one in double refuses 16 bits. */
bool config_keys_buildable(const char *words);
/* The words as --set's, NULL-terminated; they live in `text`. Returns how many. */
int config_keys_cut(const char *words, char text[256], const char *sets[CONFIG_KEYS_WORDS + 1]);
#endif
