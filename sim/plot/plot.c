/* plot.c - `sim plot`: which runs, which folder, which charts; a line on each. */
#include "sim/plot/plot.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sim/base/draft.h"
#include "sim/base/posix.h"
#include "sim/file/run_files.h"
#include "sim/page/page.h"
#include "sim/plot/draw.h"
#include "sim/plot/folder.h"
#include "sim/plot/read.h"
#include "sim/plot/request.h"
#include "sim/plot/text.h"
#include "sim/base/words.h"

/* Whether a picture of that name is there, of any format. */
static bool exists_in(const char *folder, const char *name)
{
    for (int f = 0; f < PLOT_FORMATS; f++) {
        char file[80], path[PLOT_PATH];
        snprintf(file, sizeof file, "%s.%s", name, plot_format_names[f]);
        if (plot_join(path, folder, file, NULL) && access(path, F_OK) == 0) return true;
    }
    return false;
}

/* What became of a chart. */
typedef struct Outcome {
    bool drawn;
    char why[1024]; /* why it is not, or which runs it leaves out; "" */
} Outcome;

/* What a call that was killed has left, of charts that this one may not draw. */
static void clear_abandoned(const char *folder)
{
    char file[80], path[PLOT_PATH];
    for (int c = 0; c < PLOT_CHARTS; c++)
        for (int f = -1; f < PLOT_FORMATS; f++) {
            snprintf(file, sizeof file, "%s.%s", plot_charts[c].name, f < 0 ? "gp" : plot_format_names[f]);
            if (plot_join(path, folder, file, NULL)) draft_clear(path);
        }
}

/* Writes the script of one chart, where there is something to draw. */
static bool write_chart(const PlotChartRow *chart, const PlotRun *runs, int count, const char *templates,
                        const char *folder, Outcome *outcome, Error *error)
{
    char *data = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&data, &size);
    if (!out) return error_set(error, "cannot keep the data of a chart: %s", strerror(errno));
    outcome->drawn = chart->write(out, runs, count, outcome->why, sizeof outcome->why);
    bool done = !fclose(out) || error_set(error, "cannot keep the data of a chart: %s", strerror(ENOMEM));
    if (done && outcome->drawn) done = plot_write_script(templates, chart->name, data, folder, error);
    free(data);
    return done;
}

/* Writes the scripts of the charts that are asked for, and tells of those that lack something. */
static bool write_charts(const PlotRequest *request, const PlotRun *runs, int count, const char *templates,
                         const char *folder, Outcome outcome[PLOT_CHARTS], Error *error)
{
    for (int c = 0; c < PLOT_CHARTS; c++) {
        const PlotChartRow *chart = &plot_charts[c];
        Outcome *o = &outcome[c];
        if (!request->chart[c]) continue;
        if (!write_chart(chart, runs, count, templates, folder, o, error)) return false;
        if (!o->drawn && !o->why[0] && request->named)
            snprintf(o->why, sizeof o->why, "it shows several runs"); /* else nobody misses it */
        if (!o->why[0]) continue;
        char *why = words_shown(o->why);
        if (o->drawn)
            printf("%-19s leaves out %s\n", chart->name, why);
        else
            printf("%-19s skipped: %s%s\n", chart->name, why,
                   exists_in(folder, chart->name) ? " (the picture of an earlier call stays there)" : "");
        free(why);
    }
    return true;
}

static bool draw_chart(const PlotRequest *request, const char *name, const char *folder, Error *error)
{
    char drawn[32] = "";
    for (int f = 0; f < PLOT_FORMATS; f++) {
        if (!request->format[f]) continue;
        switch (plot_draw(folder, name, (PlotFormat)f, error)) {
        case PLOT_DRAWN: break;
        case PLOT_FAILED: return false;
        case PLOT_NO_GNUPLOT:
            return error_set(error,
                             "gnuplot is not installed; install it (Debian, Ubuntu: apt install gnuplot-nox) "
                             "and repeat, or draw the .gp files in %s elsewhere with: gnuplot NAME.gp",
                             folder);
        }
        words_append(drawn, sizeof drawn, ".%s, ", plot_format_names[f]);
    }
    char *shown = words_shown(folder);
    printf("%-19s %s%s%s%s.gp\n", name, shown, folder[strlen(folder) - 1] == '/' ? "" : "/", name, drawn);
    fflush(stdout);
    free(shown);
    return true;
}

static bool write_page(const PlotRequest *request, const PlotRun *runs, int count, const char *folder,
                       const Outcome outcome[PLOT_CHARTS], Error *error)
{
    PageChart chart[PLOT_CHARTS];
    const char *format[PLOT_FORMATS + 1] = {NULL}, *path[PLOT_RUNS_MAX], *label[PLOT_RUNS_MAX];
    int formats = 0;
    for (int c = 0; c < PLOT_CHARTS; c++)
        chart[c] = (PageChart){plot_charts[c].name, plot_charts[c].what, request->chart[c], outcome[c].drawn,
                               outcome[c].why};
    for (int f = 0; f < PLOT_FORMATS; f++)
        if (request->format[f]) format[formats++] = plot_format_names[f];
    for (int i = 0; i < count; i++) {
        path[i] = runs[i].path;
        label[i] = runs[i].label;
    }
    const Page page = {folder, path, label, (size_t)count, chart, PLOT_CHARTS, format};
    return page_write(&page, error);
}

static bool plot_runs(PlotRun *runs, int count, const PlotRequest *request, const char *program_directory,
                      Error *error)
{
    char folder[PLOT_PATH], templates[PLOT_PATH];
    Outcome outcome[PLOT_CHARTS] = {{false, ""}};
    plot_label_runs(runs, count);
    if (!plot_find_templates(program_directory, templates, error) ||
        !(request->out ? plot_join(folder, request->out, "", error)
                       : plot_choose_folder(runs, count, folder, error)) ||
        !files_make_folder(folder, error))
        return false;
    clear_abandoned(folder);
    if (!write_charts(request, runs, count, templates, folder, outcome, error)) return false;
    /* all scripts are there before, in case gnuplot is not */
    for (int c = 0; c < PLOT_CHARTS; c++)
        if (outcome[c].drawn && !draw_chart(request, plot_charts[c].name, folder, error)) return false;
    return write_page(request, runs, count, folder, outcome, error);
}

static bool find_files(const PlotRequest *request, RunFiles *files, Error *error)
{
    for (int i = 0; i < request->paths; i++)
        if (!run_files_add(files, request->path[i], error)) return false;
    if (files->count > PLOT_RUNS_MAX)
        return error_set(error, "%zu run files; at most %d fit one chart: give fewer", files->count,
                         PLOT_RUNS_MAX);
    run_files_tell(files, "plot");
    return true;
}

/* Reads the runs and draws them: the exit status. A file that is not there or is none of ours is a bad request. */
static int plot_files(const RunFiles *files, const PlotRequest *request, const char *program_directory,
                      Error *error)
{
    PlotRun *runs = allocate_zeroed(files->count, sizeof *runs);
    int status = 0;
    for (size_t i = 0; i < files->count && status == 0; i++)
        if (!plot_run_read(&runs[i], files->path[i], error)) status = 2;
    if (status == 0 && !plot_runs(runs, (int)files->count, request, program_directory, error)) status = 1;
    for (size_t i = 0; i < files->count; i++) plot_run_free(&runs[i]);
    free(runs);
    return status;
}

static int plot(const PlotRequest *request, const char *program_directory, Error *error)
{
    RunFiles files = {.count = 0};
    int status = 2;
    if (find_files(request, &files, error)) status = plot_files(&files, request, program_directory, error);
    run_files_free(&files);
    return status;
}

int plot_command(int argc, char **argv, const char *program_directory)
{
    PlotRequest request;
    Error error;
    int status = plot_request_parse(&request, argc, argv, &error) ? 0 : 2;
    if (status == 0 && request.help)
        plot_request_help(stdout);
    else if (status == 0)
        status = plot(&request, program_directory, &error);
    if (status) fprintf(stderr, "sim: plot: %s\n", error.text);
    free(request.path);
    return status;
}
