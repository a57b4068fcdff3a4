/* meant.c - which command, config, option or key was meant, and the line with it in its place. */
#include "sim/meant.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include "parallel/wire/comm_mpi.h"
#include "sim/base/words.h"
#include "sim/config/rows.h"

/* All words but the one that getopt has left at the end and the one at `but`, as they can be typed again: a value behind
 * that word with its --set. */
static void write_rest(char **argv, int but, char *rest, size_t size)
{
    char quoted[1024];
    rest[0] = '\0';
    for (int i = 1; argv[i]; i++) {
        if (i == optind || i == but) continue;
        const char *dot = strchr(argv[i], '.');
        words_quote(quoted, sizeof quoted, argv[i]);
        words_append(rest, size, "%s %s", i > optind && dot && strchr(dot, '=') ? " --set" : "", quoted);
    }
}

/* The run that was meant, with the config at `at` (0: none is there, and none is given) before what else stands there:
 * a dry one where an option is for these alone, else on as many ranks as were launched; false where their number is a
 * guess. */
static bool write_run(const CommandLine *r, char **argv, int at, char *run, size_t size)
{
    const char *says;
    char rest[1024], quoted[1024];
    const int launched = comm_mpi_launched(&says);
    const bool dry = r->options.dry || r->options.all_ranks || r->ranks;
    write_rest(argv, at, rest, sizeof rest);
    words_quote(quoted, sizeof quoted, at ? argv[at] : "zero3.ini");
    run[0] = '\0';
    if (!dry) words_append(run, size, "mpirun -n %d ", launched > 1 ? launched : 8);
    words_append(run, size, "sim");
    if (at || !r->options.config) words_append(run, size, " --config %s", quoted);
    words_append(run, size, "%s%s", rest, dry && !r->options.dry ? " --dry-run" : "");
    return dry || launched > 1;
}

/* The line with the config in its place. */
static bool refuse_config(const CommandLine *r, char **argv, Error *error)
{
    char quoted[1024], rest[1024], run[2048], shown[100];
    write_rest(argv, 0, rest, sizeof rest);
    words_show(shown, sizeof shown, argv[optind]);
    words_quote(quoted, sizeof quoted, argv[optind]);
    if (r->schedules)
        return error_set(error, "'%s' is a config; try sim schedule --config %s%s", shown, quoted, rest);
    if (write_run(r, argv, optind, run, sizeof run))
        return error_set(error, "'%s' is a config; try %s", shown, run);
    return error_set(error, "'%s' is a config; try sim --config %s%s, or %s", shown, quoted, rest, run);
}

/* A schedule, which goes with a config; or one of those sets that sim validate takes. */
static bool refuse_csv(const CommandLine *r, char **argv, Error *error)
{
    char quoted[1024], rest[1024], shown[100];
    const char *config = r->options.config ? "" : " --config 1f1b.ini";
    write_rest(argv, 0, rest, sizeof rest);
    words_show(shown, sizeof shown, argv[optind]);
    words_quote(quoted, sizeof quoted, argv[optind]);
    if (r->schedules)
        return error_set(error,
                         "'%s' is a schedule of your own, which goes with a config; try sim schedule%s%s "
                         "--set parallel.schedule=%s",
                         shown, config, rest, quoted);
    return error_set(
        error,
        "'%s' is a schedule, or steps that were measured; try sim%s%s --set parallel.schedule=%s, "
        "or sim validate %s",
        shown, config, rest, quoted, quoted);
}

/* Which stands for itself; the config may stand behind it. */
static bool refuse_training(const CommandLine *r, char **argv, Error *error)
{
    char run[2048], shown[100];
    int at = 0;
    for (int i = optind + 1; argv[i] && !at && !r->options.config; i++)
        if (words_end_in(argv[i], ".ini")) at = i;
    words_show(shown, sizeof shown, argv[optind]);
    write_run(r, argv, at, run, sizeof run);
    return error_set(error, "'%s' is not a command, as sim trains unless it is told otherwise; try %s", shown,
                     run);
}

const char *const meant_commands[] = {"plot",    "report", "schedule", "sweep",     "goodput", "trace",
                                      "inspect", "diff",   "validate", "calibrate", "help",    NULL};

bool meant_by_word(const CommandLine *r, char **argv, Error *error)
{
    const char *word = argv[optind], *nearest = words_nearest(word, meant_commands), *dot = strchr(word, '.');
    char quoted[1024], shown[100];
    words_show(shown, sizeof shown, word);
    words_quote(quoted, sizeof quoted, word);
    for (int i = 0; i < r->options.set_count; i++) /* its value was not put behind a '=' */
        if (!strchr(r->sets[i], '=') && strchr(r->sets[i], '.'))
            return error_set(error, "'%s' is no option; try --set %s=%s", shown, r->sets[i], quoted);
    if (r->options.dry && strspn(word, "0123456789") == strlen(word))
        return error_set(error, "'%s' is no option; try --ranks %s", shown, quoted);
    if (words_end_in(word, ".ini")) return refuse_config(r, argv, error);
    if (words_end_in(word, ".csv")) return refuse_csv(r, argv, error);
    if (words_end_in(word, ".h5"))
        return error_set(error, "'%s' is a run's file; try sim report %s, or sim plot %s", shown, quoted,
                         quoted);
    if (dot && strchr(dot, '=')) return error_set(error, "'%s' is no option; try --set %s", shown, quoted);
    if (r->schedules) return error_set(error, "'%s' is no option; try sim schedule --help", shown);
    if (!strcmp(word, "train") || !strcmp(word, "run")) return refuse_training(r, argv, error);
    for (int i = 0; command_options[i].name && !nearest; i++)
        if (!strcmp(word, command_options[i].name))
            return error_set(error, "'%s' is an option; try sim --%s", shown, word);
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

/* Whether the line has an option that begins so, as getopt takes it. */
static bool has_option(char **argv, const char *beginning)
{
    for (int i = 1; argv[i]; i++)
        if (!strncmp(argv[i], beginning, strlen(beginning))) return true;
    return false;
}

/* All words but those from `from` to before `to`, as they can be typed again; with a config among them. */
static void write_others(const CommandLine *r, char **argv, int from, int to, char *others, size_t size)
{
    char quoted[1024];
    bool config = has_option(argv, "--co");
    others[0] = '\0';
    for (int i = 1; argv[i]; i++) {
        if (i >= from && i < to) continue;
        const bool alone = !config && words_end_in(argv[i], ".ini");
        words_quote(quoted, sizeof quoted, argv[i]);
        words_append(others, size, "%s %s", alone ? " --config" : "", quoted);
        config |= alone;
    }
    if (!config) words_append(others, size, " --config %s", r->schedules ? "1f1b.ini" : "zero3.ini");
}

/* An option of mpirun, which says how many ranks there are: in it behind `equals`, or in the word that follows. */
static bool refuse_ranks(const CommandLine *r, char **argv, int at, const char *equals, Error *error)
{
    const char *behind = argv[at + 1], *number = equals ? equals + 1 : behind ? behind : "";
    const bool given = *number && strspn(number, "0123456789") == strlen(number);
    char others[1024], ranks[100], shown[100];
    words_show(shown, sizeof shown, argv[at]);
    words_show(ranks, sizeof ranks, given ? number : "8");
    write_others(r, argv, at, at + 1 + (given && !equals), others, sizeof others);
    if (r->schedules)
        return error_set(error, "'%s' is an option of mpirun; try sim schedule%s --ranks %s", shown, others,
                         ranks);
    if (has_option(argv, "--d"))
        return error_set(error, "'%s' is an option of mpirun; try sim%s --ranks %s", shown, others, ranks);
    return error_set(error,
                     "'%s' is an option of mpirun; try mpirun -n %s sim%s, or sim%s --dry-run --ranks %s",
                     shown, ranks, others, others, ranks);
}

/* Whether a word is rather another option than a value, which may begin with a dash, too: -2 does. */
static bool is_like_option(const char *word)
{
    return word[0] == '-' && (word[1] == '-' || isalpha((unsigned char)word[1]));
}

/* A value that shows how the option is used. */
static const char *example_of(const CommandLine *r, const struct option *option)
{
    switch (option->val) {
    case 'c': return r->schedules ? "1f1b.ini" : "zero3.ini";
    case 's': return "train.steps=100";
    case 'o': return "results/try.h5";
    case 'r': return "auto";
    default: return "8";
    }
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
static bool refuse_value(const CommandLine *r, const struct option *option, const char *shown,
                         const char *value, Error *error)
{
    const bool counts = *value && strspn(value, "0123456789") == strlen(value);
    if (!counts || !strchr("da", option->val))
        return error_set(error, "'%s': --%s takes no value; try --%s, or leave it out", shown, option->name,
                         option->name);
    if (r->schedules)
        return error_set(error, "'%s': --%s takes no value; try --ranks %.20s", shown, option->name, value);
    return error_set(error, "'%s': --%s takes no value; try --%s --ranks %.20s", shown, option->name,
                     option->name, value);
}

/* One with a dash too few or misspelt; `value`: what stands in it or behind it, or NULL. */
static bool refuse_near(const CommandLine *r, const struct option *option, const char *shown,
                        const char *value, Error *error)
{
    char quoted[1024];
    if (strchr("hv", option->val))
        return error_set(error, "'%s' is not an option; try sim %s--%s", shown,
                         r->schedules ? "schedule " : "", option->name);
    if (option->has_arg == no_argument)
        return error_set(error, "'%s' is not an option; try --%s", shown, option->name);
    words_quote(quoted, sizeof quoted, value ? value : example_of(r, option));
    return error_set(error, "'%s' is not an option; try --%s %s", shown, option->name, quoted);
}

bool meant_by_option(const CommandLine *r, char **argv, Error *error)
{
    const int at = refused_at(argv);
    const char *word = argv[at], *name = word + strspn(word, "-"), *equals = strchr(name, '='),
               *behind = argv[at + 1];
    const char *value = equals ? equals + 1 : behind && !is_like_option(behind) ? behind : NULL;
    char key[64], shown[100], given[100], quoted[256];
    snprintf(key, sizeof key, "%.*s", (int)(equals ? equals - name : 63), name);
    words_show(shown, sizeof shown, word);
    if (!strcmp(key, "n") || !strcmp(key, "np")) return refuse_ranks(r, argv, at, equals, error);
    const struct option *near = option_near(key);
    for (int i = 0; equals && word[1] == '-' && command_options[i].name; i++) /* also of one cut short */
        if (command_options[i].val == optopt) near = &command_options[i];
    if (near && equals && near->has_arg == no_argument) return refuse_value(r, near, shown, value, error);
    int row = strchr(key, '.') ? config_row_named(key) : config_row_bare(key);
    if (row < 0 && near) return refuse_near(r, near, shown, value, error);
    if (row < 0)
        return error_set(error, "'%s' is not an option; try sim %s--help", shown,
                         r->schedules ? "schedule " : "");
    snprintf(given, sizeof given, "%.99s", value ? value : config_row_at(row)->example);
    words_quote(quoted, sizeof quoted, given);
    return error_set(error, "'%s' is not an option; try --set %s.%s=%s", shown, config_row_at(row)->section,
                     config_row_at(row)->key, quoted);
}
