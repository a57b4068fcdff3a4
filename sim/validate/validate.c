/* validate.c - which sets, foretold case by case, and a line on each. */
#include "sim/validate/validate.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sim/base/posix.h"
#include "sim/base/progress.h"
#include "sim/base/standard.h"
#include "sim/base/words.h"
#include "sim/config/file.h"
#include "sim/validate/draw_cases.h"
#include "sim/validate/fit.h"
#include "sim/validate/foretell_cases.h"
#include "sim/validate/print.h"
#include "sim/validate/request.h"

enum { OWN = REQUEST_SETS };

/* ---- which sets ---- */

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

/* Steps first, exact ones last; else as they came. */
static int by_measure(const void *a, const void *b)
{
    const CaseSet *first = a, *second = b;
    if (first->measure != second->measure) return first->measure < second->measure ? -1 : 1;
    return strcmp(first->name, second->name);
}

/* Of sim's own sets. What is exact follows from the papers' numbers: another one, or a fit, has no meaning there. */
static int leave_out_exact(CaseSet *set, int sets)
{
    int left = 0;
    for (int i = 0; i < sets; i++) {
        if (measure_column[set[i].measure].exact)
            cases_free(&set[i]);
        else
            set[left++] = set[i];
    }
    return left;
}

static bool read_sets(CaseSet *set, const ValidateRequest *r, const char *program_directory, int *sets,
                      Error *error)
{
    char *own[OWN];
    int found = 0;
    bool good = r->paths > 0 || find_own(program_directory, own, &found, error);
    *sets = r->paths ? r->paths : found;
    for (int i = 0; i < *sets && good; i++) good = cases_read(&set[i], r->paths ? r->path[i] : own[i], error);
    for (int i = 0; i < found; i++) free(own[i]);
    if (good && !r->paths && (r->keys || r->fit)) *sets = leave_out_exact(set, *sets);
    if (good && !r->paths) qsort(set, (size_t)*sets, sizeof *set, by_measure);
    return good;
}

/* ---- foretelling ---- */

typedef struct Told {
    Progress progress;
    int cases;
} Told;

static void tell(void *listener, int done)
{
    Told *told = listener;
    if (progress_due(&told->progress, done))
        progress_show(&told->progress, "%d of %d cases foretold", done, told->cases);
}

bool validate_foretell(CaseSet *set, int sets, const RunOptions *options, bool quiet, Error *error)
{
    Told told;
    Listed *list = cases_list(set, sets, &told.cases);
    double *foretold = allocate((size_t)told.cases * sizeof *foretold);
    const Foretelling f = {.options = options,
                           .list = list,
                           .count = told.cases,
                           .tell = quiet ? NULL : tell,
                           .listener = &told};
    progress_begin(&told.progress, told.cases, PROGRESS_QUIET);
    bool good = cases_foretell(&f, foretold, error);
    progress_end(&told.progress);
    for (int i = 0; i < told.cases && good; i++) list[i].item->predicted = foretold[i];
    free(foretold);
    free(list);
    return good;
}

/* ---- the command ---- */

/* All is foretold before anything is printed. */
static int print_foretold(CaseSet *set, int sets, const ValidateRequest *r, const RunOptions *options,
                          Error *error)
{
    if (r->out && (!draw_cases_can(set, sets, error) || !files_make_folder(r->out, error)))
        return STATUS_BAD_REQUEST;
    if (!validate_foretell(set, sets, options, r->csv, error)) return STATUS_BAD_REQUEST;
    if (r->csv) print_csv_head();
    for (int i = 0; i < sets; i++) {
        if (r->csv)
            print_csv(&set[i]);
        else if (measure_column[set[i].measure].exact)
            print_exact(&set[i], r->paths > 0);
        else
            print_measured(&set[i]);
    }
    bool drawn = !r->out || draw_cases(set, sets, options->program_directory, r->out, error);
    return drawn ? STATUS_OK : STATUS_FAILED;
}

static int validate(const ValidateRequest *r, const char *program_directory, Error *error)
{
    CaseSet set[REQUEST_SETS] = {{.count = 0}};
    const RunOptions options = {
        .sets = r->key, .set_count = r->keys, .force = r->force, .program_directory = program_directory};
    int sets = 0, status;
    if (!read_sets(set, r, program_directory, &sets, error))
        status = STATUS_BAD_REQUEST;
    else if (r->fit)
        status = fit_cases(set, sets, r->fit, r->half, &options, error) ? STATUS_OK : STATUS_BAD_REQUEST;
    else
        status = print_foretold(set, sets, r, &options, error);
    for (int i = 0; i < sets; i++) cases_free(&set[i]);
    return status;
}

int validate_command(int argc, char **argv, const char *program_directory)
{
    ValidateRequest request = {.paths = 0};
    Error error;
    int status = STATUS_OK;
    if (!validate_parse(&request, argc, argv, &error))
        status = STATUS_BAD_REQUEST;
    else if (request.help)
        fputs(validate_help, stdout);
    else
        status = validate(&request, program_directory, &error);
    if (status != STATUS_OK) fprintf(stderr, "sim: validate: %s\n", error.text);
    return status;
}
