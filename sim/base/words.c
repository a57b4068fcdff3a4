/* words.c - names and sizes in messages: distance, nearest, lists. */
#include "sim/base/words.h"
#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"

enum { LONGEST = 63, SHOWN = 80 };

char *words_copy(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(allocate(size), text, size);
}

const char *words_behind_mark(const char *text)
{
    static const char mark[] = "\xEF\xBB\xBF";
    return text + (strncmp(text, mark, strlen(mark)) ? 0 : strlen(mark));
}

void words_append(char *text, size_t size, const char *format, ...)
{
    size_t used = strlen(text);
    if (used + 1 >= size) return;
    va_list args;
    va_start(args, format);
    vsnprintf(text + used, size - used, format, args);
    va_end(args);
}

void words_join(char *text, size_t size, const char *const *names)
{
    text[0] = '\0';
    for (int i = 0; names[i]; i++) words_append(text, size, "%s%s", i ? ", " : "", names[i]);
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

int words_distance(const char *a, const char *b)
{
    int rows[3][LONGEST + 1]; /* of the table of prefix distances: two back, one back, this one */
    int *before = rows[0], *above = rows[1], *here = rows[2];
    int a_length = (int)strnlen(a, LONGEST), b_length = (int)strnlen(b, LONGEST);
    for (int j = 0; j <= b_length; j++) above[j] = before[j] = j;
    for (int i = 1; i <= a_length; i++) {
        here[0] = i;
        for (int j = 1; j <= b_length; j++) {
            int change =
                above[j - 1] + (tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1]));
            here[j] = least(change, least(above[j], here[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                here[j] = least(here[j], before[j - 2] + 1);
        }
        int *reuse = before;
        before = above;
        above = here;
        here = reuse;
    }
    return above[b_length];
}

/* Whether both have the same up to their first dash, of three letters at least: a100-sxm and a100-80gb-dgx. */
static bool begin_alike(const char *a, const char *b)
{
    size_t length = strcspn(a, "-");
    return length >= 3 && length == strcspn(b, "-") && strncasecmp(a, b, length) == 0;
}

/* Without what joins its parts: gpt2124m of gpt2-124m. */
static void squeeze(const char *word, char squeezed[LONGEST + 1])
{
    int length = 0;
    for (; *word && length < LONGEST; word++)
        if (!strchr("-_. ", *word)) squeezed[length++] = *word;
    squeezed[length] = '\0';
}

int words_far(const char *typed, const char *name)
{
    char begins[LONGEST + 1], whole[LONGEST + 1];
    squeeze(typed, begins);
    squeeze(name, whole);
    size_t length = strlen(typed);
    int distance = words_distance(typed, name);
    if (strlen(begins) >= 3 && strncasecmp(begins, whole, strlen(begins)) == 0) return distance; /* bucket */
    if (distance <= (length < 3 ? 0 : length < 4 ? 1 : length < 8 ? 2 : 3)) return LONGEST + distance;
    return begin_alike(typed, name) ? 2 * LONGEST + distance : -1;
}

bool words_is_near(const char *typed, const char *name)
{
    int far = words_far(typed, name), letters = (int)strnlen(typed, LONGEST);
    if (far < LONGEST || far >= 2 * LONGEST) return far >= 0;
    return 3 * (far - LONGEST) <= letters;
}

const char *words_nearest(const char *typed, const char *const *names)
{
    const char *nearest = NULL;
    int least_far = 0;
    for (int i = 0; names[i]; i++) {
        int far = words_far(typed, names[i]);
        if (far < 0 || (nearest && far >= least_far)) continue;
        nearest = names[i];
        least_far = far;
    }
    return nearest;
}

const char *words_among(const char *word, const char *const *names)
{
    for (int i = 0; names[i]; i++)
        if (strcasecmp(word, names[i]) == 0) return names[i];
    return NULL;
}

void words_show(char *shown, size_t size, const char *value)
{
    if (size > SHOWN + 4) size = SHOWN + 4;
    error_show(shown, size, *value ? value : "\"\"", *value ? strlen(value) : 2);
}

char *words_shown(const char *value)
{
    const size_t length = strlen(value), size = length + 4; /* error_show() keeps room for its dots */
    char *shown = allocate(size);
    error_show(shown, size, value, length);
    return shown;
}

int words_columns(const char *text)
{
    int columns = 0;
    for (; *text; text++) columns += ((unsigned char)*text & 0xC0) != 0x80;
    return columns;
}

bool words_end_in(const char *word, const char *ending)
{
    size_t length = strlen(word), end = strlen(ending);
    return length > end && strcasecmp(word + length - end, ending) == 0;
}

const char *words_s(int64_t count)
{
    return count == 1 ? "" : "s";
}

void words_quote(char *quoted, size_t size, const char *name)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
    bool control = false, quotes = !*name;
    for (const char *c = name; *c; c++) {
        control |= iscntrl((unsigned char)*c) != 0;
        /* letters of other alphabets are as plain as these */
        quotes |= (unsigned char)*c < 0x80 && !strchr(plain, *c);
    }
    quoted[0] = '\0';
    words_append(quoted, size, "%s", control ? "$'" : quotes ? "'" : "");
    for (const char *c = name; *c; c++) {
        if (iscntrl((unsigned char)*c))
            words_append(quoted, size, "\\%03o", (unsigned char)*c);
        else if (control && (*c == '\'' || *c == '\\'))
            words_append(quoted, size, "\\%c", *c);
        else if (*c == '\'')
            words_append(quoted, size, "'\\''");
        else
            words_append(quoted, size, "%c", *c);
    }
    words_append(quoted, size, "%s", control || quotes ? "'" : "");
}

/* What `bytes` are told in. */
static const char *unit_of(double bytes, double *scale)
{
    static const struct {
        const char *name;
        double scale;
    } units[] = {{"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (bytes >= (*scale = units[i].scale)) return units[i].name;
    *scale = 1;
    return "B";
}

void words_bytes(double bytes, char *text, size_t size)
{
    double scale;
    const char *unit = unit_of(bytes, &scale);
    if (isnan(bytes))
        snprintf(text, size, "-");
    else
        snprintf(text, size, "%.*f %s", scale > 1 ? 3 : 0, bytes / scale, unit);
}

void words_bytes_about(double bytes, char *text, size_t size)
{
    double scale;
    const char *unit = unit_of(bytes, &scale);
    snprintf(text, size, bytes / scale < 999.5 ? "%.3g %s" : "%.0f %s", bytes / scale, unit);
}

void words_duration(double seconds, char *text, size_t size)
{
    double minutes = floor(seconds / 60), hours = floor(minutes / 60);
    if (seconds < 60)
        snprintf(text, size, "%.0f s", seconds);
    else if (minutes < 60)
        snprintf(text, size, "%.0f min %02.0f s", minutes, floor(seconds - 60 * minutes));
    else if (hours < 48)
        snprintf(text, size, "%.0f h %02.0f min", hours, minutes - 60 * hours);
    else
        snprintf(text, size, "%.3g days", hours / 24);
}

void words_divisors_with(int64_t n, int64_t wanted, bool (*fits)(int64_t divisor, void *context),
                         void *context, char *text, size_t size)
{
    enum { MOST = 8, TRIED = 1 << 20 };
    int64_t found[MOST];
    int count = 0;
    for (int64_t d = 1; d <= n && d <= TRIED; d++) {
        if (n % d || (fits && !fits(d, context))) continue;
        if (count < MOST) {
            found[count++] = d;
        } else if (llabs(d - wanted) < llabs(found[0] - wanted)) { /* nearer than the smallest one kept */
            memmove(found, found + 1, (MOST - 1) * sizeof *found);
            found[MOST - 1] = d;
        } else {
            break;
        }
    }
    text[0] = '\0';
    for (int i = 0; i < count; i++)
        words_append(text, size, "%s%lld", i == 0 ? "" : i + 1 == count ? " or " : ", ", (long long)found[i]);
}

void words_divisors(int64_t n, int64_t wanted, char *text, size_t size)
{
    words_divisors_with(n, wanted, NULL, NULL, text, size);
}
