/* values.c - one value of the config: read strictly, written back. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"
#include "sim/base/words.h"
#include "sim/config/glossary.h"
#include "sim/config/presets.h"
#include "sim/config/rows.h"

/* A number as short as reads back equal: 1000, 0.001, 1e-8. */
static void format_number(double value, char *text, size_t size)
{
    if (value == floor(value) && fabs(value) < 1e6) {
        snprintf(text, size, "%.0f", value);
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, size, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    char *exponent = strchr(text, 'e'); /* e-08 -> e-8, e+09 -> e9 */
    if (!exponent) return;
    char *to = exponent + 1, *from = exponent + 1;
    if (*from == '-') to++;
    from++;
    while (*from == '0' && from[1]) from++;
    memmove(to, from, strlen(from) + 1);
}

/* The ends of a range: integers in full, numbers as written. */
static void format_end(const ConfigRow *row, double end, char *text, size_t size)
{
    if (row->type == ROW_INTEGER)
        snprintf(text, size, "%.0f", end);
    else
        format_number(end, text, size);
}

static bool is_any_integer(const ConfigRow *row)
{
    return row->type == ROW_INTEGER && row->low == 0 && row->high == 0;
}

void config_row_range(const ConfigRow *row, char *text, size_t size)
{
    char low[32], high[32];
    switch (row->type) {
    case ROW_INTEGER:
    case ROW_NUMBER:
        format_end(row, row->low, low, sizeof low);
        format_end(row, row->high, high, sizeof high);
        if (is_any_integer(row))
            snprintf(text, size, "0 to %lld", (long long)INT64_MAX);
        else
            snprintf(text, size, "%s to %s%s%s%s%s", low, high,
                     row->low_out || row->high_out ? ", without " : "", row->low_out ? low : "",
                     row->low_out && row->high_out ? " and " : "", row->high_out ? high : "");
        break;
    case ROW_CHOICE: words_join(text, size, row->choices); break;
    case ROW_SWITCH: snprintf(text, size, "yes, no"); break;
    case ROW_TEXT:
        text[0] = '\0';
        if (row->choices) words_join(text, size, row->choices);
        words_append(text, size, "%sup to %zu characters", row->choices ? ", or a file's path of " : "",
                     row->size - 1);
        break;
    case ROW_LIST:
        snprintf(text, size, "whole numbers from %.0f to %.0f between commas, up to %d", row->low, row->high,
                 CONFIG_LIST);
        break;
    }
}

/* The range is put into words where a value is refused alone: a machine's file has fifty that are not. */
static bool refuse_kind(const ConfigRow *row, const char *what, char *why, size_t size)
{
    char range[64];
    config_row_range(row, range, sizeof range);
    snprintf(why, size, "not a %s from %s; try %s", what, range, row->example);
    return false;
}

static bool refuse_outside(const ConfigRow *row, char *why, size_t size)
{
    char range[64];
    config_row_range(row, range, sizeof range);
    snprintf(why, size, "outside %s; try %s", range, row->example);
    return false;
}

static bool parse_integer(const ConfigRow *row, const char *text, int64_t *value, char *why, size_t size)
{
    char *end;
    errno = 0;
    long long parsed = strtoll(text, &end, 10);
    if (end == text || *end) {
        double number = strtod(text, &end); /* 1e3 is meant well */
        if (end == text || *end || number != floor(number) || !(fabs(number) < 1e15))
            return refuse_kind(row, "whole number", why, size);
        snprintf(why, size, "not written as a whole number; try %.0f", number);
        return false;
    }
    bool inside =
        is_any_integer(row) ? parsed >= 0 : (double)parsed >= row->low && (double)parsed <= row->high;
    if (errno == ERANGE || !inside) return refuse_outside(row, why, size);
    *value = parsed;
    return true;
}

static bool parse_number(const ConfigRow *row, const char *text, double *value, char *why, size_t size)
{
    char *end;
    errno = 0;
    double parsed = strtod(text, &end);
    /* strtod also takes nan, inf and hexadecimals */
    if (end == text || *end || text[strspn(text, "0123456789+-.eE")])
        return refuse_kind(row, "number", why, size);
    if (errno == ERANGE && fabs(parsed) < 1) {
        snprintf(why, size, "too close to 0 for a double; try %s", row->example);
        return false;
    }
    if (parsed < row->low || parsed > row->high || (row->low_out && parsed <= row->low) ||
        (row->high_out && parsed >= row->high))
        return refuse_outside(row, why, size);
    *value = parsed;
    return true;
}

static bool parse_choice(const ConfigRow *row, const char *text, int *value, char *why, size_t size)
{
    char choices[CONFIG_RANGE];
    for (int i = 0; row->choices[i]; i++)
        if (strcasecmp(row->choices[i], text) == 0) {
            *value = i;
            return true;
        }
    words_join(choices, sizeof choices, row->choices);
    const char *elsewhere = glossary_choice(text, row->choices), *nearest = words_nearest(text, row->choices);
    if (elsewhere)
        snprintf(why, size, "not one of %s; try %s, as that is called here", choices, elsewhere);
    else
        snprintf(why, size, "not one of %s; try %s", choices, nearest ? nearest : row->example);
    return false;
}

static bool parse_switch(const ConfigRow *row, const char *text, bool *value, char *why, size_t size)
{
    static const char *const words[] = {"no", "yes", "false", "true", "off", "on"};
    for (int i = 0; i < 6; i++)
        if (strcasecmp(words[i], text) == 0) {
            *value = i % 2 == 1;
            return true;
        }
    snprintf(why, size, "not yes or no (true, false, on and off are taken too); try %s", row->example);
    return false;
}

static bool parse_text(const ConfigRow *row, const char *text, char *value, char *why, size_t size)
{
    size_t length = strlen(text);
    if (length >= row->size) {
        snprintf(why, size, "%zu characters, more than the %zu there is room for; try a shorter one", length,
                 row->size - 1);
        return false;
    }
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 127) {
            snprintf(why, size, "character %d has the code %d, which no line of text has; try %s",
                     (int)(c - text) + 1, *c, row->example);
            return false;
        }
    memcpy(value, text, length + 1);
    return true;
}

static bool parse_list(const ConfigRow *row, const char *text, NumberList *list, char *why, size_t size)
{
    *list = (NumberList){0};
    for (bool more = *text; more;) {
        char *end;
        long parsed = strtol(text, &end, 10);
        bool number = end > text;
        end += strspn(end, " \t");
        if (!number || (*end && *end != ',')) {
            snprintf(why, size, "its number %d is not a whole one; try some such as %s", list->count + 1,
                     row->example);
            return false;
        }
        if ((double)parsed < row->low || (double)parsed > row->high) {
            snprintf(why, size, "its number %d is outside %.0f to %.0f; try some such as %s", list->count + 1,
                     row->low, row->high, row->example);
            return false;
        }
        if (list->count == CONFIG_LIST) {
            snprintf(why, size, "more than the %d numbers there is room for; try leaving it out",
                     CONFIG_LIST);
            return false;
        }
        list->number[list->count++] = (int)parsed;
        more = *end == ',';
        text = end + 1;
    }
    return true;
}

static bool parse_value(const ConfigRow *row, const char *text, Config *config, char *why, size_t size)
{
    void *field = (char *)config + row->offset;
    bool may_be_empty = row->type == ROW_LIST || (row->type == ROW_TEXT && !row->required);
    if (*text == '\0' && !may_be_empty) {
        snprintf(why, size, "no value; try %s", row->example);
        return false;
    }
    switch (row->type) {
    case ROW_INTEGER: return parse_integer(row, text, field, why, size);
    case ROW_NUMBER: return parse_number(row, text, field, why, size);
    case ROW_CHOICE: return parse_choice(row, text, field, why, size);
    case ROW_SWITCH: return parse_switch(row, text, field, why, size);
    case ROW_TEXT: return parse_text(row, text, field, why, size);
    case ROW_LIST: return parse_list(row, text, field, why, size);
    }
    return false;
}

bool config_row_parse(const ConfigRow *row, const char *text, Config *config, char *why, size_t size)
{
    if (row->type == ROW_TEXT) return parse_value(row, text, config, why, size);
    static const char blanks[] = " \t"; /* which quotes keep, are part of a path and of nothing else */
    char *value = words_copy(text + strspn(text, blanks));
    size_t length = strlen(value);
    while (length && strchr(blanks, value[length - 1])) value[--length] = '\0';
    bool good = parse_value(row, value, config, why, size);
    free(value);
    return good;
}

bool config_row_applies(const ConfigRow *row, const Config *config)
{
    return config_conditions[row->when].holds(config);
}

void config_row_default(const ConfigRow *row, Config *config)
{
    void *field = (char *)config + row->offset;
    char why[256];
    if (!row->fallback) {
        const Config preset = {.model.shape = preset_shapes[config->model.preset]};
        memcpy(field, (const char *)&preset + row->offset, row->size);
        return;
    }
    memset(field, 0, row->size);
    if (*row->fallback && !config_row_parse(row, row->fallback, config, why, sizeof why))
        fail("default of %s.%s: %s", row->section, row->key, why);
}

/* A path that an ini file would not give back as it is stands in quotes. */
static void format_text(const char *value, char *text, size_t size)
{
    size_t length = strlen(value);
    bool plain = length == 0 || !strchr("\"' \t;#", value[0]);
    if (length && strchr(" \t", value[length - 1])) plain = false;
    for (size_t i = 1; i < length; i++)
        if (strchr(";#", value[i]) && strchr(" \t", value[i - 1])) plain = false;
    const char *quote = plain ? "" : strchr(value, '"') ? "'" : "\"";
    snprintf(text, size, "%s%s%s", quote, value, quote);
}

static void format_list(const NumberList *list, char *text, size_t size)
{
    text[0] = '\0';
    for (int i = 0; i < list->count; i++) words_append(text, size, "%s%d", i ? "," : "", list->number[i]);
}

void config_row_format(const ConfigRow *row, const Config *config, char *text, size_t size)
{
    const void *field = (const char *)config + row->offset;
    switch (row->type) {
    case ROW_INTEGER: snprintf(text, size, "%lld", (long long)*(const int64_t *)field); break;
    case ROW_NUMBER: format_number(*(const double *)field, text, size); break;
    case ROW_CHOICE: snprintf(text, size, "%s", row->choices[*(const int *)field]); break;
    case ROW_SWITCH: snprintf(text, size, "%s", *(const bool *)field ? "yes" : "no"); break;
    case ROW_TEXT: format_text(field, text, size); break;
    case ROW_LIST: format_list(field, text, size); break;
    }
}

bool config_row(const Config *config, int index, char *key, size_t key_size, char *value, size_t value_size)
{
    if (index < 0 || index >= CONFIG_ROWS) return false;
    snprintf(key, key_size, "%s.%s", config_row_at(index)->section, config_row_at(index)->key);
    config_row_format(config_row_at(index), config, value, value_size);
    return true;
}
