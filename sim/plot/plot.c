/* plot.c - `sim plot`: which runs, which folder, which charts; a line on each. */
#include "sim/plot/plot.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sim/plot/chart.h"
#include "sim/plot/draw.h"
#include "sim/plot/read.h"
#include "sim/plot/text.h"

static const struct {
    const char *name;
    PlotChart write;
} charts[] = {
    {"loss", plot_loss},
    {"comm", plot_comm},
    {"bytes_by_axis", plot_bytes_by_axis},
    {"memory", plot_memory},
    {"activations", plot_activations},
    {"memory_timeline", plot_memory_timeline},
    {"step_time", plot_step_time},
    {"gantt", plot_gantt},
    {"bubble", plot_bubble},
    {"bubble_microbatches", plot_bubble_microbatches},
    {"breakdown", plot_breakdown},
};
enum { CHARTS = sizeof charts / sizeof *charts };

static const char help[] =
    "sim plot RUN.h5... [--out DIR]   draws the charts of recorded runs\n"
    "\n"
    "One file: the charts of that run, a bar a rank.\n"
    "    loss           loss by step over the entropy of the data; gradient norm; learning rate\n"
    "    comm           bytes sent in a step by purpose; diamonds: the formula\n"
    "    bytes_by_axis  the same by axis of the grid: data, tensor, pipeline\n"
    "    memory         peak bytes by category; line: the formula for parameters, gradients, optimizer\n"
    "    memory_timeline  bytes held over a step by category, a panel a pipeline rank\n"
    "    step_time      measured seconds of one recorded step by action\n"
    "    gantt          that step's actions in simulated time, a row a pipeline rank\n"
    "    bubble         the share of a step in which a rank idles; line: the formula\n"
    "    breakdown      simulated seconds of a step by what they went to\n"
    "Several files (up to 32): the same charts side by side, a bar a run, gantts under each other on one\n"
    "axis; bubble_microbatches, bubbles by schedule and number of microbatches; and activations, the memory "
    "of\n"
    "these alone, for runs that differ in technique. The first file is what the others are compared with:\n"
    "losses as |loss - first|, bars in percent.\n"
    "\n"
    "    sim plot results/zero3.h5                      -> results/zero3-charts/\n"
    "    sim plot results/dp.h5 results/zero?.h5        -> results/compare-charts/\n"
    "    sim plot a.h5 b.h5 --out /tmp/ab               -> /tmp/ab/\n"
    "\n"
    "Each chart is a NAME.png, a NAME.svg, and the NAME.gp that drew them: it holds the numbers and the\n"
    "style, so edit it and run `gnuplot NAME.gp`. Runs that were killed, still run, or ran dry are drawn as\n"
    "far as they go; a chart without data is skipped with the reason.\n"
    "    --out DIR   the folder to draw into, made if missing\n"
    "    --help      this text\n"
    "Exit status: 0 drawn, 1 failed, 2 bad request.\n";

typedef struct Request {
    const char *file[PLOT_RUNS_MAX];
    int files;
    const char *out; /* NULL: the default */
    bool help;
} Request;

static bool parse(Request *request, int argc, char **argv, Error *error)
{
    bool options = true;
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i];
        if (options && !strcmp(arg, "--"))
            options = false;
        else if (options && (!strcmp(arg, "--help") || !strcmp(arg, "-h")))
            request->help = true;
        else if (options && !strncmp(arg, "--out=", 6))
            request->out = arg + 6;
        else if (options && !strcmp(arg, "--out")) {
            if (i + 1 == argc) return error_set(error, "--out needs a folder; try --out DIR");
            request->out = argv[++i];
        } else if (options && arg[0] == '-')
            return error_set(error, "%s: no such option of sim plot; try sim plot --help", arg);
        else if (request->files == PLOT_RUNS_MAX)
            return error_set(error, "%s: at most %d run files fit one chart; give fewer", arg, PLOT_RUNS_MAX);
        else
            request->file[request->files++] = arg;
    }
    if (request->out && !request->out[0]) return error_set(error, "--out is empty; try --out DIR");
    return true;
}

/* Beside the first run: its STEM-charts, or compare-charts for several. */
static bool choose_folder(const Request *request, char folder[PLOT_PATH], Error *error)
{
    if (request->out) return plot_join(folder, request->out, "", error);
    char stem[PLOT_LABEL], name[PLOT_LABEL + 16], beside[PLOT_PATH];
    plot_stem(request->file[0], stem, sizeof stem);
    snprintf(name, sizeof name, "%s-charts", request->files > 1 ? "compare" : stem);
    const char *slash = strrchr(request->file[0], '/');
    const int length = slash ? (int)(slash - request->file[0]) + 1 : 0;
    if (length >= PLOT_PATH) return error_set(error, "%.60s...: the path is too long", request->file[0]);
    snprintf(beside, sizeof beside, "%.*s", length, request->file[0]);
    return plot_join(folder, beside, name, error);
}

static bool exists_in(const char *folder, const char *name)
{
    char file[80], path[PLOT_PATH];
    snprintf(file, sizeof file, "%s.png", name);
    return plot_join(path, folder, file, NULL) && access(path, F_OK) == 0;
}

/* Writes the script of one chart; `*written` false when there is nothing to draw. */
static bool write_chart(int chart, const PlotRun *runs, int count, const char *templates, const char *folder,
                        bool *written, Error *error)
{
    char why[1024], *data = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&data, &size);
    if (!out) return error_set(error, "cannot keep the data of a chart: %s", strerror(errno));
    *written = charts[chart].write(out, runs, count, why, sizeof why);
    if (fclose(out)) {
        free(data);
        return error_set(error, "cannot keep the data of a chart: %s", strerror(ENOMEM));
    }
    if (!*written && why[0])
        printf("%-19s skipped: %s%s\n", charts[chart].name, why,
               exists_in(folder, charts[chart].name) ? " (the picture of an earlier call stays there)" : "");
    else if (*written && why[0])
        printf("%-19s leaves out %s\n", charts[chart].name, why);
    const bool done = !*written || plot_write_script(templates, charts[chart].name, data, folder, error);
    free(data);
    return done;
}

/* Draws PNG and SVG of each written chart; all scripts are there before, in case gnuplot is not. */
static bool draw_charts(const bool written[CHARTS], const char *folder, Error *error)
{
    static const char *const formats[] = {"png", "svg"};
    for (int chart = 0; chart < CHARTS; chart++) {
        if (!written[chart]) continue;
        for (int f = 0; f < 2; f++) {
            const PlotDrawn drawn = plot_draw(folder, charts[chart].name, formats[f], error);
            if (drawn == PLOT_FAILED) return false;
            if (drawn == PLOT_NO_GNUPLOT)
                return error_set(
                    error,
                    "gnuplot is not installed; install it (Debian, Ubuntu: apt install gnuplot-nox) "
                    "and repeat, or draw the .gp files in %s elsewhere with: gnuplot NAME.gp",
                    folder);
        }
        printf("%-19s %s%s%s.png, .svg, .gp\n", charts[chart].name, folder,
               folder[strlen(folder) - 1] == '/' ? "" : "/", charts[chart].name);
        fflush(stdout);
    }
    return true;
}

static bool plot_runs(PlotRun *runs, int count, const Request *request, const char *program_directory,
                      Error *error)
{
    char folder[PLOT_PATH], templates[PLOT_PATH];
    plot_label_runs(runs, count);
    if (!plot_find_templates(program_directory, templates, error) || !choose_folder(request, folder, error) ||
        !plot_make_folder(folder, error))
        return false;
    bool written[CHARTS] = {false};
    for (int chart = 0; chart < CHARTS; chart++)
        if (!write_chart(chart, runs, count, templates, folder, &written[chart], error)) return false;
    return draw_charts(written, folder, error);
}

int plot_command(int argc, char **argv, const char *program_directory)
{
    Request request = {.files = 0};
    Error error;
    if (!parse(&request, argc, argv, &error)) {
        fprintf(stderr, "sim: plot: %s\n", error.text);
        return 2;
    }
    if (request.help) {
        fputs(help, stdout);
        return fflush(stdout) ? 1 : 0;
    }
    if (request.files == 0) {
        fputs("sim: plot: no run file given; try sim plot results/NAME.h5, or sim plot --help\n", stderr);
        return 2;
    }
    PlotRun *runs = allocate_zeroed((size_t)request.files, sizeof *runs);
    int status = 0;
    for (int i = 0; i < request.files && status == 0; i++) {
        /* a file that is not there or is none of ours is a bad request */
        if (!plot_run_read(&runs[i], request.file[i], &error)) status = 2;
    }
    if (status == 0 && !plot_runs(runs, request.files, &request, program_directory, &error)) status = 1;
    if (status) fprintf(stderr, "sim: plot: %s\n", error.text);
    for (int i = 0; i < request.files; i++) plot_run_free(&runs[i]);
    free(runs);
    return status;
}
