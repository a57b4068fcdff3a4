/* set_meant.c - the row that a word may stand for, and a value of it. */
#include "sim/config/set_meant.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"
#include "sim/base/words.h"
#include "sim/config/glossary.h"
#include "sim/config/rows.h"

enum { KEY = 64, VALUE = 128, WHY = 1024 };

typedef struct Given {
    char key[KEY];     /* without a section */
    const char *value; /* NULL: there is no '=' */
    bool several;      /* values, between commas */
} Given;

static Given cut(const char *set, bool several)
{
    Given given = {.several = several};
    const char *equals = strchr(set, '='), *dot = strchr(set, '.');
    const char *from = dot && (!equals || dot < equals) ? dot + 1 : set;
    from += strspn(from, " \t");
    int length = (int)(equals ? (size_t)(equals - from) : strlen(from));
    while (length > 0 && strchr(" \t", from[length - 1])) length--;
    snprintf(given.key, sizeof given.key, "%.*s", length, from);
    if (equals) given.value = equals + 1 + strspn(equals + 1, " \t");
    return given;
}

static bool takes(const ConfigRow *row, const char *value)
{
    char why[WHY];
    Config *trial = allocate_zeroed(1, sizeof *trial);
    const bool good = config_row_parse(row, value, trial, why, sizeof why);
    free(trial);
    return good;
}

static bool takes_each(const ConfigRow *row, const char *values)
{
    char *copy = words_copy(values);
    bool good = true, more = true;
    for (char *one = copy; good && more;) {
        char *comma = one + strcspn(one, ",");
        more = *comma == ',';
        *comma = '\0';
        good = takes(row, one);
        one = comma + 1;
    }
    free(copy);
    return good;
}

/* As it is given; as it is called here; or what key and value say together, zero3 of zero_stage=3, and fsdp=yes. */
static void write_value(const ConfigRow *row, const Given *given, char *value, size_t size)
{
    const char *here = NULL;
    char joined[KEY + VALUE];
    snprintf(value, size, "%s", given->value ? given->value : "");
    if (given->value && (takes(row, value) || (given->several && takes_each(row, value)))) return;
    snprintf(joined, sizeof joined, "%.*s%s", (int)strcspn(given->key, "_"), given->key, value);
    if (row->choices && !(here = glossary_choice(value, row->choices)) &&
        !(here = glossary_choice(joined, row->choices)))
        here = glossary_choice(given->key, row->choices);
    if (!here && row->choices) here = words_among(joined, row->choices);
    if (!here && row->choices) here = words_among(given->key, row->choices);
    snprintf(value, size, "%s", here ? here : row->example);
}

/* The one row that has the word among its choices, or what others call one of them; -1: none, or several. */
static int row_of_choice(const char *word)
{
    int found = config_row_with_choice(word);
    if (found >= 0) return found;
    for (int i = 0; i < CONFIG_ROWS; i++) {
        const ConfigRow *row = config_row_at(i);
        if (!row->choices || !glossary_choice(word, row->choices)) continue;
        if (found >= 0) return -1;
        found = i;
    }
    return found;
}

static void write_try(int row, const Given *given, char *try, size_t size)
{
    char value[VALUE], set[2 * KEY + VALUE], quoted[1024];
    write_value(config_row_at(row), given, value, sizeof value);
    snprintf(set, sizeof set, "%s.%s=%s", config_row_at(row)->section, config_row_at(row)->key, value);
    words_quote(quoted, sizeof quoted, set);
    words_append(try, size, "%s--set %s", *try ? " or " : "", quoted);
}

bool config_set_meant(const char *set, bool several, char *try, size_t size)
{
    const Given given = cut(set, several);
    try[0] = '\0';
    int row = config_row_bare(given.key);
    for (int i = 0; row < 0 && i < CONFIG_ROWS; i++)
        if (!strcmp(config_row_at(i)->key, given.key))
            write_try(i, &given, try, size); /* of several sections */
    if (*try) return true;
    if (row < 0) row = row_of_choice(given.key);
    if (row < 0 && config_is_section(given.key)) {
        snprintf(try, size, "sim help %s for its keys", given.key);
        return true;
    }
    if (row < 0) row = config_row_near(given.key);
    if (row < 0) return false;
    write_try(row, &given, try, size);
    return true;
}
