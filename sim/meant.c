/* meant.c - which command, config, option or key was meant, and the line with it in its place. */
#include "sim/meant.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parallel/wire/comm_mpi.h"
#include "sim/base/words.h"
#include "sim/config/ranks.h"
#include "sim/config/rows.h"
#include "sim/config/set_meant.h"
#include "sim/meant_line.h"

static bool is_number(const char *word)
{
    return *word && strspn(word, "0123456789") == strlen(word);
}

/* How many ranks a word asks for; 0: it is no such number. */
static int ranks_in(const char *word)
{
    const long ranks = is_number(word) && strlen(word) <= 9 ? strtol(word, NULL, 10) : 0;
    return ranks <= CONFIG_RANKS_MOST ? (int)ranks : 0;
}

/* Where no line is known that would be taken. */
static const char *help_of(const CommandLine *r)
{
    return r->schedules ? "sim schedule --help" : "sim --help";
}

/* Whether an option is for dry runs alone. */
static bool is_dry(const MeantLine *line)
{
    return meant_line_has(line, 'd') || meant_line_has(line, 'a') || meant_line_has(line, 'n');
}

/* The run that was meant: a dry one, or on as many ranks as were launched; `certain`: their number is no guess. */
static bool write_run(MeantLine *line, char run[MEANT_TEXT], bool *certain)
{
    const char *says;
    char alone[MEANT_TEXT];
    const int launched = comm_mpi_launched(&says);
    const bool dry = is_dry(line);
    if (dry && !meant_line_has(line, 'd')) meant_line_add(line, "--dry-run");
    *certain = dry || launched > 1;
    run[0] = '\0';
    if (!meant_line_write(line, alone)) return false;
    if (!dry) words_append(run, MEANT_TEXT, "mpirun -n %d ", launched > 1 ? launched : 8);
    words_append(run, MEANT_TEXT, "%s", alone);
    return strlen(run) + 1 < MEANT_TEXT;
}

/* The line with the config in its place. */
static bool refuse_config(const CommandLine *r, char **argv, Error *error)
{
    MeantLine line;
    char quoted[1024], alone[MEANT_TEXT], run[MEANT_TEXT], shown[100];
    bool certain;
    words_show(shown, sizeof shown, argv[optind]);
    words_quote(quoted, sizeof quoted, argv[optind]);
    if (r->options.config)
        return error_set(error, "'%s' is a config, and another is given; try one, and runs one by one",
                         shown);
    for (int i = optind + 1; argv[i]; i++)
        if (words_end_in(argv[i], ".ini"))
            return error_set(error, "'%s' is a config, of several; try one, and runs one by one", shown);
    meant_line_of(&line, r, argv, 0, 0, NULL);
    const bool taken = meant_line_write(&line, alone);
    if (r->schedules && taken) return error_set(error, "'%s' is a config; try %s", shown, alone);
    if (r->schedules || !write_run(&line, run, &certain))
        return error_set(error, "'%s' is a config; try --config %s", shown, quoted);
    if (certain) return error_set(error, "'%s' is a config; try %s", shown, run);
    return error_set(error, "'%s' is a config; try %s, or %s", shown, alone, run);
}

/* A schedule, which goes with a config; or one of those sets that sim validate takes. */
static bool refuse_csv(const CommandLine *r, char **argv, Error *error)
{
    MeantLine line;
    char quoted[1024], alone[MEANT_TEXT], shown[100], *set;
    const size_t size = strlen(argv[optind]) + 32;
    words_show(shown, sizeof shown, argv[optind]);
    words_quote(quoted, sizeof quoted, argv[optind]);
    meant_line_of(&line, r, argv, optind, optind + 1, "1f1b.ini");
    snprintf(set = allocate(size), size, "parallel.schedule=%s", argv[optind]);
    meant_line_add(&line, "--set");
    meant_line_add(&line, set);
    if (!meant_line_write(&line, alone)) snprintf(alone, sizeof alone, "%s", "sim help parallel.schedule");
    free(set);
    if (r->schedules)
        return error_set(error, "'%s' is a schedule of your own, which goes with a config; try %s", shown,
                         alone);
    return error_set(error, "'%s' is a schedule, or steps that were measured; try %s, or sim validate %s",
                     shown, alone, quoted);
}

/* Which stands for itself; the config may stand behind it. */
static bool refuse_training(const CommandLine *r, char **argv, Error *error)
{
    MeantLine line;
    char run[MEANT_TEXT], shown[100];
    bool certain;
    words_show(shown, sizeof shown, argv[optind]);
    meant_line_of(&line, r, argv, optind, optind + 1, "zero3.ini");
    return error_set(error, "'%s' is not a command, as sim trains unless it is told otherwise; try %s", shown,
                     write_run(&line, run, &certain) ? run : help_of(r));
}

/* A value without --set, or cut off from it; of one that the key cannot have, where it is told which it can. */
static bool refuse_set(const CommandLine *r, const char *shown, const char *set, Error *error)
{
    char quoted[1024], name[64];
    words_quote(quoted, sizeof quoted, set);
    if (config_set_is_taken(set) && strlen(quoted) + 1 < sizeof quoted)
        return error_set(error, "%s; try --set %s", shown, quoted);
    snprintf(name, sizeof name, "%.*s", (int)strcspn(set, "="), set);
    if (config_row_named(name) < 0) return error_set(error, "%s; try %s", shown, help_of(r));
    return error_set(error, "%s; try sim help %s", shown, name);
}

/* A key, with `value` or an example, to be set; `shown` says why it is not so. */
static bool refuse_key(const CommandLine *r, const char *shown, const char *key, const char *value,
                       Error *error)
{
    const size_t size = strlen(key) + strlen(value) + 2;
    char *set = allocate(size);
    snprintf(set, size, "%s=%s", key, value);
    refuse_set(r, shown, set, error);
    free(set);
    return false;
}

/* Options as they were meant, with what else has to be beside them: "--dry-run --ranks 4". `ranks`: NULL, or how many.
 * False where the line's other options do not go with them. */
static bool write_options(const CommandLine *r, char **argv, int at, const char *name, const char *value,
                          const char *ranks, char text[MEANT_TEXT])
{
    MeantLine line;
    char option[32] = "";
    meant_line_known(&line, r, argv, at, at + 1, strcmp(name, "config") ? "zero3.ini" : NULL);
    const int from = line.words;
    if (*name) snprintf(option, sizeof option, "--%s", name);
    const bool dry = ranks || !strcmp(name, "ranks") || !strcmp(name, "all-ranks");
    if (dry && !r->schedules && !meant_line_has(&line, 'd') && strcmp(name, "dry-run") != 0)
        meant_line_add(&line, "--dry-run");
    if (*option) meant_line_add(&line, option);
    if (value) meant_line_add(&line, value);
    if (ranks) meant_line_add(&line, "--ranks");
    if (ranks) meant_line_add(&line, ranks);
    return meant_line_write_from(&line, from, text);
}

const char *const meant_commands[] = {"plot",    "report", "schedule", "sweep",     "goodput", "trace",
                                      "inspect", "diff",   "validate", "calibrate", "help",    NULL};

/* A value that shows how the option is used; NULL: it has none. */
static const char *example_of(const CommandLine *r, const struct option *option)
{
    switch (option->val) {
    case 'c': return r->schedules ? "1f1b.ini" : "zero3.ini";
    case 's': return "train.steps=100";
    case 'o': return "results/try.h5";
    case 'r': return "auto";
    case 'n': return "8";
    default: return NULL;
    }
}

bool meant_by_word(const CommandLine *r, char **argv, Error *error)
{
    const char *word = argv[optind], *nearest = words_nearest(word, meant_commands);
    char quoted[1024], shown[100], why[160], text[MEANT_TEXT];
    words_show(shown, sizeof shown, word);
    words_quote(quoted, sizeof quoted, word);
    snprintf(why, sizeof why, "'%s' is no option", shown);
    for (int i = 0; i < r->options.set_count; i++) /* its value was not put behind a '=' */
        if (!strchr(r->sets[i], '=') && strchr(r->sets[i], '.'))
            return refuse_key(r, why, r->sets[i], word, error);
    if (r->options.dry && is_number(word))
        return error_set(error, "%s; try %s", why,
                         write_options(r, argv, optind, "ranks", word, NULL, text) ? text : help_of(r));
    if (words_end_in(word, ".ini")) return refuse_config(r, argv, error);
    if (words_end_in(word, ".csv")) return refuse_csv(r, argv, error);
    if (words_end_in(word, ".h5"))
        return error_set(error, "'%s' is a run's file; try sim report %s, or sim plot %s", shown, quoted,
                         quoted);
    if (strchr(word, '.') && strchr(strchr(word, '.'), '=')) return refuse_set(r, why, word, error);
    if (r->schedules) return error_set(error, "%s; try %s", why, help_of(r));
    if (!strcmp(word, "train") || !strcmp(word, "run")) return refuse_training(r, argv, error);
    for (int i = 0; command_options[i].name && !nearest; i++)
        if (!strcmp(word, command_options[i].name) &&
            write_options(r, argv, optind, word, example_of(r, &command_options[i]), NULL, text))
            return error_set(error, "'%s' is an option; try %s", shown, text);
    return error_set(error, "'%s' is not a command; try sim %s", shown, nearest ? nearest : "--help");
}

/* Where the word stands that getopt refuses: before the next one, unless letters of that were to follow. */
static int refused_at(char **argv)
{
    const char *next = argv[optind];
    if (!optopt || strchr("hv", optopt) || !next || next[0] != '-' || next[1] == '-') return optind - 1;
    const char *letter = strchr(next + 1, optopt);
    return letter && letter[1] ? optind : optind - 1;
}

/* An option of mpirun, which says how many ranks there are: in it behind `equals`, or in the word that follows. */
static bool refuse_ranks(const CommandLine *r, char **argv, int at, const char *equals, Error *error)
{
    const char *behind = argv[at + 1], *number = equals ? equals + 1 : behind ? behind : "";
    const char *ranks = ranks_in(number) ? number : "8", *how = "an option of mpirun; try";
    char alone[MEANT_TEXT], dry[MEANT_TEXT], shown[100];
    MeantLine line;
    words_show(shown, sizeof shown, argv[at]);
    meant_line_of(&line, r, argv, at, at + 1 + (!equals && is_number(number)),
                  r->schedules ? "1f1b.ini" : "zero3.ini");
    const bool runs = !r->schedules && !is_dry(&line) && meant_line_write(&line, alone);
    if (!r->schedules && !meant_line_has(&line, 'd')) meant_line_add(&line, "--dry-run");
    if (!meant_line_has(&line, 'n')) {
        meant_line_add(&line, "--ranks");
        meant_line_add(&line, ranks);
    }
    const bool walks = meant_line_write(&line, dry);
    if (runs && walks)
        return error_set(error, "'%s' is %s mpirun -n %s %s, or %s", shown, how, ranks, alone, dry);
    if (runs) return error_set(error, "'%s' is %s mpirun -n %s %s", shown, how, ranks, alone);
    return error_set(error, "'%s' is %s %s", shown, how, walks ? dry : help_of(r));
}

/* Whether a word is rather another option than a value, which may begin with a dash, too: -2 does. */
static bool is_like_option(const char *word)
{
    return word[0] == '-' && (word[1] == '-' || isalpha((unsigned char)word[1]));
}

/* The option that is named, or misspelt by no more than a letter: set is no seed. NULL: none. */
static const struct option *option_near(const char *name)
{
    const char *names[32] = {NULL};
    for (int i = 0; command_options[i].name; i++) names[i] = command_options[i].name;
    const char *nearest = words_nearest(name, names);
    for (int i = 0; nearest && words_distance(name, nearest) <= 1; i++)
        if (names[i] == nearest) return &command_options[i];
    return NULL;
}

/* One that has no value was given one, which of a dry run's is how many ranks it was to have. */
static bool refuse_value(const CommandLine *r, char **argv, int at, const struct option *option,
                         const char *value, Error *error)
{
    char shown[100], text[MEANT_TEXT];
    const char *ranks = strchr("da", option->val) && ranks_in(value) ? value : NULL;
    words_show(shown, sizeof shown, argv[at]);
    if (ranks && write_options(r, argv, at, r->schedules ? "" : option->name, NULL, ranks, text))
        return error_set(error, "'%s': --%s takes no value; try %s", shown, option->name, text);
    if (write_options(r, argv, at, option->name, NULL, NULL, text))
        return error_set(error, "'%s': --%s takes no value; try %s, or leave it out", shown, option->name,
                         text);
    return error_set(error, "'%s' is not an option; try %s", shown, help_of(r));
}

/* One with a dash too few or misspelt; `value`: what stands in it or behind it, or NULL. */
static bool refuse_near(const CommandLine *r, char **argv, int at, const struct option *option,
                        const char *value, Error *error)
{
    char shown[100], text[MEANT_TEXT];
    words_show(shown, sizeof shown, argv[at]);
    if (strchr("hv", option->val))
        return error_set(error, "'%s' is not an option; try sim %s--%s", shown,
                         r->schedules ? "schedule " : "", option->name);
    if (option->has_arg == no_argument)
        value = NULL;
    else if (!value)
        value = example_of(r, option);
    return error_set(error, "'%s' is not an option; try %s", shown,
                     write_options(r, argv, at, option->name, value, NULL, text) ? text : help_of(r));
}

bool meant_by_option(const CommandLine *r, char **argv, Error *error)
{
    const int at = refused_at(argv);
    const char *word = argv[at], *name = word + strspn(word, "-"), *equals = strchr(name, '='),
               *behind = argv[at + 1];
    const char *value = equals ? equals + 1 : behind && !is_like_option(behind) ? behind : NULL;
    char key[64], shown[100], why[160];
    snprintf(key, sizeof key, "%.*s", (int)(equals ? equals - name : 63), name);
    words_show(shown, sizeof shown, word);
    snprintf(why, sizeof why, "'%s' is not an option", shown);
    if (!strcmp(key, "n") || !strcmp(key, "np")) return refuse_ranks(r, argv, at, equals, error);
    const struct option *near = option_near(key);
    for (int i = 0; equals && word[1] == '-' && command_options[i].name; i++) /* also of one cut short */
        if (command_options[i].val == optopt) near = &command_options[i];
    if (near && equals && near->has_arg == no_argument) return refuse_value(r, argv, at, near, value, error);
    const int row = strchr(key, '.') ? config_row_named(key) : config_row_bare(key);
    if (row < 0 && near) return refuse_near(r, argv, at, near, value, error);
    if (row < 0) return error_set(error, "%s; try %s", why, help_of(r));
    snprintf(key, sizeof key, "%s.%s", config_row_at(row)->section, config_row_at(row)->key);
    return refuse_key(r, why, key, value ? value : config_row_at(row)->example, error);
}
