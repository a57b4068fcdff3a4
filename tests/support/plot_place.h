/* plot_place.h - what tests of `sim plot` share: a folder, a call of it, looks at what it wrote. */
#ifndef TESTS_SUPPORT_PLOT_PLACE_H
#define TESTS_SUPPORT_PLOT_PLACE_H
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "models/machine/tensor.h"
#include "sim/plot/plot.h"
#include "tests/support/check.h"

enum { SAID = 8192 };

/* A folder of the test's own, and where the program would lie. */
typedef struct PlotPlace {
    char folder[64], program[PATH_MAX], said[SAID];
} PlotPlace;

static inline int setup(void **state)
{
    PlotPlace *place = allocate_zeroed(1, sizeof *place);
    snprintf(place->folder, sizeof place->folder, "/tmp/sim-test-plot-XXXXXX");
    if (!mkdtemp(place->folder)) return -1;
    if (readlink("/proc/self/exe", place->program, sizeof place->program - 1) < 0) return -1;
    *strrchr(place->program, '/') = '\0'; /* build/tests: as deep as build/bin */
    *state = place;
    return 0;
}

static inline int teardown(void **state)
{
    PlotPlace *place = *state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", place->folder);
    const int status = system(command);
    free(place);
    return status;
}

static inline const char *in_folder(const PlotPlace *place, const char *name)
{
    static char path[16][256]; /* a test names some paths at once */
    static int turn;
    turn = (turn + 1) % 16;
    snprintf(path[turn], sizeof path[turn], "%s/%s", place->folder, name);
    return path[turn];
}

/* Between these two calls, what is printed on both streams lands in place->said. */
typedef struct Capture {
    FILE *said;
    int out, err;
} Capture;

static inline Capture capture(void)
{
    fflush(NULL);
    const Capture c = {tmpfile(), dup(STDOUT_FILENO), dup(STDERR_FILENO)};
    dup2(fileno(c.said), STDOUT_FILENO);
    dup2(fileno(c.said), STDERR_FILENO);
    return c;
}

static inline void captured(PlotPlace *place, Capture c)
{
    fflush(NULL);
    dup2(c.out, STDOUT_FILENO);
    dup2(c.err, STDERR_FILENO);
    close(c.out);
    close(c.err);
    rewind(c.said);
    place->said[fread(place->said, 1, SAID - 1, c.said)] = '\0';
    fclose(c.said);
}

/* Runs sim plot on words given up to NULL, fewer than 63 of them. */
static inline int plot(PlotPlace *place, const char *const *words)
{
    char *argv[64] = {"plot"};
    int argc = 1;
    for (; words[argc - 1]; argc++) argv[argc] = (char *)words[argc - 1];
    const Capture c = capture();
    const int status = plot_command(argc, argv, place->program);
    captured(place, c);
    return status;
}
#define PLOT(place, ...) plot(place, (const char *const[]){__VA_ARGS__, NULL})

static inline bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static inline char *text_of(const char *path)
{
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    char *text = allocate_zeroed(1, 1 << 20);
    const size_t got = fread(text, 1, (1 << 20) - 1, in);
    assert_true(got > 0);
    fclose(in);
    return text;
}

static inline void assert_says(const char *text, const char *part)
{
    if (!strstr(text, part)) print_error("'%s' is not in:\n%s\n", part, text);
    assert_non_null(strstr(text, part));
}

static inline void assert_file_says(const char *path, const char *part)
{
    char *text = text_of(path);
    assert_says(text, part);
    free(text);
}

/* Whether folder/NAME is a PNG, an SVG and a script. */
static inline void assert_drawn(const PlotPlace *place, const char *folder, const char *name)
{
    static const char *const formats[] = {"png", "svg", "gp"};
    for (int i = 0; i < 3; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s/%s.%s", place->folder, folder, name, formats[i]);
        struct stat about;
        assert_int_equal(stat(path, &about), 0);
        assert_true(about.st_size > 1000);
    }
}
#endif
