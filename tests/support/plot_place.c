/* plot_place.c - calling commands, and looking at what it wrote. */
#include "tests/support/plot_place.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "models/machine/tensor.h"
#include "sim/plot/plot.h"
#include "tests/support/check.h"
#include "models/machine/error.h"

int plot_setup(void **state)
{
    PlotPlace *place = allocate_zeroed(1, sizeof *place);
    if (folder_make(place->folder)) return -1;
    if (readlink("/proc/self/exe", place->program, sizeof place->program - 1) < 0) return -1;
    /* beside tests/sim there is bin, where the program is */
    for (int i = 0; i < 3; i++) *strrchr(place->program, '/') = '\0';
    strcat(place->program, "/bin");
    *state = place;
    return 0;
}

int plot_setup_undrawn(void **state)
{
    /* called as: gnuplot -d -e "fmt='png'; out='NAME'" SCRIPT */
    static const char stand_in[] = "#!/bin/sh\neval \"$3\"\ncase $fmt in png) printf "
                                   "'\\211PNG\\r\\n....IEND\\256B`\\202' >$out ;; pdf) echo %%EOF >$out ;; "
                                   "*) echo '<svg></svg>' >$out ;; esac\n";
    char path[PATH_MAX + FOLDER];
    if (plot_setup(state)) return -1;
    const PlotPlace *place = *state;
    FILE *out = fopen(in_folder(place, "gnuplot"), "w");
    if (!out || fputs(stand_in, out) < 0 || fclose(out) || chmod(in_folder(place, "gnuplot"), 0755))
        return -1;
    snprintf(path, sizeof path, "%s:%s", place->folder, getenv("PATH"));
    setenv("SIM_TEST_PATH", getenv("PATH"), 0);
    return setenv("PATH", path, 1);
}

int plot_teardown(void **state)
{
    PlotPlace *place = *state;
    if (getenv("SIM_TEST_PATH")) setenv("PATH", getenv("SIM_TEST_PATH"), 1);
    const int status = folder_remove(place->folder);
    free(place);
    return status;
}

const char *in_folder(const PlotPlace *place, const char *name)
{
    static char path[16][256]; /* a test names some paths at once */
    static int turn;
    turn = (turn + 1) % 16;
    snprintf(path[turn], sizeof path[turn], "%s/%s", place->folder, name);
    return path[turn];
}

const char *written_in(const PlotPlace *place, const char *name, const char *text)
{
    const char *path = in_folder(place, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    bool written = fputs(text, file) >= 0;
    assert_true(fclose(file) == 0 && written);
    return path;
}

Capture capture(void)
{
    fflush(NULL);
    const Capture c = {tmpfile(), dup(STDOUT_FILENO), dup(STDERR_FILENO)};
    dup2(fileno(c.said), STDOUT_FILENO);
    dup2(fileno(c.said), STDERR_FILENO);
    return c;
}

void captured(PlotPlace *place, Capture c)
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

int command_words(PlotPlace *place, const char *name, PlaceCommand *command, const char *const *words)
{
    char *argv[64] = {(char *)(uintptr_t)name};
    int argc = 1;
    for (; words[argc - 1]; argc++) argv[argc] = (char *)(uintptr_t)words[argc - 1];
    const Capture c = capture();
    const int status = command(argc, argv, place);
    captured(place, c);
    return status;
}

static int plot(int argc, char **argv, const PlotPlace *place)
{
    return plot_command(argc, argv, place->program);
}

int plot_words(PlotPlace *place, const char *const *words)
{
    return command_words(place, "plot", plot, words);
}

char *text_of(const char *path)
{
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    char *text = allocate_zeroed(1, 1 << 20);
    const size_t got = fread(text, 1, (1 << 20) - 1, in);
    assert_true(got > 0);
    fclose(in);
    return text;
}

void assert_says(const char *text, const char *part)
{
    if (!strstr(text, part)) print_error("'%s' is not in:\n%s\n", part, text);
    assert_non_null(strstr(text, part));
}

void assert_refuses(const char *said, const char *begins, const char *part)
{
    size_t length = strlen(said);
    if (strncmp(said, begins, strlen(begins)) != 0) print_error("not after '%s': %s\n", begins, said);
    assert_int_equal(strncmp(said, begins, strlen(begins)), 0);
    assert_says(said, part);
    assert_true(length > 0 && strchr(said, '\n') == said + length - 1);
}

void assert_file_says(const char *path, const char *part)
{
    char *text = text_of(path);
    assert_says(text, part);
    free(text);
}

void assert_in_picture(const char *svg, const char *text)
{
    char *picture = text_of(svg), element[256];
    double width = 0, height = 0, x = -1, y = -1;
    const char *box = strstr(picture, "viewBox=\"0 0 ");
    assert_true(box && sscanf(box, "viewBox=\"0 0 %lf %lf", &width, &height) == 2);
    snprintf(element, sizeof element, ">%s</tspan>", text);
    const char *found = strstr(picture, element);
    if (!found) fail_msg("'%s' is not written in %s", text, svg);
    for (; found; found = strstr(found + 1, element)) {
        const char *place = found;
        while (place > picture && strncmp(place, "translate(", 10) != 0) place--;
        assert_int_equal(sscanf(place, "translate(%lf,%lf", &x, &y), 2);
        if (x < 0 || x + 6 * (double)strlen(text) > width || y < 0 || y > height)
            fail_msg("'%s' is at %g, %g of %g x %g in %s", text, x, y, width, height, svg);
    }
    free(picture);
}

static void assert_there(const PlotPlace *place, const char *folder, const char *name, const char *format)
{
    char path[256];
    struct stat about;
    snprintf(path, sizeof path, "%s/%s/%s.%s", place->folder, folder, name, format);
    assert_int_equal(stat(path, &about), 0);
    assert_true(about.st_size > 1000);
}

void assert_drawn(const PlotPlace *place, const char *folder, const char *name)
{
    assert_there(place, folder, name, "svg");
    assert_there(place, folder, name, "gp");
}

void assert_drawn_png(const PlotPlace *place, const char *folder, const char *name)
{
    assert_drawn(place, folder, name);
    assert_there(place, folder, name, "png");
}
