/* lookup.c - a row of the config by its name, and which was meant by a name that none has. */
#include <stdio.h>
#include <string.h>
#include "sim/base/words.h"
#include "sim/config/glossary.h"
#include "sim/config/rows.h"

int config_row_find(const char *section, const char *key)
{
    for (int i = 0; i < CONFIG_ROWS; i++)
        if (strcmp(config_row_at(i)->section, section) == 0 && strcmp(config_row_at(i)->key, key) == 0)
            return i;
    return -1;
}

int config_row_named(const char *name)
{
    for (int i = 0; i < CONFIG_ROWS; i++) {
        size_t length = strlen(config_row_at(i)->section);
        if (strncmp(name, config_row_at(i)->section, length) == 0 && name[length] == '.' &&
            strcmp(name + length + 1, config_row_at(i)->key) == 0)
            return i;
    }
    return -1;
}

int config_row_bare(const char *key)
{
    const char *elsewhere = glossary_key(key);
    int found = elsewhere ? config_row_named(elsewhere) : -1;
    for (int i = 0; i < CONFIG_ROWS; i++) {
        if (strcmp(config_row_at(i)->key, key) != 0) continue;
        if (found >= 0) return -1;
        found = i;
    }
    return found;
}

int config_row_with_choice(const char *word)
{
    int found = -1;
    for (int i = 0; i < CONFIG_ROWS; i++) {
        if (!config_row_at(i)->choices || !words_among(word, config_row_at(i)->choices)) continue;
        if (found >= 0) return -1;
        found = i;
    }
    return found;
}

bool config_is_section(const char *name)
{
    for (int i = 0; i < CONFIG_SECTIONS; i++)
        if (strcmp(config_sections[i].name, name) == 0) return true;
    return false;
}

/* The row whose key is nearest to `key`; in `section` only, unless NULL. */
static int nearest_key(const char *section, const char *key)
{
    int nearest = -1, least_far = 0;
    for (int i = 0; i < CONFIG_ROWS; i++) {
        if (section && strcmp(section, config_row_at(i)->section) != 0) continue;
        int far = words_far(key, config_row_at(i)->key);
        if (far < 0 || (nearest >= 0 && far >= least_far)) continue;
        nearest = i;
        least_far = far;
    }
    return nearest;
}

static void unknown_section(const char *section, char *why, size_t size)
{
    const char *names[CONFIG_SECTIONS + 1] = {NULL};
    char list[128];
    for (int i = 0; i < CONFIG_SECTIONS; i++) names[i] = config_sections[i].name;
    words_join(list, sizeof list, names);
    const char *nearest = words_nearest(section, names);
    if (nearest)
        snprintf(why, size, "no such section; try [%s]", nearest);
    else
        snprintf(why, size, "no such section; try one of %s", list);
}

int config_row_near(const char *key)
{
    const int nearest = *key ? nearest_key(NULL, key) : -1;
    return nearest >= 0 && words_is_near(key, config_row_at(nearest)->key) ? nearest : -1;
}

void config_row_unknown(const char *section, const char *key, char *why, size_t size)
{
    const char *elsewhere = key ? glossary_key(key) : NULL;
    if (elsewhere) {
        snprintf(why, size, "no such key; try %s, as that is called here", elsewhere);
        return;
    }
    int nearest = key && *key ? nearest_key(config_is_section(section) ? section : NULL, key) : -1;
    if (key && nearest < 0) {
        nearest = nearest_key(NULL, key); /* the right key under another section */
        if (nearest >= 0 && words_distance(key, config_row_at(nearest)->key) > 0) nearest = -1;
    }
    if (nearest >= 0) {
        snprintf(why, size, "no such key; try %s.%s", config_row_at(nearest)->section,
                 config_row_at(nearest)->key);
    } else if (config_is_section(section)) {
        snprintf(why, size, "no such key; try one of");
        for (int i = 0, seen = 0; i < CONFIG_ROWS; i++)
            if (strcmp(config_row_at(i)->section, section) == 0)
                words_append(why, size, "%s %s", seen++ ? "," : "", config_row_at(i)->key);
    } else {
        unknown_section(section, why, size);
    }
}
