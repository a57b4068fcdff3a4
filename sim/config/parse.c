/* parse.c - from an ini text and a command line to a Config. */
#include "sim/config/parse.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/base/words.h"
#include "sim/config/checks.h"
#include "sim/config/check_faults.h"
#include "sim/config/derive.h"
#include "sim/config/file.h"
#include "sim/config/idle.h"
#include "sim/config/ini.h"
#include "sim/config/presets.h"
#include "sim/config/rows.h"
#include "sim/config/set_meant.h"
#include "sim/config/stem.h"

enum { WHY = 1024, SHOWN = 100 };

/* ---- the file --------------------------------------------------------------- */

/* Takes one value; `where` is its place in words, for a refusal. */
static bool take(Config *config, const char *where, const char *section, const char *key, const char *value,
                 int origin, Error *error)
{
    char why[WHY], shown[SHOWN], shown_section[SHOWN], shown_key[SHOWN];
    int index = config_row_find(section, key);
    bool fine = index >= 0 && config_row_parse(config_row_at(index), value, config, why, sizeof why);
    if (fine) {
        config->origin[index] = origin;
        return true;
    }
    if (index < 0) config_row_unknown(section, key, why, sizeof why);
    if (origin == ORIGIN_SET) return error_set(error, "%s: %s", where, why); /* it says key and value */
    words_show(shown, sizeof shown, value);
    words_show(shown_section, sizeof shown_section, section);
    words_show(shown_key, sizeof shown_key, key);
    return error_set(error, "%s: %s.%s = %s: %s", where, shown_section, shown_key, shown, why);
}

/* A line that no row is for: of a section, or of a key before any. */
static bool refuse_stray(const char *where, const IniEntry *entry, Error *error)
{
    char why[WHY], shown[SHOWN];
    int whole = entry->key ? config_row_named(entry->key) : -1;
    if (whole >= 0) {
        words_show(shown, sizeof shown, entry->value);
        return error_set(error, "%s: %s: a file has sections; try two lines, [%s] and %s = %s", where,
                         entry->key, config_row_at(whole)->section, config_row_at(whole)->key, shown);
    }
    config_row_unknown(entry->key ? "" : entry->section, entry->key, why, sizeof why);
    words_show(shown, sizeof shown, entry->key ? entry->key : entry->section);
    if (!entry->key) return error_set(error, "%s: [%s]: %s", where, shown, why);
    return error_set(error, "%s: %s: stands before any [section]%s", where, shown, strstr(why, "; try"));
}

static bool refuse_twice(const char *where, const IniEntry *entry, int line, Error *error)
{
    return error_set(error, "%s: %s.%s: already given in line %d; try one of the two", where, entry->section,
                     entry->key, line);
}

static bool visit_file(void *context, const IniEntry *entry, Error *error)
{
    Config *config = context;
    char where[CONFIG_PATH + 16];
    snprintf(where, sizeof where, "%s:%d", config->name, entry->line);
    if (!entry->key && config_is_section(entry->section)) return true;
    if (!entry->key || !*entry->section) return refuse_stray(where, entry, error);
    int index = config_row_find(entry->section, entry->key);
    if (index >= 0 && config->origin[index] > 0)
        return refuse_twice(where, entry, config->origin[index], error);
    return take(config, where, entry->section, entry->key, entry->value, entry->line, error);
}

/* ---- the file of the machine ------------------------------------------------ */

static bool is_of_machine(const char *section)
{
    static const char *const sections[] = {"chip", "node", "software"};
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
        if (strcmp(sections[i], section) == 0) return true;
    return false;
}

typedef struct Layer {
    Config *config, read; /* what a key that the user gave has in the machine's file is read, and left */
} Layer;

static bool visit_machine(void *context, const IniEntry *entry, Error *error)
{
    Layer *layer = context;
    char file[CONFIG_PATH + 16], where[CONFIG_PATH + 32], shown[SHOWN];
    config_profile_file(layer->config, file, sizeof file);
    snprintf(where, sizeof where, "%s:%d", file, entry->line);
    if (*entry->section && config_is_section(entry->section) && !is_of_machine(entry->section)) {
        words_show(shown, sizeof shown, entry->section);
        return error_set(error, "%s: [%s]: a machine has [chip], [node] and [software]; try moving it to %s",
                         where, shown, layer->config->name);
    }
    if (!entry->key && config_is_section(entry->section)) return true;
    if (!entry->key || !*entry->section) return refuse_stray(where, entry, error);
    int index = config_row_find(entry->section, entry->key);
    if (index >= 0 && layer->read.origin[index] <= ORIGIN_PROFILE)
        return refuse_twice(where, entry, ORIGIN_PROFILE - layer->read.origin[index], error);
    int origin = ORIGIN_PROFILE - entry->line;
    if (!take(&layer->read, where, entry->section, entry->key, entry->value, origin, error)) return false;
    if (layer->config->origin[index] != ORIGIN_DEFAULT) return true;
    return take(layer->config, where, entry->section, entry->key, entry->value, origin, error);
}

/* Under what the user gave, and over the defaults. */
static bool take_machine(Config *config, const char *text, Error *error)
{
    if (config->hardware.profile != PROFILE_MACHINE) return true;
    Layer *layer = allocate_zeroed(1, sizeof *layer);
    layer->config = config;
    char file[CONFIG_PATH + 16];
    config_profile_file(config, file, sizeof file);
    bool fine = ini_each(file, text ? text : "", visit_machine, layer, error);
    free(layer);
    return fine;
}

/* ---- --set and --output ----------------------------------------------------- */

/* Cuts "section.key=value" in place; blanks around the parts are dropped. */
static bool cut_set(char *set, char **section, char **key, char **value, Error *error)
{
    char *dot = strchr(set, '.'), *equals = strchr(set, '=');
    if (!equals || !dot || dot > equals) {
        char shown[SHOWN], meant[WHY];
        words_show(shown, sizeof shown, set);
        if (!config_set_meant(set, false, meant, sizeof meant)) strcpy(meant, "--set train.steps=100");
        return error_set(error, "--set %s: %s; try %s", shown,
                         equals ? "no section before the key" : "no '=' in it", meant);
    }
    *dot = *equals = '\0';
    *section = set;
    *key = dot + 1;
    *value = equals + 1;
    for (char **part = (char *[]){*section, *key, *value, NULL}; *part; part++) {
        size_t length = strlen(*part);
        while (length && ((*part)[length - 1] == ' ' || (*part)[length - 1] == '\t'))
            (*part)[--length] = '\0';
    }
    *section += strspn(*section, " \t");
    *key += strspn(*key, " \t");
    *value += strspn(*value, " \t");
    return true;
}

/* A preset on the command line outranks all the file says of the model; of experts one that has some. */
static void forget_model(Config *config)
{
    bool sparse = preset_shapes[config->model.preset].experts.count > 0;
    for (int i = 0; i < CONFIG_ROWS; i++) {
        const ConfigRow *row = config_row_at(i);
        if (!row->fallback && (sparse || strcmp(row->section, "moe") != 0))
            config->origin[i] = ORIGIN_DEFAULT;
    }
}

/* Takes the presets of all --set (`presets`), of which the last is the one, or everything else. */
static bool take_sets(Config *config, const char *const *sets, int count, bool presets, Error *error)
{
    int preset = config_row_named("model.preset");
    bool fine = true;
    for (int i = 0; i < count && fine; i++) {
        char shown[SHOWN], where[SHOWN + 8], *section = NULL, *key = NULL, *value = NULL;
        char *set = words_copy(sets[i]);
        words_show(shown, sizeof shown, set);
        snprintf(where, sizeof where, "--set %s", shown);
        fine = cut_set(set, &section, &key, &value, error);
        if (fine && (config_row_find(section, key) == preset) == presets)
            fine = take(config, where, section, key, value, ORIGIN_SET, error);
        free(set);
    }
    if (fine && presets && config->origin[preset] == ORIGIN_SET) forget_model(config);
    return fine;
}

static void take_defaults(Config *config)
{
    for (int i = 0; i < CONFIG_ROWS; i++)
        if (config_row_at(i)->fallback) config_row_default(config_row_at(i), config);
}

static bool take_output(Config *config, const char *output, Error *error)
{
    char stem[CONFIG_PATH];
    if (output && !*output) return error_set(error, "--output: no file name; try --output results/try.h5");
    if (output) {
        char shown[SHOWN], where[SHOWN + 16];
        words_show(shown, sizeof shown, output);
        snprintf(where, sizeof where, "--output %s", shown);
        if (!take(config, where, "output", "file", output, ORIGIN_OPTION, error)) return false;
    }
    if (config->output.file[0]) return true;
    config_stem(config, stem, sizeof stem);
    if (snprintf(config->output.file, CONFIG_PATH, "results/%s.h5", stem) >= CONFIG_PATH)
        return error_set(error, "%s: too long a name for results/NAME.h5; try --output", config->name);
    return true;
}

/* ---- the whole ------------------------------------------------------------ */

/* Every value but a machine's in its place, each by itself one that can be. */
static bool resolve(Config *config, const ConfigSource *s, bool sets, Error *error)
{
    memset(config, 0, sizeof *config);
    strcpy(config->name, s->name);
    take_defaults(config);
    if (!ini_each(config->name, s->text, visit_file, config, error)) return false;
    for (int presets = 1; sets && presets >= 0; presets--)
        if (!take_sets(config, s->sets, s->set_count, presets, error)) return false;
    config_derive(config);
    return true;
}

static bool check_name(const char *name, Error *error)
{
    if (strlen(name) < CONFIG_PATH) return true;
    return error_set(error,
                     "%.40s...: a file name of %zu characters, more than the %d there is room for; "
                     "try a shorter one",
                     name, strlen(name), CONFIG_PATH - 1);
}

char *config_profile_text(const ConfigSource *source, const char *program_directory, Error *error)
{
    Config *config = allocate(sizeof *config);
    Error ignored;
    char *text = NULL;
    if (check_name(source->name, &ignored) && resolve(config, source, true, &ignored) &&
        config->hardware.profile == PROFILE_MACHINE)
        text = config_read_profile(config, program_directory, error);
    else
        text = words_copy("");
    free(config);
    return text;
}

bool config_parse(Config *config, const ConfigSource *source, Error *error)
{
    memset(config, 0, sizeof *config);
    Config *file = allocate(sizeof *file); /* by itself */
    bool fine = check_name(source->name, error) && resolve(file, source, false, error) &&
                resolve(config, source, true, error) && take_machine(config, source->profile, error) &&
                (strcmp(file->hardware.name, config->hardware.name) != 0 ||
                 take_machine(file, source->profile, error)) &&
                take_output(config, source->output, error) && config_check_schedule(config, error) &&
                config_drop_idle(config, file, error) && config_read_faults(config, error);
    if (fine) config_derive_widths(config); /* of a key that was dropped, again */
    fine = fine && config_check(config, error);
    free(file);
    if (fine) config->text = words_copy(source->text);
    return fine;
}

bool config_load(Config *config, ConfigSource source, const char *program_directory, Error *error)
{
    char *text = config_read(source.name, program_directory, error), *profile = NULL;
    source.text = text;
    if (text) profile = config_profile_text(&source, program_directory, error);
    source.profile = profile;
    bool loaded = profile && config_parse(config, &source, error);
    free(text);
    free(profile);
    return loaded;
}
