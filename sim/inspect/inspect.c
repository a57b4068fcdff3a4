/* inspect.c - which files. */
#include "sim/inspect/inspect.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/base/standard.h"
#include "sim/inspect/show.h"

static const char help[] =
    "sim inspect FILE.h5...\n"
    "\n"
    "What a file holds: a run's, a checkpoint, weights or gradients (output.weights, output.gradients, or\n"
    "another's in HDF5), a sweep's, or a table of sim goodput. When and by which sim it was written, the\n"
    "step, the config, and every tensor with its shape, its least and largest value and the root of their\n"
    "mean square, and how many of them are NaN or infinite; of the others every dataset, its unit and what\n"
    "it means.\n"
    "\n"
    "A complete run, a checkpoint and a sweep are held against their checksums first: a damaged one is\n"
    "refused. Weights have none.\n"
    "\n"
    "    sim inspect results/zero3.h5\n"
    "    sim inspect ck-000020.h5 ck-000040.h5\n"
    "Exit status: 0 printed, 1 failed, 2 bad request: one at least was refused.\n";

static bool inspect(const char *path)
{
    Held held;
    Error error;
    bool ok = held_open(&held, path, &error);
    if (ok) {
        ok = show(&held, &error);
        held_close(&held);
    }
    fflush(stdout);
    if (!ok) fprintf(stderr, "sim: inspect: %s\n", error.text);
    return ok;
}

static bool parse(int argc, char **argv, bool *asks_help, Error *error)
{
    int files = 0;
    bool options = true;
    for (int i = 1; i < argc; i++) {
        if (options && !strcmp(argv[i], "--"))
            options = false;
        else if (options && (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")))
            *asks_help = true;
        else if (options && argv[i][0] == '-')
            return error_set(error, "%s: no such option of sim inspect; try sim inspect --help", argv[i]);
        else if (!argv[i][0])
            return error_set(error, "a file's name is empty; try sim inspect results/NAME.h5");
        else
            files++;
    }
    return files || *asks_help ||
           error_set(error, "no file given; try sim inspect results/NAME.h5, or sim inspect --help");
}

int inspect_command(int argc, char **argv)
{
    Error error;
    bool asks_help = false, all = true, options = true;
    if (!parse(argc, argv, &asks_help, &error)) {
        fprintf(stderr, "sim: inspect: %s\n", error.text);
        return STATUS_BAD_REQUEST;
    }
    if (asks_help) {
        fputs(help, stdout);
        return STATUS_OK;
    }
    for (int i = 1; i < argc; i++) {
        if (options && !strcmp(argv[i], "--"))
            options = false;
        else
            all &= inspect(argv[i]);
    }
    return all ? STATUS_OK : STATUS_BAD_REQUEST;
}
