/* command_options.c - the table of options, which are taken one after the other. */
#include "sim/command_options.h"
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include "sim/base/words.h"
#include "sim/config/ranks.h"

const struct option command_options[] = {
    {"config", required_argument, NULL, 'c'}, {"set", required_argument, NULL, 's'},
    {"output", required_argument, NULL, 'o'}, {"resume", required_argument, NULL, 'r'},
    {"dry-run", no_argument, NULL, 'd'},      {"ranks", required_argument, NULL, 'n'},
    {"all-ranks", no_argument, NULL, 'a'},    {"force", no_argument, NULL, 'f'},
    {"csv", no_argument, NULL, 't'},          {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'v'},      {NULL, 0, NULL, 0}};

static bool parse_ranks(const char *text, int *ranks, Error *error)
{
    char *end, shown[100];
    long n = strtol(text, &end, 10);
    words_show(shown, sizeof shown, text);
    if (end == text || *end || n < 1 || n > CONFIG_RANKS_MOST)
        return error_set(error, "--ranks %s: not a number of ranks from 1 to %d; try --ranks 8", shown,
                         CONFIG_RANKS_MOST);
    *ranks = (int)n;
    return true;
}

/* The word an option was given; a second one would leave the first without effect. */
static bool take_word(const char *option, const char **word, Error *error)
{
    char shown[100];
    words_show(shown, sizeof shown, *word ? *word : "");
    if (*word) return error_set(error, "%s %s: given again; try it once, and runs one by one", option, shown);
    *word = optarg;
    return true;
}

bool command_options_take(int argc, char **argv, CommandLine *r, Error *error)
{
    const char *ranks = NULL;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":hv", command_options, NULL)) != -1;) {
        switch (c) {
        case 'c':
            if (!take_word("--config", &r->options.config, error)) return false;
            break;
        case 'o':
            if (!take_word("--output", &r->options.output, error)) return false;
            break;
        case 'r':
            if (!take_word("--resume", &r->options.resume, error)) return false;
            break;
        case 'd': r->options.dry = true; break;
        case 'f': r->options.force = true; break;
        case 't': r->csv = true; break;
        case 'a': r->options.all_ranks = true; break;
        case 'h': r->help = true; break;
        case 'v': r->version = true; break;
        case 's':
            if (r->options.set_count == COMMAND_LINE_SETS)
                return error_set(error, "--set: more than %d of them; try an ini file with these keys",
                                 COMMAND_LINE_SETS);
            r->sets[r->options.set_count++] = optarg;
            break;
        case 'n':
            if (!take_word("--ranks", &ranks, error) || !parse_ranks(optarg, &r->ranks, error)) return false;
            break;
        case ':':
            return error_set(error, "%s needs a value; try sim %s--help", argv[optind - 1],
                             r->schedules ? "schedule " : "");
        default: r->unknown = COMMAND_OPTION; return false;
        }
    }
    r->options.sets = r->sets;
    if (r->help || r->version) return true;
    if (optind < argc) r->unknown = COMMAND_WORD;
    return optind == argc;
}

bool command_options_are_runs(const CommandLine *r, Error *error)
{
    if (!r->options.config) return error_set(error, "no --config; try sim --config zero3.ini, or sim --help");
    if (r->csv) return error_set(error, "--csv is for sim schedule; try sim schedule --csv");
    if (r->options.all_ranks && !r->options.dry)
        return error_set(error, "--all-ranks is for --dry-run: a run has no others");
    if (r->options.resume && r->options.dry)
        return error_set(error, "--resume: a dry run has no values to go on with; try it without --dry-run");
    if (r->options.resume && !*r->options.resume)
        return error_set(error, "--resume: no file name; try --resume ck-000020.h5, or --resume auto");
    if (!r->ranks || r->options.dry) return true;
    char quoted[1024];
    words_quote(quoted, sizeof quoted, r->options.config);
    return error_set(error, "--ranks is for --dry-run; try mpirun -n %d sim --config %s", r->ranks, quoted);
}

bool command_options_are_schedules(const CommandLine *r, Error *error)
{
    if (!r->options.config) return error_set(error, "no --config; try sim schedule --config 1f1b.ini");
    const char *runs = r->options.dry         ? "--dry-run"
                       : r->options.force     ? "--force"
                       : r->options.all_ranks ? "--all-ranks"
                       : r->options.output    ? "--output"
                       : r->options.resume    ? "--resume"
                                              : NULL;
    if (runs) return error_set(error, "nothing runs and nothing is recorded; try it without %s", runs);
    return true;
}
