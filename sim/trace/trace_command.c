/* trace_command.c - `sim trace`: of which run, by which clock, and where it goes. */
#include "sim/trace/trace_command.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"
#include "sim/base/draft.h"
#include "sim/base/option.h"
#include "sim/base/posix.h"
#include "sim/base/standard.h"
#include "sim/base/words.h"
#include "sim/trace/trace.h"

static const char help[] =
    "sim trace RUN.h5 [--out FILE] [--measured]\n"
    "\n"
    "The step whose actions a run recorded, as JSON in Chrome's Trace Event Format: open the file in\n"
    "https://ui.perfetto.dev, which keeps it in the browser, or in chrome://tracing. A process is a rank,\n"
    "with its place in the grid; a thread is one of its lanes: compute, network. A slice is an action; in\n"
    "it, what it spent computing again (shown first) and waiting for messages (shown last): the run records\n"
    "how long these took, not when. Arrows are messages between stages, and counters the memory held, by\n"
    "category, as each action ended. Times are whole ns.\n"
    "    --out FILE    in place of RUN.trace.json beside the run; - is standard output\n"
    "    --measured    the wall clock of a real run, of each rank since it began the step, in place of\n"
    "                  simulated time; arrows may then seem to lead back\n"
    "Under hardware.profile = ideal one F, a microbatch's forward on one rank, is shown as 1 s. A file that\n"
    "is there already is kept as RUN.trace.1.json.\n"
    "\n"
    "    sim trace results/1f1b.h5                   -> results/1f1b.trace.json\n"
    "    sim trace results/1f1b.h5 --out - | gzip > 1f1b.json.gz\n"
    "Exit status: 0 written, 1 failed, 2 bad request.\n";

typedef struct Request {
    const char *path, *out;
    bool help, measured;
} Request;

static bool parse(Request *r, int argc, char **argv, Error *error)
{
    const Option option[] = {{"--measured", &r->measured, NULL}, {"--out", NULL, &r->out}};
    Given g;
    if (!options_read("trace", option, sizeof option / sizeof *option, argc, argv, &g, error)) return false;
    r->help = g.help;
    r->path = g.words ? g.word[0] : NULL;
    if (r->out && !r->out[0]) return error_set(error, "--out needs a file; try --out FILE, or - to print it");
    for (int i = 0; i < g.words; i++)
        if (!g.word[i][0]) return error_set(error, "the run's name is empty; try sim trace results/NAME.h5");
    if (g.words > 1)
        return error_set(error, "%s: given after %s; try one run at a time", g.word[1], g.word[0]);
    return r->help || r->path ||
           error_set(error, "no run file given; try sim trace results/NAME.h5, or sim trace --help");
}

/* "results/zero3.trace.json" of "results/zero3.h5". */
static char *place_beside(const char *path)
{
    static const char ending[] = ".trace.json";
    const size_t length = strlen(path) - (words_end_in(path, ".h5") ? strlen(".h5") : 0);
    char *place = allocate(length + sizeof ending);
    memcpy(place, path, length);
    memcpy(place + length, ending, sizeof ending);
    return place;
}

static void tell(const Trace *trace, const Draft *draft)
{
    char *shown = words_shown(draft->path), *kept = words_shown(draft->kept ? draft->kept : "");
    printf("%s: %d of %d rank%s, %zu action%s, %lld message%s; %s\n", shown, trace->ranks, trace->run->ranks,
           words_s(trace->run->ranks), trace->actions, words_s((int64_t)trace->actions),
           (long long)trace->messages, words_s(trace->messages), trace_clock(trace));
    if (*kept) printf("the file of that name is %s now\n", kept);
    free(kept);
    free(shown);
}

static bool write_file(const Trace *trace, const char *path, Error *error)
{
    Draft draft;
    if (!draft_begin(&draft, path, error)) return false;
    const bool good = draft_fill(&draft, trace_write, trace, error) && draft_place(&draft, NULL, error);
    if (good) tell(trace, &draft);
    draft_end(&draft);
    return good;
}

/* What standard output could not take is told by whoever ends the program (standard.h). */
static int write_out(const Trace *trace, const char *out, Error *error)
{
    if (out && !strcmp(out, "-")) {
        trace_write(stdout, trace);
        return STATUS_OK;
    }
    char *beside = out ? NULL : place_beside(trace->run->path);
    const char *path = out ? out : beside;
    int status = STATUS_BAD_REQUEST;
    if (files_prepare(path, error) && draft_is_possible(path, error))
        status = write_file(trace, path, error) ? STATUS_OK : STATUS_FAILED;
    free(beside);
    return status;
}

static int trace_run(const Request *r, Error *error)
{
    Trace trace;
    int status = STATUS_BAD_REQUEST;
    if (r->out && files_same(r->out, r->path)) {
        error_set(error, "--out %s is the run itself; try another name", r->out);
        return status;
    }
    if (trace_read(&trace, r->path, r->measured, error)) status = write_out(&trace, r->out, error);
    trace_free(&trace);
    return status;
}

int trace_command(int argc, char **argv)
{
    Request request = {0};
    Error error;
    int status = parse(&request, argc, argv, &error) ? STATUS_OK : STATUS_BAD_REQUEST;
    if (status == STATUS_OK && request.help)
        fputs(help, stdout);
    else if (status == STATUS_OK)
        status = trace_run(&request, &error);
    if (status != STATUS_OK) fprintf(stderr, "sim: trace: %s\n", error.text);
    return status;
}
