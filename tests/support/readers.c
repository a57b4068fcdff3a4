/* readers.c - report, plot, trace, inspect and baseline under watch. */
#include "tests/support/readers.h"
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "sim/inspect/inspect.h"
#include "sim/plot/plot.h"
#include "sim/report/report.h"
#include "sim/run/baseline.h"
#include "sim/trace/trace_command.h"
#include "tests/support/check.h"
#include "tests/support/sample_run.h"

const char *const reader_name[READERS] = {"report", "plot", "trace", "inspect", "baseline"};

enum { SECONDS_MOST = 2, MEGABYTES_MOST = 1000, PATIENCE = 20 };
static const char no_gnuplot[] = "gnuplot is not installed";

static int refused(const Error *error)
{
    fprintf(stderr, "sim: %s\n", error->text);
    return 2;
}

static int read_baseline(const char *path, Error *error)
{
    Config config;
    Baseline baseline;
    sample_config(&config);
    snprintf(config.output.baseline, sizeof config.output.baseline, "%s", path);
    const bool read = baseline_read(&baseline, &config, error);
    if (read) printf("%lld losses\n", (long long)baseline.steps);
    baseline_free(&baseline);
    config_free(&config);
    return read ? 0 : refused(error);
}

static int read_as(Reader reader, const char *path, const char *folder)
{
    Error error;
    char program[PATH_MAX] = "";
    char *words[] = {"plot", (char *)path, "--out", (char *)folder},
         *trace_words[] = {"trace", (char *)path, "--out", "-"}, *inspect_words[] = {"inspect", (char *)path};
    switch (reader) {
    case READ_REPORT: return report_run(path, false, &error) ? 0 : refused(&error);
    case READ_PLOT:
        setenv("PATH", "/nowhere", 1);
        if (readlink("/proc/self/exe", program, sizeof program - 1) < 0) return 3;
        *strrchr(program, '/') = '\0';
        return plot_command(4, words, program);
    case READ_TRACE: return trace_command(4, trace_words);
    case READ_INSPECT: return inspect_command(2, inspect_words);
    default: return read_baseline(path, &error);
    }
}

void readers_read(Reading *r, Reader reader, const char *path, const char *folder)
{
    FILE *said = tmpfile();
    assert_non_null(said);
    fflush(NULL);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(fileno(said), STDOUT_FILENO);
        dup2(fileno(said), STDERR_FILENO);
        alarm(PATIENCE);
        exit(read_as(reader, path, folder));
    }
    int status;
    struct rusage used;
    assert_int_equal(wait4(child, &status, 0, &used), child);
    r->status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    r->seconds = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                 1e-6 * (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
    r->megabytes = (double)used.ru_maxrss / 1024;
    rewind(said);
    r->said[fread(r->said, 1, SAID_MOST - 1, said)] = '\0';
    fclose(said);
    r->lines = 0;
    for (const char *at = r->said; at; at = strchr(at, '\n'), at = at ? at + 1 : NULL)
        r->lines += !strncmp(at, "sim: ", 5);
}

static bool all_scripts(const Reading *r)
{
    return r->status == 1 && strstr(r->said, no_gnuplot);
}

int readers_accepted(const Reading *r)
{
    return r->status == 0 || all_scripts(r);
}

void readers_judge(const Reading *r, char *why, size_t size)
{
    const char *end = strchr(r->said, '\n');
    why[0] = '\0';
    if (r->status != 0 && r->status != 2 && !all_scripts(r))
        snprintf(why, size, "status %d: %.1500s", r->status, r->said);
    else if (r->status == 2 && (r->lines != 1 || strncmp(r->said, "sim: ", 5) != 0 || !end || end[1]))
        snprintf(why, size, "not one line: %.1500s", r->said);
    else if (r->seconds > SECONDS_MOST)
        snprintf(why, size, "%.1f s", r->seconds);
    else if (r->megabytes > MEGABYTES_MOST)
        snprintf(why, size, "%.0f MB", r->megabytes);
}
