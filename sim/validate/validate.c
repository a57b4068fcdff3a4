/* validate.c - which sets, foretold case by case, and a line on each. */
#include "sim/validate/validate.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sim/base/progress.h"
#include "sim/base/standard.h"
#include "sim/base/words.h"
#include "sim/config/file.h"
#include "sim/run/foretell.h"
#include "sim/validate/draw_cases.h"

enum { SETS_MOST = 32, KEYS_MOST = 32, OWN = 16 };

static const char help_text[] =
    "sim validate [FILE.csv...] [--set section.key=value]... [--csv | --out DIR]\n"
    "\n"
    "Foretells the seconds of steps that others measured and published, each by a dry run on the machine it\n"
    "was measured on, and prints both, how far off what is foretold is, and of each set the mean and the\n"
    "worst. Without FILE all sets that come with sim, in configs/validation. A set is NAME.csv, with a case\n"
    "a line (case, source, ranks, seconds, and keys of a config), and NAME.ini, which all its cases share.\n"
    "    --set ...   of every case, over its own: what would another number make of them?\n"
    "    --csv       a case a row, numbers in full\n"
    "    --out DIR   draw what is foretold against what was measured into DIR, made if missing:\n"
    "                validation.png, .svg, and the .gp that drew them; what is there and not as sim\n"
    "                wrote it is kept as validation.1.png\n"
    "\n"
    "    sim validate --out results/validation-charts\n"
    "    sim validate --set chip.sustained=0.8\n"
    "Exit status: 0 foretold, however far off, 1 failed, 2 bad request.\n";

typedef struct Asked {
    const char *path[SETS_MOST], *key[KEYS_MOST], *out;
    int paths, keys;
    bool help, csv;
} Asked;

/* ---- what is asked for ---- */

static bool parse(Asked *r, int argc, char **argv, Error *error)
{
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        bool sets = !strcmp(word, "--set"), draws = !strcmp(word, "--out");
        if ((sets || draws) && i + 1 == argc)
            return error_set(error, "%s needs a value; try sim help validate", word);
        if (!strcmp(word, "--help") || !strcmp(word, "-h"))
            r->help = true;
        else if (!strcmp(word, "--csv"))
            r->csv = true;
        else if (draws)
            r->out = argv[++i];
        else if (sets && r->keys == KEYS_MOST)
            return error_set(error, "--set: more than %d of them; try a set of your own", KEYS_MOST);
        else if (sets)
            r->key[r->keys++] = argv[++i];
        else if (word[0] == '-')
            return error_set(error, "%s: no such option of sim validate; try sim help validate", word);
        else if (r->paths == SETS_MOST)
            return error_set(error, "more than %d sets; try some of them", SETS_MOST);
        else
            r->path[r->paths++] = word;
    }
    if (r->csv && r->out) return error_set(error, "--csv and --out are two forms; try one of them");
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The CSVs of sim's own folder that have an ini beside them. */
static bool find_own(const char *program_directory, char *path[OWN], int *count, Error *error)
{
    char folder[CASES_PATH - 64], file[CASES_PATH];
    *count = 0;
    if (!config_folder(program_directory, "validation", folder, sizeof folder))
        return error_set(error,
                         "the published cases (configs/validation) are not beside the program; run make "
                         "install, or the program in its source tree");
    DIR *directory = opendir(folder);
    for (struct dirent *entry; directory && *count < OWN && (entry = readdir(directory));) {
        if (!words_end_in(entry->d_name, ".ini")) continue;
        int length = (int)strlen(entry->d_name) - 4;
        if (snprintf(file, sizeof file, "%s/%.*s.csv", folder, length, entry->d_name) >= (int)sizeof file)
            continue;
        if (access(file, R_OK) == 0) path[(*count)++] = words_copy(file);
    }
    if (directory) closedir(directory);
    qsort(path, (size_t)*count, sizeof *path, by_name);
    return *count > 0 || error_set(error, "%s: no set there; try a FILE.csv of your own", folder);
}

/* ---- foretelling ---- */

bool validate_foretell(CaseSet *set, const RunOptions *options, void (*done)(void *context), void *context,
                       Error *error)
{
    const char **sets = allocate((size_t)(CASES_COLUMNS + options->set_count) * sizeof *sets);
    bool good = true;
    for (int i = 0; i < set->count && good; i++) {
        Case *item = &set->item[i];
        RunOptions run = *options;
        Error why;
        run.config = set->config;
        run.sets = sets;
        run.set_count = item->sets + options->set_count;
        run.dry = true;
        for (int k = 0; k < item->sets; k++) sets[k] = item->set[k];
        for (int k = 0; k < options->set_count; k++) sets[item->sets + k] = options->sets[k];
        good = foretell_step(&run, item->ranks, &item->predicted, &why);
        if (!good) error_set(error, "%s:%d: %s", set->path, item->line, why.text);
        if (good && done) done(context);
    }
    free((void *)sets);
    return good;
}

typedef struct Told {
    Progress progress;
    int done, cases;
} Told;

static void tell(void *context)
{
    Told *told = context;
    told->done++;
    if (progress_due(&told->progress, told->done))
        progress_show(&told->progress, "%d of %d cases foretold", told->done, told->cases);
}

/* ---- what is printed ---- */

static void print_set(const CaseSet *set)
{
    const Case *worst = cases_worst(set);
    printf("%-32s %12s %12s %8s   source\n", set->name, "published", "foretold", "error");
    for (int i = 0; i < set->count; i++) {
        const Case *c = &set->item[i];
        printf("  %-30s %10.4g s %10.4g s %+6.1f %%   %s\n", c->name, c->published, c->predicted,
               100 * case_error(c), c->source);
    }
    printf("  %d case%s: mean error %.1f %%, worst %+.1f %% (%s)\n\n", set->count, words_s(set->count),
           100 * cases_mean(set), 100 * case_error(worst), worst->name);
}

static void print_csv(const CaseSet *set)
{
    for (int i = 0; i < set->count; i++) {
        const Case *c = &set->item[i];
        printf("%s,%s,%s,%d,%.17g,%.17g,%.17g\n", set->name, c->name, c->source, c->ranks, c->published,
               c->predicted, case_error(c));
    }
}

/* ---- the command ---- */

static bool read_sets(CaseSet *set, const Asked *r, const char *program_directory, int *sets, Error *error)
{
    char *own[OWN];
    int found = 0;
    bool good = r->paths > 0 || find_own(program_directory, own, &found, error);
    *sets = r->paths ? r->paths : found;
    for (int i = 0; i < *sets && good; i++) good = cases_read(&set[i], r->paths ? r->path[i] : own[i], error);
    for (int i = 0; i < found; i++) free(own[i]);
    return good;
}

/* All is foretold before anything is printed. */
static bool foretell_all(CaseSet *set, int sets, const Asked *r, const char *program_directory, Error *error)
{
    RunOptions options = {.sets = r->key, .set_count = r->keys, .program_directory = program_directory};
    Told told = {.done = 0};
    bool good = true;
    for (int i = 0; i < sets; i++) told.cases += set[i].count;
    progress_begin(&told.progress, told.cases, PROGRESS_QUIET);
    for (int i = 0; i < sets && good; i++)
        good = validate_foretell(&set[i], &options, r->csv ? NULL : tell, &told, error);
    progress_end(&told.progress);
    return good;
}

static int validate(const Asked *r, const char *program_directory, Error *error)
{
    CaseSet set[SETS_MOST] = {{.count = 0}};
    int sets = 0, status = STATUS_OK;
    if (!read_sets(set, r, program_directory, &sets, error) ||
        !foretell_all(set, sets, r, program_directory, error))
        status = STATUS_BAD_REQUEST;
    if (status == STATUS_OK && r->csv) printf("set,case,source,ranks,published_s,foretold_s,error_ratio\n");
    for (int i = 0; i < sets && status == STATUS_OK; i++) (r->csv ? print_csv : print_set)(&set[i]);
    if (status == STATUS_OK && r->out && !draw_cases(set, sets, program_directory, r->out, error))
        status = STATUS_FAILED;
    for (int i = 0; i < sets; i++) cases_free(&set[i]);
    return status;
}

int validate_command(int argc, char **argv, const char *program_directory)
{
    Asked request = {.paths = 0};
    Error error;
    int status = STATUS_OK;
    if (!parse(&request, argc, argv, &error))
        status = STATUS_BAD_REQUEST;
    else if (request.help)
        fputs(help_text, stdout);
    else
        status = validate(&request, program_directory, &error);
    if (status != STATUS_OK) fprintf(stderr, "sim: validate: %s\n", error.text);
    return status;
}
