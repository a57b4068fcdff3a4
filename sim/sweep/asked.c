/* asked.c - options, one after the other. */
#include "sim/sweep/asked.h"
#include <stdlib.h>
#include <string.h>
#include "sim/base/option.h"
#include "sim/base/words.h"

enum { WORKERS_MOST = 256, RANKS = 8 };

const char asked_help[] =
    "sim sweep --config F --set section.key=value,value... [--ranks N,N...] [--out DIR] [--csv]\n"
    "\n"
    "Tries all combinations of the values given, each by a dry run on the machine that hardware.profile\n"
    "names, and prints the best ten of those that fit its memory. Combinations that no run takes are\n"
    "counted, with why. They are ranked by tokens a second and device, so that other batches and other\n"
    "numbers of ranks compare; where neither is swept, that is by step time. All of it is simulated; sim\n"
    "validate says how far off.\n"
    "    --set ...        a key with one value, in all combinations, or with several, one for each; values\n"
    "                     of parallel.layers_per_stage, a list itself, stand between semicolons, in quotes\n"
    "    --ranks N,N...   on how many ranks; 8 unless given\n"
    "    --all            what does not fit the memory is printed among them, marked\n"
    "    --axes KEY,KEY   of the chart: across and up; the two with most values unless given\n"
    "    --out DIR        the folder of all that is written, made if missing; results/F-sweep unless given\n"
    "    --csv            print all combinations instead, a row each, numbers in full; standard error\n"
    "                     says where the rest was written\n"
    "    --workers N      processes; as many as there are cores unless given. Under mpirun ranks share the\n"
    "                     work\n"
    "    --force          also what is estimated to be too large for this machine, or to take long\n"
    "\n"
    "Into the folder go sweep.h5, a table of all combinations, a dataset a column; best.ini, the best one's\n"
    "config, to be run as it is; and a chart, sweep.png, .svg and .gp: over two keys, in each cell the best\n"
    "of all others' values, or why there is none. Of an earlier sweep, sim sweep FILE.h5 prints and draws\n"
    "these again (so do sim report and sim plot), with --axes others:\n"
    "\n"
    "    sim sweep --config 1f1b.ini --set hardware.profile=a100-80gb-dgx --set model.preset=gpt3-175b \\\n"
    "        --set train.precision=bf16 --set train.global_batch=1536 --set parallel.data=zero1 \\\n"
    "        --set parallel.tp=1,2,4,8 --set parallel.pp=4,8,16 --set train.microbatch=1,2,4 --ranks 1024\n"
    "    sim --config results/1f1b-sweep/best.ini --dry-run --ranks 1024\n"
    "    sim sweep results/1f1b-sweep/sweep.h5 --axes train.microbatch,parallel.pp\n"
    "Exit status: 0 tried, 1 failed, 2 bad request, or no combination is possible.\n";

/* The two names between a comma. */
static bool take_axes(Asked *r, const char *value, Error *error)
{
    char shown[100];
    words_show(shown, sizeof shown, value);
    if (!option_once("--axes", &r->axes_word, value, error)) return false;
    r->axes_text = words_copy(value);
    char *comma = strchr(r->axes_text, ',');
    if (comma) *comma = '\0';
    r->axes[0] = r->axes_text;
    r->axes[1] = comma ? comma + 1 : NULL;
    if (!comma || !*r->axes[0] || !*r->axes[1] || strchr(r->axes[1], ','))
        return error_set(error, "--axes %s: not two keys; try --axes parallel.tp,train.microbatch", shown);
    return strcmp(r->axes[0], r->axes[1]) != 0 ||
           error_set(error, "--axes %s: the same key twice; try two", shown);
}

static bool take_workers(Asked *r, const char *value, Error *error)
{
    char *end, shown[100];
    long n = strtol(value, &end, 10);
    words_show(shown, sizeof shown, value);
    if (end == value || *end || n < 1 || n > WORKERS_MOST)
        return error_set(error, "--workers %s: not a number from 1 to %d; try --workers 2", shown,
                         WORKERS_MOST);
    r->workers = (int)n;
    return true;
}

/* The word of an option that is given once. */
static bool take_word(const char *option, const char **word, const char *value, Error *error)
{
    return option_once(option, word, value, error) &&
           (*value || error_set(error, "%s needs a value; try sim help sweep", option));
}

static bool take_option(Asked *r, int argc, char **argv, int *i, Error *error)
{
    const char *word = argv[*i], *value;
    if (!strcmp(word, "--help") || !strcmp(word, "-h")) return r->help = true;
    if (!strcmp(word, "--csv")) return r->csv = true;
    if (!strcmp(word, "--all")) return r->all = true;
    if (!strcmp(word, "--force")) return r->force = true;
    if ((value = option_value("--config", argc, argv, i)))
        return take_word("--config", &r->config, value, error);
    if ((value = option_value("--out", argc, argv, i))) return take_word("--out", &r->out, value, error);
    if ((value = option_value("--axes", argc, argv, i))) return take_axes(r, value, error);
    if ((value = option_value("--workers", argc, argv, i))) return take_workers(r, value, error);
    if ((value = option_value("--set", argc, argv, i))) return space_add(&r->space, value, error);
    if ((value = option_value("--ranks", argc, argv, i))) {
        if (r->space.ranks || space_find(&r->space, "ranks") >= 0)
            return error_set(error, "--ranks %s: given again; try all numbers in one --ranks", value);
        return space_add_ranks(&r->space, value, error);
    }
    char shown[100];
    words_show(shown, sizeof shown, word);
    return error_set(error, "%s: no such option of sim sweep; try sim help sweep", shown);
}

/* A file is an earlier sweep's; words of other kinds are mistakes. */
static bool take_file(Asked *r, const char *word, Error *error)
{
    char shown[100], quoted[1024];
    words_show(shown, sizeof shown, word);
    words_quote(quoted, sizeof quoted, word);
    if (words_end_in(word, ".ini"))
        return error_set(error, "'%s' is a config; try --config %s", shown, quoted);
    if (strchr(word, '=')) return error_set(error, "'%s' is no option; try --set %s", shown, quoted);
    if (r->file) return error_set(error, "%s: a second file; try one sweep at a time", shown);
    r->file = word;
    return true;
}

static bool is_whole(Asked *r, Error *error)
{
    const Space *s = &r->space;
    if (r->file) {
        const char *tries = r->config            ? "--config"
                            : s->sets || s->keys ? "--set"
                            : s->ranks           ? "--ranks"
                                                 : NULL;
        if (r->workers) tries = "--workers";
        return !tries ||
               error_set(error,
                         "%s is of a sweep that is still to be done, and %s shows one that is; try either",
                         tries, r->file);
    }
    if (!r->config)
        return error_set(error, "no --config; try sim sweep --config 1f1b.ini, or sim help sweep");
    if (!s->ranks && space_find(s, "ranks") < 0) r->space.ranks = RANKS;
    return space_close(&r->space, error);
}

bool asked_parse(Asked *r, int argc, char **argv, Error *error)
{
    *r = (Asked){.config = NULL};
    for (int i = 1; i < argc; i++)
        if (!(argv[i][0] == '-' ? take_option(r, argc, argv, &i, error) : take_file(r, argv[i], error)))
            return false;
    return r->help || is_whole(r, error);
}

void asked_free(Asked *r)
{
    space_free(&r->space);
    free(r->axes_text);
    *r = (Asked){.config = NULL};
}
