/* meant_line.c - words sorted by what they are, and tried as options are taken. */
#include "sim/meant_line.h"
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"
#include "sim/base/words.h"
#include "sim/config/set_meant.h"

/* The option that a word names as getopt takes it, in full or so far that it is no other. NULL: none. */
static const struct option *named(const char *word)
{
    const struct option *found = NULL;
    const size_t length = strcspn(word, "=");
    if (strncmp(word, "--", 2) != 0 || length == 2) return NULL;
    for (const struct option *o = command_options; o->name; o++) {
        if (strncmp(o->name, word + 2, length - 2) != 0) continue;
        if (strlen(o->name) == length - 2) return o;
        if (found) return NULL;
        found = o;
    }
    return found;
}

void meant_line_add(MeantLine *line, const char *word)
{
    const struct option *option = named(word);
    if (option && !meant_line_has(line, option->val) && strlen(line->seen) + 1 < sizeof line->seen)
        line->seen[strlen(line->seen)] = (char)option->val;
    if (line->words < MEANT_WORDS) line->word[line->words] = word;
    line->words++; /* one too many is one for which there is no room */
}

bool meant_line_has(const MeantLine *line, int letter)
{
    return strchr(line->seen, letter) != NULL;
}

static bool is_value(const char *word)
{
    const char *dot = strchr(word, '.');
    return dot && strchr(dot, '=');
}

/* A word that is neither an option nor the value of one. */
static void add_bare(MeantLine *line, const char *word)
{
    if (is_value(word)) meant_line_add(line, "--set");
    meant_line_add(line, word);
}

/* Puts the config first, unless the line has one: of two the second stays as it was typed, to be refused. */
static void add_config(MeantLine *line, const char *bare, const char *config)
{
    if (meant_line_has(line, 'c')) {
        if (bare) meant_line_add(line, bare);
        return;
    }
    if (!bare && !config) return;
    for (int i = 0; i < 2; i++) meant_line_add(line, "--config");
    if (line->words > MEANT_WORDS) return;
    memmove(line->word + 2, line->word, (size_t)(line->words - 2) * sizeof *line->word);
    line->word[0] = "--config";
    line->word[1] = bare ? bare : config;
}

static void take(MeantLine *line, const CommandLine *r, char **argv, const int skip[2], const char *config,
                 bool known)
{
    const char *bare = NULL;
    int others = 0;
    *line = (MeantLine){.schedules = r->schedules};
    for (int i = 1; argv[i]; i++) {
        if (i >= skip[0] && i < skip[1]) continue;
        const struct option *option = named(argv[i]);
        if (option) {
            meant_line_add(line, argv[i]);
            if (option->has_arg == required_argument && !strchr(argv[i], '=') && argv[i + 1])
                meant_line_add(line, argv[++i]);
        } else if (!known && argv[i][0] == '-') {
            meant_line_add(line, argv[i]);
        } else if (!known) {
            const bool trains = !strcmp(argv[i], "train") || !strcmp(argv[i], "run");
            if (!others++ && trains && !r->schedules) continue;
            if (!bare && words_end_in(argv[i], ".ini"))
                bare = argv[i];
            else
                add_bare(line, argv[i]);
        }
    }
    add_config(line, bare, config);
}

void meant_line_of(MeantLine *line, const CommandLine *r, char **argv, int from, int to, const char *config)
{
    take(line, r, argv, (int[]){from, to}, config, false);
}

void meant_line_known(MeantLine *line, const CommandLine *r, char **argv, int from, int to,
                      const char *config)
{
    take(line, r, argv, (int[]){from, to}, config, true);
}

/* Whether the command takes it, each value by itself: what values say together takes the config's file. */
static bool is_taken(const MeantLine *line)
{
    CommandLine trial = {.schedules = line->schedules};
    char *argv[MEANT_WORDS + 2] = {NULL};
    const int index = optind, refused = optopt;
    if (line->words > MEANT_WORDS) return false;
    argv[0] = words_copy("sim");
    for (int i = 0; i < line->words; i++) argv[i + 1] = words_copy(line->word[i]);
    optind = 0; /* to getopt another line */
    bool taken = command_options_take(line->words + 1, argv, &trial, NULL) &&
                 (line->schedules ? command_options_are_schedules : command_options_are_runs)(&trial, NULL);
    for (int i = 0; taken && i < trial.options.set_count; i++) taken = config_set_is_taken(trial.sets[i]);
    for (int i = 0; argv[i]; i++) free(argv[i]);
    optind = index;
    optopt = refused;
    return taken;
}

static bool write_words(const MeantLine *line, int from, char text[MEANT_TEXT])
{
    char quoted[MEANT_TEXT];
    bool room = is_taken(line);
    for (int i = from; i < line->words && room; i++) {
        words_quote(quoted, sizeof quoted, line->word[i]);
        room = strlen(text) + strlen(quoted) + 2 < MEANT_TEXT;
        words_append(text, MEANT_TEXT, "%s%s", *text ? " " : "", quoted);
    }
    if (!room) text[0] = '\0';
    return room;
}

bool meant_line_write(const MeantLine *line, char text[MEANT_TEXT])
{
    strcpy(text, line->schedules ? "sim schedule" : "sim");
    return write_words(line, 0, text);
}

bool meant_line_write_from(const MeantLine *line, int from, char text[MEANT_TEXT])
{
    text[0] = '\0';
    return write_words(line, from, text);
}
