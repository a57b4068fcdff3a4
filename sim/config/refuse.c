/* refuse.c - one line on a value that cannot be: where it came from, what it is, why, and what to try. */
#include "sim/config/refuse.h"
#include <stdarg.h>
#include <stdio.h>
#include "sim/base/words.h"
#include "sim/config/presets.h"
#include "sim/config/rows.h"

enum { WHY = 1024, SHOWN = 100 };

/* "zero3.ini:12" or "--set train.steps=3" or "zero3.ini", and a note such as " (default)". */
static void locate(const Config *config, int index, const char *value, char *where, size_t where_size,
                   char *note, size_t note_size)
{
    const ConfigRow *row = config_row_at(index);
    int origin = config->origin[index];
    snprintf(where, where_size, "%s", config->name);
    note[0] = '\0';
    if (origin == ORIGIN_PRESET) {
        int preset = config_row_named("model.preset");
        const char *name = preset_names[config->model.preset];
        char ignored[SHOWN];
        locate(config, preset, name, where, where_size, ignored, sizeof ignored);
        snprintf(note, note_size, " (preset %s)", name);
    } else if (origin < ORIGIN_PROFILE) {
        char file[CONFIG_PATH + 16];
        config_profile_file(config, file, sizeof file);
        snprintf(where, where_size, "%s:%d", file, ORIGIN_PROFILE - origin);
    } else if (origin == ORIGIN_SET) {
        snprintf(where, where_size, "--set %s.%s=%s", row->section, row->key, value);
    } else if (origin == ORIGIN_OPTION) {
        snprintf(where, where_size, "--output %s", value);
    } else if (origin == ORIGIN_DEFAULT) {
        snprintf(note, note_size, " (default)");
    } else {
        snprintf(where, where_size, "%s:%d", config->name, origin);
    }
}

bool config_refuse(const Config *config, const char *key, Error *error, const char *format, ...)
{
    char where[2 * CONFIG_PATH], note[SHOWN], value[CONFIG_VALUE], shown[SHOWN], why[WHY];
    int index = config_row_named(key);
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    if (index < 0) return error_set(error, "%s: %s: %s", config->name, key, why);
    config_row_format(config_row_at(index), config, value, sizeof value);
    words_show(shown, sizeof shown, value);
    locate(config, index, shown, where, sizeof where, note, sizeof note);
    if (config->origin[index] == ORIGIN_SET) return error_set(error, "%s: %s", where, why); /* it says both */
    return error_set(error, "%s: %s = %s%s: %s", where, key, shown, note, why);
}

const char *config_blame(const Config *config, const char *first, const char *second)
{
    int a = config->origin[config_row_named(first)], b = config->origin[config_row_named(second)];
    bool a_written = a != ORIGIN_DEFAULT && a != ORIGIN_PRESET;
    bool b_written = b != ORIGIN_DEFAULT && b != ORIGIN_PRESET;
    return b_written && !a_written ? second : first;
}
