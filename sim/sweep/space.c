/* space.c - lists of values, checked one by one, and the combinations by their numbers. */
#include "sim/sweep/space.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/base/words.h"
#include "sim/config/ranks.h"
#include "sim/config/rows.h"
#include "sim/config/set_meant.h"

enum { SHOWN = 100, WHY = 1024 };

/* ---- one value ---- */

static char *trimmed(char *text)
{
    text += strspn(text, " \t");
    size_t length = strlen(text);
    while (length && strchr(" \t", text[length - 1])) text[--length] = '\0';
    return text;
}

/* As the ini spells it, however it was given: two spellings of a value are one. To be freed; NULL, refusing. */
static char *spelt(const SpaceKey *key, const char *value, const char *where, Error *error)
{
    char text[CONFIG_VALUE], why[WHY], shown[SHOWN], *end;
    if (key->row < 0) {
        long ranks = strtol(value, &end, 10);
        snprintf(why, sizeof why, "not a number of ranks from 1 to %d; try 512", CONFIG_RANKS_MOST);
        if (end == value || *end || ranks < 1 || ranks > CONFIG_RANKS_MOST) goto refuse;
        snprintf(text, sizeof text, "%ld", ranks);
        return words_copy(text);
    }
    Config *config = allocate_zeroed(1, sizeof *config);
    bool taken = config_row_parse(config_row_at(key->row), value, config, why, sizeof why);
    if (taken) config_row_format(config_row_at(key->row), config, text, sizeof text);
    free(config);
    /* a text is spelt as it was given: what the ini puts in quotes has none in a --set */
    if (taken) return words_copy(config_row_at(key->row)->type == ROW_TEXT ? value : text);
refuse:
    words_show(shown, sizeof shown, value);
    error_set(error, "%s: %s = %s: %s", where, key->name, shown, why);
    return NULL;
}

static bool add_value(SpaceKey *key, const char *value, const char *where, Error *error)
{
    char *own = spelt(key, value, where, error), shown[SHOWN];
    if (!own) return false;
    words_show(shown, sizeof shown, own);
    for (int i = 0; i < key->count; i++) {
        if (strcmp(key->value[i], own) != 0) continue;
        free(own);
        return error_set(error, "%s: %s twice; try each value once", where, shown);
    }
    key->value[key->count++] = own;
    return true;
}

/* ---- one key ---- */

static int values_in(const char *list, char separator)
{
    int count = 1;
    for (; *list; list++) count += *list == separator;
    return count;
}

static bool take_list(SpaceKey *key, char *list, const char *where, Error *error)
{
    char separator = key->row >= 0 && config_row_at(key->row)->type == ROW_LIST ? ';' : ',';
    int values = values_in(list, separator);
    key->value = allocate_zeroed((size_t)values, sizeof *key->value);
    for (char *rest = list, *word; (word = strsep(&rest, (char[]){separator, '\0'}));) {
        word = trimmed(word);
        if (!*word && values > 1)
            return error_set(error, "%s: no value between two %s; try one such as %s", where,
                             separator == ';' ? "semicolons" : "commas", key->value[0] ? key->value[0] : "8");
        if (!add_value(key, word, where, error)) return false;
    }
    return true;
}

static void free_key(SpaceKey *key)
{
    for (int i = 0; key->value && i < key->count; i++) free(key->value[i]);
    free(key->value);
    *key = (SpaceKey){.row = 0};
}

/* Of one value it is no key of the space. */
static bool keep_or_fix(Space *space, SpaceKey *key, const char *where, Error *error)
{
    if (key->count > 1 && space->keys == SPACE_KEYS)
        return error_set(error, "%s: more than %d keys with several values; try fewer", where, SPACE_KEYS);
    if (key->count == 1 && key->row >= 0 && space->sets == SPACE_SETS)
        return error_set(error, "%s: more than %d keys; try an ini file with them", where, SPACE_SETS);
    if (key->count > 1) {
        space->key[space->keys++] = *key;
        *key = (SpaceKey){.row = 0};
    } else if (key->row < 0) {
        space->ranks = (int)strtol(key->value[0], NULL, 10);
    } else {
        size_t room = strlen(key->name) + strlen(key->value[0]) + 2;
        char *set = space->set[space->sets++] = allocate(room);
        snprintf(set, room, "%s=%s", key->name, key->value[0]);
    }
    return true;
}

static bool is_given(const Space *space, const char *name)
{
    size_t length = strlen(name);
    for (int i = 0; i < space->sets; i++)
        if (!strncmp(space->set[i], name, length) && space->set[i][length] == '=') return true;
    return space_find(space, name) >= 0;
}

static bool add(Space *space, SpaceKey *key, char *list, const char *where, Error *error)
{
    bool good = take_list(key, list, where, error) && keep_or_fix(space, key, where, error);
    free_key(key);
    return good;
}

/* The row that "section.key" before the equals names, cut off there. */
static bool find_row(char *set, const char *where, SpaceKey *key, char **list, Error *error)
{
    char *equals = strchr(set, '='), *dot = strchr(set, '.'), why[WHY], shown[SHOWN];
    if (!equals || !dot || dot > equals) {
        if (!config_set_meant(set, true, why, sizeof why)) strcpy(why, "--set parallel.tp=1,2,4");
        return error_set(error, "%s: not section.key=value,value; try %s", where, why);
    }
    *equals = '\0';
    *list = equals + 1;
    const char *name = trimmed(set);
    key->row = config_row_named(name);
    words_show(shown, sizeof shown, name);
    if (key->row < 0) {
        *dot = '\0';
        config_row_unknown(name, trimmed(dot + 1), why, sizeof why);
        return error_set(error, "%s: %s: %s", where, shown, why);
    }
    snprintf(key->name, sizeof key->name, "%s", name);
    if (!strcmp(config_row_at(key->row)->section, "output"))
        return error_set(error, "%s: %s: no combination writes a run file or weights; try leaving it out",
                         where, shown);
    return true;
}

bool space_add(Space *space, const char *set, Error *error)
{
    SpaceKey key = {.row = 0};
    char *copy = words_copy(set), *list = NULL, shown[SHOWN], where[SHOWN + 8];
    words_show(shown, sizeof shown, set);
    snprintf(where, sizeof where, "--set %s", shown);
    bool good = find_row(copy, where, &key, &list, error);
    if (good && is_given(space, key.name))
        good = error_set(error, "%s: %s is given again; try all its values in one --set", where, key.name);
    good = good && add(space, &key, list, where, error);
    free(copy);
    return good;
}

bool space_add_ranks(Space *space, const char *list, Error *error)
{
    SpaceKey key = {.name = "ranks", .row = -1};
    char *copy = words_copy(list), shown[SHOWN], where[SHOWN + 8];
    words_show(shown, sizeof shown, list);
    snprintf(where, sizeof where, "--ranks %s", shown);
    bool good = add(space, &key, copy, where, error);
    free(copy);
    return good;
}

/* ---- all of them ---- */

bool space_close(Space *space, Error *error)
{
    char counts[512] = "";
    double all = 1;
    if (space->keys == 0) return error_set(error, "no key has several values; try --set parallel.tp=1,2,4,8");
    for (int k = 0; k < space->keys; k++) {
        words_append(counts, sizeof counts, "%s%d", k ? " x " : "", space->key[k].count);
        all *= space->key[k].count;
    }
    if (all > SPACE_MOST)
        return error_set(error, "%s = %.0f combinations, more than the %d of a sweep; try fewer values",
                         counts, all, SPACE_MOST);
    space->count = (int64_t)all;
    return true;
}

void space_free(Space *space)
{
    for (int k = 0; k < space->keys; k++) free_key(&space->key[k]);
    for (int i = 0; i < space->sets; i++) free(space->set[i]);
    *space = (Space){.keys = 0};
}

int space_choice(const Space *space, int64_t index, int key)
{
    for (int k = space->keys - 1; k > key; k--) index /= space->key[k].count;
    return (int)(index % space->key[key].count);
}

const char *space_value(const Space *space, int64_t index, int key)
{
    return space->key[key].value[space_choice(space, index, key)];
}

int space_find(const Space *space, const char *name)
{
    for (int k = 0; k < space->keys; k++)
        if (!strcmp(space->key[k].name, name)) return k;
    return -1;
}

int space_ranks(const Space *space, int64_t index)
{
    int key = space->ranks ? -1 : space_find(space, "ranks");
    return key < 0 ? space->ranks : (int)strtol(space_value(space, index, key), NULL, 10);
}

void space_describe(const Space *space, int64_t index, char *text, unsigned long size)
{
    text[0] = '\0';
    for (int k = 0; k < space->keys; k++)
        words_append(text, size, "%s%s %s", k ? ", " : "", space->key[k].name, space_value(space, index, k));
}
