/* single.c - data in memory, a script, two pictures. */
#include "sim/plot/single.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "sim/base/posix.h"
#include "sim/plot/draw.h"

static bool draw_as(const char *folder, const char *name, PlotFormat format, Error *error)
{
    PlotDrawn drawn = plot_draw(folder, name, format, error);
    if (drawn == PLOT_NO_GNUPLOT)
        error_set(error,
                  "gnuplot is not installed; install it (Debian, Ubuntu: apt install gnuplot-nox), or draw "
                  "%s.gp elsewhere",
                  name);
    return drawn == PLOT_DRAWN;
}

bool plot_single(const PlotSingle *s, const char *program_directory, const char *folder, Error *error)
{
    char templates[PLOT_PATH], *data = NULL;
    size_t size = 0;
    if (!plot_find_templates(program_directory, templates, error) || !files_make_folder(folder, error))
        return false;
    FILE *out = open_memstream(&data, &size);
    if (!out) return error_set(error, "cannot keep the data of a chart: %s", strerror(errno));
    s->write(out, s->context);
    bool good = !fclose(out) || error_set(error, "cannot keep the data of a chart: %s", strerror(ENOMEM));
    good = good && plot_write_script(templates, s->name, data, folder, error) &&
           draw_as(folder, s->name, PLOT_PNG, error) && draw_as(folder, s->name, PLOT_SVG, error);
    free(data);
    return good;
}
