/* draw.h - from a template and a chart's data to NAME.gp, and the pictures that it draws. */
#ifndef SIM_PLOT_DRAW_H
#define SIM_PLOT_DRAW_H
#include <stddef.h>
#include "models/machine/error.h"

enum { PLOT_PATH = 4096 };

/* "folder/name"; false when it does not fit. */
bool plot_join(char path[PLOT_PATH], const char *folder, const char *name, Error *error);

/* The folder of the templates: installed beside the program, or in its source tree. */
bool plot_find_templates(const char *program_directory, char folder[PLOT_PATH], Error *error);

/* Writes folder/name.gp: the template name.gp with each line load '...' replaced
 * by what it names, 'data.gp' by `data`. So the file needs no other. One that
 * is there and not as sim wrote it is kept, and a line on stdout says as what. */
bool plot_write_script(const char *templates, const char *name, const char *data, const char *folder,
                       Error *error);

typedef enum { PLOT_PNG, PLOT_SVG, PLOT_PDF, PLOT_FORMATS } PlotFormat;
extern const char *const plot_format_names[PLOT_FORMATS + 1]; /* "png", ... and NULL */

typedef enum { PLOT_DRAWN, PLOT_FAILED, PLOT_NO_GNUPLOT } PlotDrawn;
/* Lets gnuplot draw folder/name.FORMAT from folder/name.gp. The picture
 * appears only when it is whole, and one that sim did not draw is kept likewise. */
PlotDrawn plot_draw(const char *folder, const char *name, PlotFormat format, Error *error);
#endif
