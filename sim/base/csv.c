/* csv.c - quotes around what needs them. */
#include "sim/base/csv.h"
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

void csv_text(const char *text)
{
    bool quotes = text[strcspn(text, "\",\r\n")] != '\0';
    if (quotes) putchar('"');
    for (; *text; text++) {
        if (*text == '"') putchar('"');
        putchar(*text);
    }
    if (quotes) putchar('"');
}
