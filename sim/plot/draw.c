/* draw.c - from a template and a chart's data to NAME.gp, and to the pictures that gnuplot draws of it.
 *
 * gnuplot's exit status is no proof: on a full disk it ends with 0 and leaves
 * an empty or cut file. So a picture is drawn under another name, of this
 * process alone, looked at, and renamed. */
#include "sim/plot/draw.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "sim/base/draft.h"
#include "sim/base/mark.h"
#include "sim/base/posix.h"

const char *const plot_format_names[PLOT_FORMATS + 1] = {"png", "svg", "pdf", NULL};

enum { LOADS_MAX = 4, LINE_MAX_BYTES = 1024, NOT_FOUND = 127, NO_FOLDER = 126 };

bool plot_join(char path[PLOT_PATH], const char *folder, const char *name, Error *error)
{
    const size_t length = strlen(folder);
    const char *slash = length == 0 || folder[length - 1] == '/' ? "" : "/";
    if (snprintf(path, PLOT_PATH, "%s%s%s", folder, slash, name) < PLOT_PATH) return true;
    return error_set(error, "%.60s...: the path is longer than %d bytes; use a shorter one", folder,
                     PLOT_PATH - 1);
}

/* ---- the script ---- */

bool plot_find_templates(const char *program_directory, char folder[PLOT_PATH], Error *error)
{
    static const char *const places[] = {"../share/sim/plots", "../../results", "../../../results",
                                         "../../../../results"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char file[PLOT_PATH];
        if (!plot_join(folder, program_directory, places[i], error) ||
            !plot_join(file, folder, "style.gp", error))
            return false;
        if (access(file, R_OK) == 0) return true;
    }
    return error_set(error,
                     "the plot templates (style.gp and others) are neither in %s/%s nor in a folder results/ "
                     "above it; run make install, or the program in its source tree",
                     program_directory, places[0]);
}

/* The file that a line load 'NAME' names. */
static bool is_load(const char *line, char name[64])
{
    char end;
    return sscanf(line, " load '%63[^'/]%c", name, &end) == 2 && end == '\'';
}

static bool copy_template(FILE *out, const char *templates, const char *name, const char *data, int depth,
                          Error *error)
{
    char path[PLOT_PATH], line[LINE_MAX_BYTES], inner[64];
    if (!plot_join(path, templates, name, error)) return false;
    FILE *in = fopen(path, "r");
    if (!in) return error_set(error, "%s: cannot read this plot template: %s", path, strerror(errno));
    bool copied = true;
    while (copied && fgets(line, sizeof line, in)) {
        if (!is_load(line, inner))
            fputs(line, out);
        else if (!strcmp(inner, "data.gp"))
            fputs(data, out);
        else if (depth == LOADS_MAX)
            copied =
                error_set(error, "%s: load '%s' is the %dth load inside another; do they go in a circle?",
                          path, inner, depth + 1);
        else
            copied = copy_template(out, templates, inner, data, depth + 1, error);
    }
    fclose(in);
    return copied;
}

bool plot_write_script(const char *templates, const char *name, const char *data, const char *folder,
                       Error *error)
{
    char file[80], path[PLOT_PATH];
    Draft draft;
    snprintf(file, sizeof file, "%s.gp", name);
    if (!plot_join(path, folder, file, error) || !draft_begin(&draft, path, error)) return false;
    FILE *out = fdopen(draft_hold(&draft), "w");
    bool good = out && copy_template(out, templates, file, data, 1, error);
    const bool whole = out && !fflush(out);
    const int number = errno;
    if (out) fclose(out);
    if ((good || !out) && !whole) good = files_refuse(path, "write", number, error);
    good = good && mark_and_place(&draft, error);
    if (good) mark_tell(name, &draft);
    draft_end(&draft);
    return good;
}

/* ---- the picture ---- */

/* In the child: nothing of ours may be printed, gnuplot's complaints go to `complaints`. */
static _Noreturn void become_gnuplot(const char *folder, const char *settings, const char *script,
                                     int complaints)
{
    const int nowhere = open("/dev/null", O_RDWR);
    dup2(nowhere, STDIN_FILENO);
    dup2(nowhere, STDOUT_FILENO);
    dup2(complaints, STDERR_FILENO);
    if (chdir(folder)) _exit(NO_FOLDER);
    unsetenv(
        "GNUTERM"); /* a terminal of a window, maybe, which gnuplot would look for before it reads a line */
    execlp("gnuplot", "gnuplot", "-d", "-e", settings, script, (char *)NULL); /* -d: no ~/.gnuplot */
    _exit(NOT_FOUND);
}

/* Keeps what fits, reads on to the end, and leaves one line: the last that says something. */
static void read_complaints(int from, char *text, size_t size)
{
    size_t used = 0;
    char rest[512];
    for (;;) {
        const bool room = used + 1 < size;
        const ssize_t got = room ? read(from, text + used, size - 1 - used) : read(from, rest, sizeof rest);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        if (room) used += (size_t)got;
    }
    text[used] = '\0';
    while (used && strchr(" \n\t", text[used - 1])) text[--used] = '\0';
    const char *last = strrchr(text, '\n');
    if (last) memmove(text, last + 1, strlen(last + 1) + 1);
    for (char *p = text; *p; p++)
        if ((unsigned char)*p < 0x20) *p = ' ';
}

/* A whole picture ends as its format demands. */
static bool is_whole(const char *path, PlotFormat format)
{
    static const struct {
        const char *bytes;
        size_t count;
    } ends[PLOT_FORMATS] = {
        [PLOT_PNG] = {"IEND\xae\x42\x60\x82", 8}, [PLOT_SVG] = {"</svg>", 6}, [PLOT_PDF] = {"%%EOF", 5}};
    char tail[64];
    FILE *in = fopen(path, "rb");
    if (!in) return false;
    size_t got = 0;
    if (fseek(in, 0, SEEK_END) == 0) {
        const long size = ftell(in), wanted = size < (long)sizeof tail ? size : (long)sizeof tail;
        if (fseek(in, -wanted, SEEK_END) == 0) got = fread(tail, 1, (size_t)wanted, in);
    }
    fclose(in);
    return memmem(tail, got, ends[format].bytes, ends[format].count) != NULL;
}

/* Runs gnuplot in the folder: its status as waitpid() has it, what it complains of in `said`; -1 when it cannot be
 * started. */
static int run_gnuplot(const char *folder, const char *settings, const char *script, char *said, size_t size)
{
    int ends[2], status = 0;
    if (pipe(ends)) return -1;
    fflush(NULL); /* else the child could print what waits in our buffers */
    const pid_t child = fork();
    if (child == 0) become_gnuplot(folder, settings, script, ends[1]);
    close(ends[1]);
    if (child > 0) read_complaints(ends[0], said, size);
    close(ends[0]);
    if (child < 0) return -1;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    return status;
}

/* Draws into the draft's file. */
static PlotDrawn draw(const Draft *draft, const char *folder, const char *script, PlotFormat format,
                      Error *error)
{
    const char *extension = plot_format_names[format], *picture = draft->path;
    char settings[160], said[1024] = "";
    snprintf(settings, sizeof settings, "fmt='%s'; out='%s'", extension, files_name(draft->temporary));
    const int status = run_gnuplot(folder, settings, script, said, sizeof said);
    if (status == -1)
        error_set(error, "cannot start gnuplot: %s%s", strerror(errno),
                  errno == EAGAIN ? "; raise the limit on processes (ulimit -u)" : "");
    else if (WIFSIGNALED(status))
        error_set(error, "%s: gnuplot was ended by signal %d", picture, WTERMSIG(status));
    else if (WEXITSTATUS(status) == NOT_FOUND)
        return PLOT_NO_GNUPLOT;
    else if (WEXITSTATUS(status) == NO_FOLDER)
        error_set(error, "%s: cannot enter this folder; name another with --out DIR", folder);
    else if (WEXITSTATUS(status) != 0 && strstr(said, "ambiguous terminal"))
        error_set(error,
                  "%s: this gnuplot has no terminal that draws %s; leave %s out of --format, or install one "
                  "that has (Debian, Ubuntu: apt install gnuplot-nox)",
                  picture, extension, extension);
    else if (WEXITSTATUS(status) != 0)
        error_set(error, "%s: gnuplot failed: %s; try gnuplot %s in that folder", picture, said, script);
    else if (!is_whole(draft->temporary, format))
        error_set(error, "%s: gnuplot wrote only a part of the picture; is the disk full?%s%s", picture,
                  said[0] ? " It said: " : "", said);
    else
        return PLOT_DRAWN;
    return PLOT_FAILED;
}

PlotDrawn plot_draw(const char *folder, const char *name, PlotFormat format, Error *error)
{
    char script[80], file[80], picture[PLOT_PATH];
    Draft draft;
    snprintf(script, sizeof script, "%s.gp", name);
    snprintf(file, sizeof file, "%s.%s", name, plot_format_names[format]);
    if (!plot_join(picture, folder, file, error) || !draft_begin(&draft, picture, error)) return PLOT_FAILED;
    PlotDrawn drawn = draw(&draft, folder, script, format, error);
    if (drawn == PLOT_DRAWN && !mark_and_place(&draft, error)) drawn = PLOT_FAILED;
    if (drawn == PLOT_DRAWN) mark_tell(name, &draft);
    draft_end(&draft);
    return drawn;
}
