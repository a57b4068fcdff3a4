/* set_meant.c - the row that a word may stand for, and a value of it. */
#include "sim/config/set_meant.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"
#include "sim/base/words.h"
#include "sim/config/glossary.h"
#include "sim/config/rows.h"

enum { KEY = 64, WHY = 1024 };

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
    const char separator = row->type == ROW_LIST ? ';' : ',';
    char *copy = words_copy(values);
    bool good = true, more = true;
    for (char *one = copy; good && more;) {
        char *end = one + strcspn(one, (char[]){separator, '\0'});
        more = *end == separator;
        *end = '\0';
        good = takes(row, one);
        one = end + 1;
    }
    free(copy);
    return good;
}

/* fsdp=no asks for what is no value here: which of the others was meant is a guess. */
static bool means_off(const char *value)
{
    static const char *const off[] = {"no", "off", "false", "0", "none", NULL};
    return words_among(value, off) != NULL;
}

/* As it is called here; or what key and value say together, zero3 of zero_stage=3, and fsdp=yes. NULL: neither. */
static const char *choice_meant(const ConfigRow *row, const Given *given, const char *value)
{
    const size_t size = sizeof given->key + strlen(value);
    char *joined = allocate(size);
    snprintf(joined, size, "%.*s%s", (int)strcspn(given->key, "_"), given->key, value);
    const char *here = glossary_choice(value, row->choices);
    if (!here) here = glossary_choice(joined, row->choices);
    if (!here) here = glossary_choice(given->key, row->choices);
    if (!here) here = words_among(joined, row->choices);
    if (!here) here = words_among(given->key, row->choices);
    free(joined);
    return here;
}

/* The value that is given, where the row takes it, or else one that it takes. NULL: none that may have been meant. */
static const char *value_meant(const ConfigRow *row, const Given *given)
{
    const char *value = given->value ? given->value : "";
    if (given->value && (takes(row, value) || (given->several && takes_each(row, value)))) return value;
    if (means_off(value)) return NULL;
    const char *here = row->choices ? choice_meant(row, given, value) : NULL;
    return here ? here : row->example;
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

/* The key alone where no value is known, or none for which there is room. */
static void write_try(int index, const Given *given, char *try, size_t size)
{
    const ConfigRow *row = config_row_at(index);
    const char *value = value_meant(row, given), * or = *try ? " or " : "";
    char quoted[1024];
    const size_t room = 2 * KEY + (value ? strlen(value) : 0);
    char *set = allocate(room);
    snprintf(set, room, "%s.%s=%s", row->section, row->key, value ? value : "");
    words_quote(quoted, sizeof quoted, set);
    free(set);
    const bool fits = strlen(quoted) + 1 < sizeof quoted && strlen(try) + strlen(quoted) + 64 < size;
    if (value && fits)
        words_append(try, size, "%s--set %s", or, quoted);
    else
        words_append(try, size, "%ssim help %s.%s", or, row->section, row->key);
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

bool config_set_is_taken(const char *set)
{
    char *name = words_copy(set), *equals = strchr(name, '=');
    bool taken = false;
    if (equals) {
        char *end = equals;
        while (end > name && strchr(" \t", end[-1])) end--;
        *end = *equals = '\0';
        const int row = config_row_named(name + strspn(name, " \t"));
        const char *value = equals + 1 + strspn(equals + 1, " \t");
        taken = row >= 0 && takes(config_row_at(row), value);
    }
    free(name);
    return taken;
}
