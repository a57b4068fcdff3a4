/* recorded_config.c - the attributes of a group, as texts. */
#include "sim/inspect/recorded_config.h"
#include <stdlib.h>
#include <string.h>
#include "sim/base/words.h"
#include "sim/config/config.h"

typedef struct Reading {
    RecordedConfig *config;
    H5 *file;
} Reading;

/* What is no text is no key. */
static bool read_key(const char *name, void *context)
{
    Reading *r = context;
    RecordedConfig *c = r->config;
    char value[CONFIG_VALUE];
    if (!strchr(name, '.') || !h5_get_text(r->file, "/config", name, value, sizeof value)) return true;
    c->key = allocate_more(c->key, c->keys, sizeof *c->key);
    c->key[c->keys++] = (RecordedKey){words_copy(name), words_copy(value)};
    return true;
}

bool recorded_config_read(RecordedConfig *config, H5 *file, Error *error)
{
    Reading r = {config, file};
    *config = (RecordedConfig){.keys = 0};
    return !h5_exists(file, "/config") || h5_each_attribute(file, "/config", read_key, &r, error);
}

const char *recorded_config_value(const RecordedConfig *c, const char *key)
{
    for (size_t i = 0; i < c->keys; i++)
        if (strcmp(c->key[i].key, key) == 0) return c->key[i].value;
    return NULL;
}

void recorded_config_free(RecordedConfig *c)
{
    for (size_t i = 0; i < c->keys; i++) {
        free(c->key[i].key);
        free(c->key[i].value);
    }
    free(c->key);
    *c = (RecordedConfig){.keys = 0};
}
