/* report_command.c - `sim report`: which runs, in which form. */
#include "sim/report/report_command.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"
#include "sim/base/option.h"
#include "sim/base/progress.h"
#include "sim/base/standard.h"
#include "sim/file/run_files.h"
#include "sim/report/compare.h"
#include "sim/report/report.h"
#include "sim/report/table.h"

static const char help[] =
    "sim report RUN.h5|FOLDER... [--csv | --json]\n"
    "\n"
    "One run: loss, bytes, memory and bubble beside their formulas, and where simulated time went. Several\n"
    "runs, or those of a folder: the figures of each side by side in one table.\n"
    "    --csv    a run a row, units in the columns' names (_bytes, _s, _ratio, _nats), numbers in full\n"
    "    --json   the same as an array of objects; null: unknown\n"
    "Bytes are those of the last finished step, speed and time means of the last tenth of the steps,\n"
    "and what differs over ranks is that of the rank with the most.\n"
    "\n"
    "    sim report results/zero3.h5\n"
    "    sim report results/{ddp,zero1,zero2,zero3}.h5\n"
    "    sim report results --csv > runs.csv\n"
    "Exit status: 0 printed, 1 failed, 2 bad request.\n";

typedef struct Request {
    Given given; /* files and folders */
    bool csv, json;
} Request;

static bool parse(Request *r, int argc, char **argv, Error *error)
{
    const Option option[] = {{"--csv", &r->csv, NULL}, {"--json", &r->json, NULL}};
    if (!options_read("report", option, sizeof option / sizeof *option, argc, argv, &r->given, error))
        return false;
    if (r->csv && r->json) return error_set(error, "--csv and --json are two forms; try one of them");
    return r->given.help || r->given.words ||
           error_set(error, "no run file given; try sim report results/NAME.h5, or sim report --help");
}

static bool read_run(RunTable *table, size_t i, const char *path, Error *error)
{
    RunFile *run = run_file_open(path, error);
    bool read = run && compare_read(table, i, run, error);
    run_file_close(run);
    return read;
}

/* All files are read before anything is printed. */
static bool compare(const Request *r, const RunFiles *files, Error *error)
{
    RunTable table = {.runs = files->count};
    bool ok = true;
    Progress progress;
    progress_begin_aside(&progress, (double)files->count);
    for (size_t i = 0; i < files->count && ok; i++) {
        ok = read_run(&table, i, files->path[i], error);
        if (ok && progress_due(&progress, (double)i + 1))
            progress_show(&progress, "%zu of %zu runs read", i + 1, files->count);
    }
    progress_end(&progress);
    if (ok) (r->csv ? run_table_csv : r->json ? run_table_json : run_table_print)(&table);
    run_table_free(&table);
    return ok;
}

static bool report(const Request *r, RunFiles *files, Error *error)
{
    for (int i = 0; i < r->given.words; i++)
        if (!run_files_add(files, r->given.word[i], error)) return false;
    run_files_tell(files, "report");
    if (files->count == 1 && !r->csv && !r->json) return report_run(files->path[0], false, error);
    return compare(r, files, error);
}

int report_command(int argc, char **argv)
{
    Request request = {.csv = false};
    RunFiles files = {.count = 0};
    Error error;
    int status = STATUS_OK;
    if (!parse(&request, argc, argv, &error)) {
        fprintf(stderr, "sim: report: %s\n", error.text);
        status = STATUS_BAD_REQUEST;
    } else if (request.given.help)
        fputs(help, stdout);
    else if (!report(&request, &files, &error)) {
        fprintf(stderr, "sim: %s\n", error.text);
        status = STATUS_BAD_REQUEST;
    }
    run_files_free(&files);
    return status;
}
