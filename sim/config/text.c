/* text.c - reads a file, and refuses what is no text. */
#include "sim/config/text.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "sim/base/posix.h"
#include "sim/base/words.h"

enum { LARGEST = 16 * 1000 * 1000 };

static bool refuse_zero(const char *name, const char *text, const char *zero, Error *error)
{
    int line = 1;
    for (const char *c = text; c < zero; c++) line += *c == '\n';
    return error_set(error, "%s:%d: byte %zu is zero, so this is no text; try an ini file saved as UTF-8",
                     name, line, (size_t)(zero - text) + 1);
}

static bool is_text(const char *text, size_t used, const char *name, const char *instead, Error *error)
{
    const char *zero = memchr(text, '\0', used);
    if (used >= LARGEST)
        return error_set(error, "%s: more than %d MB, too large for a config; try an ini file", name,
                         LARGEST / 1000000);
    if (zero) return refuse_zero(name, text, zero, error);
    return text[strspn(text, " \t\r\n")] || error_set(error, "%s: is empty; try %s", name, instead);
}

char *config_text(FILE *file, const char *name, const char *instead, Error *error)
{
    size_t used;
    char *text = files_read(file, LARGEST, &used);
    if (ferror(file))
        error_set(error, "%s: cannot be read: %s; try another file", name, strerror(errno));
    else if (is_text(text, used, name, instead, error))
        return text;
    free(text);
    return NULL;
}
