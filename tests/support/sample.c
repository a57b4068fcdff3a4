/* sample.c - the one place that knows the columns. */
#include "tests/support/sample.h"
#include <stdio.h>

static void show_text(const char *text)
{
    for (; *text; text++)
        if (*text != ',') putchar(*text);
    putchar(',');
}

void sample(const char *of, const char *measure, const char *unit, int round, double value)
{
    show_text(of);
    show_text(measure);
    show_text(unit);
    printf("%d,%.6g\n", round, value);
    fflush(stdout);
}
