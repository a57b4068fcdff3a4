/* report_command.c - `sim report`: which runs, in which form. */
#include "sim/report/report_command.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"
#include "sim/report/report.h"

static const char help[] =
    "sim report RUN.h5...   loss, bytes, memory and bubble of runs beside their formulas, and where\n"
    "                       simulated time went\n";

typedef struct Request {
    char **file; /* of argv */
    int files;
    bool help;
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
        else if (options && word[0] == '-' && word[1])
            return error_set(error, "%s: no such option of sim report; try sim report --help", word);
        else
            r->file[r->files++] = word;
    }
    if (!r->help && !r->files)
        return error_set(error, "no run file given; try sim report results/NAME.h5, or sim report --help");
    return true;
}

static int report(const Request *r)
{
    Error error;
    if (r->help) {
        fputs(help, stdout);
        return 0;
    }
    for (int i = 0; i < r->files; i++)
        if (!report_run(r->file[i], &error)) {
            fprintf(stderr, "sim: %s\n", error.text);
            return 2;
        }
    return 0;
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
