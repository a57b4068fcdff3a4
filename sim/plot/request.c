/* request.c - the options of `sim plot`, and its help. */
#include "sim/plot/request.h"
#include <stdlib.h>
#include <string.h>
#include "sim/base/option.h"
#include "sim/base/words.h"

void plot_request_help(FILE *out)
{
    fputs(
        "sim plot RUN.h5|FOLDER... [--out DIR] [--charts NAME,...] [--format png,svg,pdf]\n"
        "\n"
        "Draws recorded runs; of a folder all in it that end in .h5, by name. One run: its charts, a bar a\n"
        "rank. Several (up to 32): the same side by side, a bar a run, gantts under each other on one axis.\n"
        "The first is what the others are compared with: losses as |loss - first|, bars in percent.\n"
        "\n",
        out);
    for (int i = 0; i < PLOT_CHARTS; i++)
        fprintf(out, "    %-19s  %s\n", plot_charts[i].name, plot_charts[i].what);
    fputs(
        "\n"
        "    sim plot results/zero3.h5                      -> results/zero3-charts/\n"
        "    sim plot results/dp.h5 results/zero3.h5        -> results/dp+zero3-charts/\n"
        "    sim plot a.h5 b.h5 --out /tmp/ab               -> /tmp/ab/\n"
        "    sim plot results/dp.h5 results                 dp.h5, and what else lies in results/\n"
        "    sim plot results --charts loss,memory --format pdf\n"
        "\n"
        "Each chart is a picture and the NAME.gp that drew it: it holds the numbers and the style, so edit\n"
        "it and run `gnuplot NAME.gp`. Drawn again, files as sim wrote them are replaced; others, such as\n"
        "these two then, are kept as NAME.1.gp and NAME.1.png. Runs that were killed, still run, or ran dry\n"
        "are drawn as far as they go; a chart without data is skipped with the reason. index.html beside\n"
        "the charts shows them with what sim report says, for a browser.\n"
        "    --out DIR          the folder to draw into, made if missing\n"
        "    --charts NAME,...  only these\n"
        "    --format LIST      of png, svg and pdf; png,svg unless given\n"
        "    --help             this text\n"
        "Exit status: 0 drawn, 1 failed, 2 bad request.\n",
        out);
}

/* One name of a list. */
static bool want(const char *option, const char *kind, const char *name, const char *const *names,
                 bool *wanted, Error *error)
{
    char shown[100], all[512];
    words_join(all, sizeof all, names);
    if (!name[0]) return error_set(error, "%s: a %s's name is missing; there are %s", option, kind, all);
    for (int i = 0; names[i]; i++)
        if (!strcmp(names[i], name)) return wanted[i] = true;
    const char *nearest = words_nearest(name, names);
    words_show(shown, sizeof shown, name);
    return error_set(error, "%s: '%s' is no %s; %s%s%sthere are %s", option, shown, kind,
                     nearest ? "try " : "", nearest ? nearest : "", nearest ? "; " : "", all);
}

/* Adds what a list "a,b" names, of `names` up to NULL, to what is wanted. */
static bool want_all(const char *option, const char *kind, const char *list, const char *const *names,
                     bool *wanted, Error *error)
{
    char *copy = words_copy(list), *rest = copy, *name;
    bool good = true;
    while (good && (name = strsep(&rest, ","))) good = want(option, kind, name, names, wanted, error);
    free(copy);
    return good;
}

static bool want_charts(PlotRequest *request, const char *list, Error *error)
{
    const char *names[PLOT_CHARTS + 1] = {NULL};
    for (int i = 0; i < PLOT_CHARTS; i++) names[i] = plot_charts[i].name;
    request->named = true;
    return want_all("--charts", "chart", list, names, request->chart, error);
}

static bool parse_option(PlotRequest *request, int argc, char **argv, int *i, Error *error)
{
    const char *word = argv[*i], *value;
    if (!strcmp(word, "--help") || !strcmp(word, "-h")) return request->help = true;
    if ((value = option_value("--out", argc, argv, i))) {
        return option_once("--out", &request->out, value, error) &&
               (value[0] || error_set(error, "--out needs a folder; try --out DIR"));
    }
    if ((value = option_value("--charts", argc, argv, i))) return want_charts(request, value, error);
    if ((value = option_value("--format", argc, argv, i)))
        return want_all("--format", "format", value, plot_format_names, request->format, error);
    return error_set(error, "%s: no such option of sim plot; try sim plot --help", word);
}

bool plot_request_parse(PlotRequest *request, int argc, char **argv, Error *error)
{
    bool options = true, formats = false;
    *request = (PlotRequest){.path = allocate((size_t)argc * sizeof *request->path)};
    for (int i = 1; i < argc; i++) {
        if (options && !strcmp(argv[i], "--"))
            options = false;
        else if (!options || argv[i][0] != '-')
            request->path[request->paths++] = argv[i];
        else if (!parse_option(request, argc, argv, &i, error))
            return false;
    }
    for (int f = 0; f < PLOT_FORMATS; f++) formats = formats || request->format[f];
    if (!formats) request->format[PLOT_PNG] = request->format[PLOT_SVG] = true;
    for (int c = 0; c < PLOT_CHARTS && !request->named; c++) request->chart[c] = true;
    if (request->help || request->paths) return true;
    return error_set(error, "no run file given; try sim plot results/NAME.h5, or sim plot --help");
}
