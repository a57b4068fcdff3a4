/* letters.c - reads texts letter by letter, and asks fontconfig which letters there are. */
#include "sim/plot/letters.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"
#include "models/machine/letter.h"

enum { LATIN = 0x180, UNICODE = 0x110000 }; /* every font has the letters before LATIN */

static bool is_latin(const char *text)
{
    for (int bytes; *text; text += bytes ? bytes : 1) {
        unsigned number;
        bytes = letter_read(text, SIZE_MAX, &number);
        if (bytes && number >= LATIN) return false;
    }
    return true;
}

/* Marks a font's letters, told in hexadecimal: ":charset=20-7e a0-17f 192". */
static void mark(const char *line, bool *known)
{
    const char *at = strchr(line, '=');
    if (!at) return;
    for (char *end; *at && *at != '\n'; at = end) {
        const unsigned long first = strtoul(at + 1, &end, 16);
        if (end == at + 1) return;
        const unsigned long last = *end == '-' ? strtoul(end + 1, &end, 16) : first;
        for (unsigned long letter = first; letter <= last && letter < UNICODE; letter++) known[letter] = true;
    }
}

static void ask_fonts(bool *known)
{
    FILE *fonts = popen("fc-list : charset 2>/dev/null", "r");
    if (!fonts) return;
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, fonts) > 0) mark(line, known);
    free(line);
    pclose(fonts);
}

static void keep_known(char *text, const bool *known)
{
    char *kept = text;
    for (int bytes; *text; text += bytes ? bytes : 1) {
        unsigned number;
        bytes = letter_read(text, SIZE_MAX, &number);
        if (bytes && number >= LATIN && !known[number])
            *kept++ = '?';
        else
            for (int i = 0; i < bytes || i == 0; i++) *kept++ = text[i];
    }
    *kept = '\0';
}

void letters_keep_known(char *const *texts, size_t count)
{
    size_t latin = 0;
    while (latin < count && is_latin(texts[latin])) latin++;
    if (latin == count) return;
    bool *known = allocate_zeroed(UNICODE, sizeof *known);
    ask_fonts(known);
    for (size_t i = 0; i < count; i++) keep_known(texts[i], known);
    free(known);
}
