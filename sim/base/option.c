/* option.c - a word after the other. */
#include "sim/base/option.h"
#include <string.h>
#include "sim/base/words.h"

const char *option_value(const char *option, int argc, char **argv, int *i)
{
    const size_t length = strlen(option);
    if (strncmp(argv[*i], option, length) != 0) return NULL;
    if (argv[*i][length] == '=') return argv[*i] + length + 1;
    if (argv[*i][length]) return NULL;
    return *i + 1 < argc ? argv[++*i] : "";
}

bool option_once(const char *option, const char **word, const char *value, Error *error)
{
    char shown[100], before[100];
    words_show(shown, sizeof shown, value);
    if (*word) {
        words_show(before, sizeof before, *word);
        return error_set(error, "%s %s: given again, after %s %s; try one of the two", option, shown, option,
                         before);
    }
    *word = value;
    return true;
}

/* Whether argv[*i] is one of them; *good: and it was given as it may be. */
static bool is_option(const Option *option, size_t options, int argc, char **argv, int *i, bool *good,
                      Error *error)
{
    *good = true;
    for (size_t k = 0; k < options; k++) {
        const char *value = NULL;
        if (option[k].is && strcmp(argv[*i], option[k].name) == 0) {
            *option[k].is = true;
            return true;
        }
        if (option[k].is || !(value = option_value(option[k].name, argc, argv, i))) continue;
        *good = option_once(option[k].name, option[k].value, value, error);
        return true;
    }
    return false;
}

bool options_read(const char *command, const Option *option, size_t options, int argc, char **argv,
                  Given *given, Error *error)
{
    bool behind = false, good = true;
    *given = (Given){.word = argv + 1};
    for (int i = 1; i < argc && good; i++) {
        char *word = argv[i];
        if (behind || word[0] != '-' || !word[1])
            given->word[given->words++] = word;
        else if (strcmp(word, "--") == 0)
            behind = true;
        else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
            given->help = true;
        else if (!is_option(option, options, argc, argv, &i, &good, error))
            return error_set(error, "%s: no such option of sim %s; try sim %s --help", word, command,
                             command);
    }
    return good;
}
