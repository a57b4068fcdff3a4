/* report_command.c - `sim report`: which runs, in which form. */
#include "sim/report/report_command.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"
#include "sim/report/compare.h"
#include "sim/report/report.h"
#include "sim/report/table.h"

static const char help[] =
    "sim report RUN.h5... [--csv | --json]\n"
    "\n"
    "One run: loss, bytes, memory and bubble beside their formulas, and where simulated time went. Several\n"
    "runs: the figures of each side by side in one table.\n"
    "    --csv    a run a row, units in the columns' names (_bytes, _s, _ratio, _nats), numbers in full\n"
    "    --json   the same as an array of objects; null: unknown\n"
    "Bytes are those of the last finished step, speed and time means of the last tenth of the steps, and "
    "what\n"
    "differs over ranks is that of the rank with the most.\n"
    "\n"
    "    sim report results/zero3.h5\n"
    "    sim report results/{ddp,zero1,zero2,zero3}.h5\n"
    "    sim report results/*.h5 --csv > runs.csv\n";

typedef struct Request {
    char **file; /* of argv */
    int files;
    bool help, csv, json;
} Request;

static bool parse(Request *r, int argc, char **argv, Error *error)
{
    bool options = true;
    for (int i = 1; i < argc; i++) {
        char *word = argv[i];
        if (options && !strcmp(word, "--"))
            options = false;
        else if (options && (!strcmp(word, "--help") || !strcmp(word, "-h")))
            r->help = true;
        else if (options && !strcmp(word, "--csv"))
            r->csv = true;
        else if (options && !strcmp(word, "--json"))
            r->json = true;
        else if (options && word[0] == '-' && word[1])
            return error_set(error, "%s: no such option of sim report; try sim report --help", word);
        else
            r->file[r->files++] = word;
    }
    if (r->csv && r->json) return error_set(error, "--csv and --json are two forms; try one of them");
    if (!r->help && !r->files)
        return error_set(error, "no run file given; try sim report results/NAME.h5, or sim report --help");
    return true;
}

/* All files are read before anything is printed. */
static bool compare(const Request *r, Error *error)
{
    RunTable table = {.runs = (size_t)r->files};
    bool ok = true;
    for (int i = 0; i < r->files && ok; i++) ok = compare_read(&table, (size_t)i, r->file[i], error);
    if (ok) (r->csv ? run_table_csv : r->json ? run_table_json : run_table_print)(&table);
    run_table_free(&table);
    return ok;
}

static int report(const Request *r)
{
    Error error;
    if (r->help) {
        fputs(help, stdout);
        return 0;
    }
    bool one = r->files == 1 && !r->csv && !r->json;
    if (one ? report_run(r->file[0], &error) : compare(r, &error)) return 0;
    fprintf(stderr, "sim: %s\n", error.text);
    return 2;
}

int report_command(int argc, char **argv)
{
    Request request = {.file = allocate((size_t)argc * sizeof *request.file)};
    Error error;
    int status = 2;
    if (parse(&request, argc, argv, &error))
        status = report(&request);
    else
        fprintf(stderr, "sim: report: %s\n", error.text);
    free(request.file);
    return status;
}
