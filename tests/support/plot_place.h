/* plot_place.h - what tests of `sim plot` and other commands share: a folder, calls of them, looks at what they wrote. */
#ifndef TESTS_SUPPORT_PLOT_PLACE_H
#define TESTS_SUPPORT_PLOT_PLACE_H
#include <limits.h>
#include <stdio.h>
#include "tests/support/folder.h"

enum { SAID = 8192 };

/* A folder of the test's own, where the program would lie, and what was last printed. */
typedef struct PlotPlace {
    char folder[FOLDER], program[PATH_MAX], said[SAID];
} PlotPlace;

/* cmocka's: *state is the test's PlotPlace. */
int plot_setup(void **state);
/* The same, with a gnuplot that draws nothing but what ends a picture: for tests that read scripts and words, beside
 * others of the same charts that are drawn. */
int plot_setup_undrawn(void **state);
int plot_teardown(void **state);
/* The path of a name in the folder; the last sixteen hold. */
const char *in_folder(const PlotPlace *place, const char *name);
/* The same of a file with this text. */
const char *written_in(const PlotPlace *place, const char *name, const char *text);

/* Between these two calls, what is printed on both streams lands in place->said. */
typedef struct Capture {
    FILE *said;
    int out, err;
} Capture;
Capture capture(void);
void captured(PlotPlace *place, Capture c);

/* Runs sim NAME, which `command` is, on words given up to NULL, fewer than 63 of them: its exit status. */
typedef int PlaceCommand(int argc, char **argv, const PlotPlace *place);
int command_words(PlotPlace *place, const char *name, PlaceCommand *command, const char *const *words);
/* Of sim plot. */
int plot_words(PlotPlace *place, const char *const *words);
#define PLOT(place, ...) plot_words(place, (const char *const[]){__VA_ARGS__, NULL})
/* As SVG alone, and one chart: a PNG of the same script takes seven times as long. */
#define PLOT_SVG(place, ...) PLOT(place, "--format", "svg", __VA_ARGS__)
#define PLOT_CHART(place, chart, ...) PLOT_SVG(place, "--charts", chart, __VA_ARGS__)

/* All of a file, not empty and below 1 MB; the caller frees it. */
char *text_of(const char *path);
/* `part` stands in the text, or in the file. */
void assert_says(const char *text, const char *part);
/* One line, which begins so and has the part in it. */
void assert_refuses(const char *said, const char *begins, const char *part);
void assert_file_says(const char *path, const char *part);
/* `text` is written in an SVG, within its bounds as often as it is. */
void assert_in_picture(const char *svg, const char *text);
/* folder/NAME in the place is an SVG and a script; and a PNG. */
void assert_drawn(const PlotPlace *place, const char *folder, const char *name);
void assert_drawn_png(const PlotPlace *place, const char *folder, const char *name);
#endif
