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

/* A run's file, say, that has lost its ending: to whoever looks for a zero it is a text that was damaged. */
static bool refuse_hdf5(const char *name, Error *error)
{
    char quoted[1024];
    words_quote(quoted, sizeof quoted, name);
    return error_set(
        error, "%s: HDF5, as the files of runs, checkpoints and weights are, and no text; try sim inspect %s",
        name, quoted);
}

static bool is_text(const char *text, size_t used, const char *name, const char *instead, Error *error)
{
    static const char hdf5[] = "\x89HDF\r\n\x1a\n";
    const char *zero = memchr(text, '\0', used);
    if (used >= strlen(hdf5) && !memcmp(text, hdf5, strlen(hdf5))) return refuse_hdf5(name, error);
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
