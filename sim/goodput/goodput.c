/* goodput.c - from words to a table, a file and a picture. */
#include "sim/goodput/goodput.h"
#include <stdio.h>
#include <stdlib.h>
#include "sim/base/draft.h"
#include "sim/base/posix.h"
#include "sim/base/standard.h"
#include "sim/base/words.h"
#include "sim/config/file.h"
#include "sim/config/stem.h"
#include "sim/goodput/draw.h"
#include "sim/goodput/goodput_file.h"
#include "sim/goodput/print.h"
#include "sim/plot/draw.h"
#include "sim/run/announce.h"

typedef struct Task {
    GoodputRequest request;
    Points points;
    GoodputOrigin origin;
    const char *program_directory;
    char folder[PLOT_PATH], file[PLOT_PATH];
} Task;

/* "results/1f1b-goodput/" of configs/1f1b.ini. */
static bool choose_folder(Task *t, Error *error)
{
    char name[PLOT_PATH], stem[PLOT_PATH - 32];
    config_stem_of(t->request.config, ".ini", stem, sizeof stem);
    snprintf(name, sizeof name, "results/%s-goodput", stem);
    return plot_join(t->folder, t->request.out ? t->request.out : name, "", error) &&
           plot_join(t->file, t->folder, "goodput.h5", error);
}

/* Asked before the work. */
static bool prepare(const Task *t, Error *error)
{
    return files_make_folder(t->folder, error) && files_prepare(t->file, error) &&
           draft_is_possible(t->file, error);
}

static bool write_all(Task *t, Error *error)
{
    TablePlace place;
    snprintf(place.asked, sizeof place.asked, "%s", t->file);
    if (!goodput_file_write(&t->points, &t->origin, &place, error)) return false;
    char *shown = words_shown(place.path), *folder = words_shown(t->folder);
    if (!t->request.csv) {
        announce_place("table", place.asked, place.path, place.kept);
        printf("\n  table          %s\n", shown);
    }
    bool drawn = goodput_draw(&t->points, t->origin.config, t->program_directory, t->folder, error);
    if (t->request.csv) announce_folder("goodput", t->folder, drawn);
    if (drawn && !t->request.csv) printf("  chart          %sgoodput.png, .svg, .gp\n", folder);
    free(shown);
    free(folder);
    return drawn;
}

static int perform(Task *t, Error *error)
{
    Costs costs;
    bool quiet = t->request.csv;
    if (!choose_folder(t, error) || !costs_foretell(&costs, &t->request, t->program_directory, error) ||
        !points_choose(&t->points, &costs, &t->request, error) || !prepare(t, error))
        return STATUS_BAD_REQUEST;
    if (!quiet) goodput_print_job(&t->points, &t->request);
    if (!points_walk(&t->points, quiet, error)) return STATUS_FAILED;
    if (quiet)
        goodput_csv(&t->points);
    else
        goodput_print_points(&t->points);
    return write_all(t, error) ? STATUS_OK : STATUS_FAILED;
}

int goodput_command(int argc, char **argv, const char *program_directory, const char *command_line)
{
    Task t = {.program_directory = program_directory};
    Error error = {""};
    char *ini = NULL;
    int status = STATUS_BAD_REQUEST;
    if (!goodput_parse(&t.request, argc, argv, &error))
        status = STATUS_BAD_REQUEST;
    else if (t.request.help) {
        fputs(goodput_help, stdout);
        status = STATUS_OK;
    } else if ((ini = config_read(t.request.config, program_directory, &error))) {
        t.origin = (GoodputOrigin){t.request.config, ini, command_line};
        status = perform(&t, &error);
    }
    if (status != STATUS_OK) {
        fflush(stdout);
        fprintf(stderr, "sim: goodput: %s\n", error.text);
    }
    points_free(&t.points);
    free(ini);
    return status;
}
