/* inspect.c - which files. */
#include "sim/inspect/inspect.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/base/option.h"
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

static bool parse(Given *g, int argc, char **argv, Error *error)
{
    if (!options_read("inspect", NULL, 0, argc, argv, g, error)) return false;
    for (int i = 0; i < g->words; i++)
        if (!g->word[i][0])
            return error_set(error, "a file's name is empty; try sim inspect results/NAME.h5");
    return g->words || g->help ||
           error_set(error, "no file given; try sim inspect results/NAME.h5, or sim inspect --help");
}

int inspect_command(int argc, char **argv)
{
    Given given;
    Error error;
    bool all = true;
    if (!parse(&given, argc, argv, &error)) {
        fprintf(stderr, "sim: inspect: %s\n", error.text);
        return STATUS_BAD_REQUEST;
    }
    if (given.help) {
        fputs(help, stdout);
        return STATUS_OK;
    }
    for (int i = 0; i < given.words; i++) all &= inspect(given.word[i]);
    return all ? STATUS_OK : STATUS_BAD_REQUEST;
}
