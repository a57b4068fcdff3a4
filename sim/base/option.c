/* option.c - a command's option that has a value. */
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
