/* calibrate.c - measuring in turns, fitting, and saying how good the fit is. */
#include "sim/calibrate/calibrate.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "models/kernels/matmul.h"
#include "models/machine/device.h"
#include "parallel/collectives/collectives.h"
#include "sim/base/clock.h"
#include "sim/base/draft.h"
#include "sim/base/node.h"
#include "sim/base/option.h"
#include "sim/base/posix.h"
#include "sim/base/progress.h"
#include "sim/base/quantile.h"
#include "sim/base/standard.h"
#include "sim/base/words.h"
#include "sim/calibrate/exercise.h"
#include "sim/calibrate/fit.h"
#include "sim/calibrate/profile.h"
#include "sim/calibrate/show.h"
#include "sim/run/agree.h"

const char calibrate_usage[] =
    "sim calibrate [--out FILE.ini] [--seconds S] [--all]\n"
    "\n"
    "Measures this machine as a run uses it: products by shape, kernels that memory or arithmetic bounds,\n"
    "the optimizer, attention, and, on two ranks or more, messages and rings between these ranks. Fits the\n"
    "few numbers of a machine's model to all of it, prints how far off the model is, and writes\n"
    "localhost.ini. With hardware.profile = localhost a dry run then foretells a real one here, and the\n"
    "report of a real run has its step as foretold beside the one measured. Use as many ranks as will\n"
    "train, each with a core and train.threads = 1, as one thread is what it measures, and let the machine\n"
    "do nothing else meanwhile. The report has the CPU time of computing, too: where that is as foretold\n"
    "and the step is not, ranks waited for each other or for a core.\n"
    "    --out FILE.ini   in place of localhost.ini in this folder, for hardware.profile = PATH/FILE.ini\n"
    "    --seconds S      how long it measures, about (default 8); more makes medians of more\n"
    "    --all            print every shape that was measured, not a few of each kind\n"
    "A file that is there already is kept as localhost.1.ini. Rounds of all of it are repeated while there\n"
    "is time; where the slowest took much longer than the fastest it says so, as the file does.\n"
    "\n"
    "    mpirun -n 2 sim calibrate\n"
    "    sim --config zero3.ini --set hardware.profile=localhost --dry-run --ranks 2\n"
    "    mpirun -n 2 sim --config zero3.ini --set hardware.profile=localhost\n"
    "Exit status: 0 written, however far off, 1 failed, 2 bad request.\n";

/* ---- what is asked for ---- */

static bool parse_seconds(const char *text, double *seconds, Error *error)
{
    char *end, shown[100];
    *seconds = strtod(text, &end);
    words_show(shown, sizeof shown, text);
    if (end != text && !*end && *seconds > 0 && *seconds <= CALIBRATE_SECONDS_MOST) return true;
    return error_set(error, "--seconds %s: not a number above 0 and up to %d; try --seconds 8", shown,
                     CALIBRATE_SECONDS_MOST);
}

bool calibrate_parse(int argc, char **argv, CalibrateRequest *r, Error *error)
{
    const char *value, *seconds = NULL;
    *r = (CalibrateRequest){.out = NULL, .seconds = 8};
    for (int i = 1; i < argc; i++) {
        char shown[100];
        words_show(shown, sizeof shown, argv[i]);
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
            r->help = true;
        } else if (!strcmp(argv[i], "--all")) {
            r->all = true;
        } else if ((value = option_value("--out", argc, argv, &i))) {
            if (!option_once("--out", &r->out, value, error)) return false;
            if (!*value) return error_set(error, "--out needs a file; try --out FILE.ini");
            if (!words_end_in(value, ".ini"))
                return error_set(error, "--out %s: not the name of an ini file; try --out FILE.ini", value);
        } else if ((value = option_value("--seconds", argc, argv, &i))) {
            if (!option_once("--seconds", &seconds, value, error) ||
                !parse_seconds(value, &r->seconds, error))
                return false;
        } else {
            return error_set(error, "%s: no such option; try sim help calibrate", shown);
        }
    }
    if (!r->out) r->out = "localhost.ini";
    return true;
}

/* ---- before anything is measured ---- */

typedef struct Calibration {
    const CalibrateRequest *request;
    Group *world;
    bool main; /* rank 0: prints and writes */
    Exercise exercise[EXERCISES];
    Timings timings;
    LinkTimings links;
    Rounds rounds;
    Profile profile;
    Error error;
} Calibration;

/* One machine: its ranks share memory, and nothing leads out of it. */
static bool is_one_node(Calibration *c)
{
    char mine[NODE_NAME] = "", *all = c->main ? allocate((size_t)c->world->size * NODE_NAME) : NULL;
    bool same = true;
    node_name(mine);
    gather(c->world, CONTROL, mine, sizeof mine, all, 0);
    for (int r = 1; c->main && r < c->world->size && same; r++) {
        same = strcmp(all, all + (size_t)r * NODE_NAME) == 0;
        if (!same)
            error_set(&c->error,
                      "calibrate: rank 0 is on %s and rank %d on %s, and a profile is of one machine; try "
                      "all ranks on one",
                      all, r, all + (size_t)r * NODE_NAME);
    }
    free(all);
    return agree(c->world, same);
}

static bool prepare(Calibration *c)
{
    const char *out = c->request->out;
    bool good = !c->main || (files_prepare(out, &c->error) && draft_is_possible(out, &c->error));
    return agree(c->world, good) && is_one_node(c);
}

/* A rank without a core of its own waits for one, which no profile describes. */
static void warn_if_crowded(int ranks)
{
    int cores = node_look(".").cores;
    if (ranks > cores)
        fprintf(stderr,
                "sim: calibrate: %d ranks share %d core%s, so what their links take is a wait for one; try "
                "mpirun -n %d\n",
                ranks, cores, words_s(cores), cores);
}

/* And what was disturbed is no profile either. */
static void warn_if_disturbed(const Calibration *c)
{
    char why[512];
    fflush(stdout);
    if (rounds_warn(&c->rounds, c->request->seconds, why, sizeof why))
        fprintf(stderr, "sim: calibrate: %s\n", why);
}

/* ---- measuring ---- */

static bool measure_round(Calibration *c, Progress *progress, double began)
{
    bool good = true;
    for (int i = 0; i < EXERCISES + PRODUCT_SETS && good; i++) {
        good = agree(c->world, good); /* together, so that ranks take from each other what they do in a run */
        if (i < EXERCISES)
            good = exercise_do(&c->exercise[i], &c->timings, &c->error);
        else
            products_do(i - EXERCISES, &c->timings);
        double done = fmin(clock_now() - began, c->request->seconds);
        if (c->main && progress_due(progress, done))
            progress_show(progress, "%s", i < EXERCISES ? c->exercise[i].name : "products");
    }
    if (good) links_do(&c->links, c->world);
    return good;
}

/* Round after round, so that what disturbs one moment is in one round of each; rank 0 says when it is enough. */
static bool measure(Calibration *c)
{
    Progress progress;
    double began = clock_now();
    bool good = true, more = true;
    exercises_begin(c->exercise);
    links_begin(&c->links, c->world);
    progress_begin(&progress, c->request->seconds, PROGRESS_QUIET);
    for (int round = 0; good && more; round++) {
        double start = clock_now();
        good = measure_round(c, &progress, began);
        double now = clock_now(), passed = now - began, each = passed / (round + 1);
        rounds_add(&c->rounds, now - start);
        more = agree(c->world, passed + each / 2 < c->request->seconds);
    }
    if (c->main) progress_end(&progress);
    return good;
}

/* Of all ranks the mean: each has the same table in the same order. */
static void join_ranks(Calibration *c)
{
    const int ranks = c->world->size, count = c->timings.count;
    double *mine = allocate((size_t)count * sizeof *mine);
    double *all = c->main ? allocate((size_t)(ranks * count) * sizeof *all) : NULL;
    for (int i = 0; i < count; i++) mine[i] = c->timings.timing[i].seconds;
    gather(c->world, CONTROL, mine, (size_t)count * sizeof *mine, all, 0);
    for (int i = 0; c->main && i < count; i++) {
        double sum = 0;
        for (int r = 0; r < ranks; r++) sum += all[r * count + i];
        c->timings.timing[i].seconds = sum / ranks;
    }
    free(mine);
    free(all);
}

static void settle(Calibration *c)
{
    timings_settle(&c->timings);
    for (int i = 0; i < EXERCISES; i++) exercise_settle(&c->exercise[i]);
    links_settle(&c->links);
    join_ranks(c);
}

/* ---- the profile ---- */

static void name_machine(Profile *p, int ranks)
{
    Node node = node_look(".");
    double memory = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    *p = profile_begin(node.cores > ranks ? node.cores : ranks, memory);
    p->ranks = ranks;
    utc_now(p->created);
    node_describe(p->node.host, sizeof p->node.host);
}

static double median_between(const Exercise exercise[EXERCISES])
{
    double between[EXERCISES];
    for (int i = 0; i < EXERCISES; i++) between[i] = exercise[i].between;
    return quantile_of(between, EXERCISES, 0.5);
}

static bool fit_all(Calibration *c)
{
    Profile *p = &c->profile;
    name_machine(p, c->world->size);
    p->rounds = c->rounds;
    p->machine.software.step_ms = 1e3 * median_between(c->exercise);
    fit_chip(&p->machine, &c->timings);
    fit_links(&p->node, &c->links);
    for (int i = 0; i < EXERCISES; i++)
        if (!exercise_foretell(&c->exercise[i], &p->machine, &c->error)) return false;
    return true;
}

static bool write_profile(const Calibration *c, Error *error)
{
    Draft draft;
    if (!draft_begin(&draft, c->request->out, error)) return false;
    bool good = draft_fill(&draft, profile_write, &c->profile, error) && draft_place(&draft, NULL, error);
    if (good) show_place(draft.path, draft.kept);
    draft_end(&draft);
    return good;
}

/* ---- the command ---- */

static int calibrate(Calibration *c)
{
    if (!prepare(c)) return STATUS_BAD_REQUEST;
    if (c->main) warn_if_crowded(c->world->size);
    if (!measure(c)) return STATUS_FAILED;
    settle(c);
    if (!c->main) return STATUS_OK;
    if (!fit_all(c)) return STATUS_FAILED;
    show_kernels(&c->timings, &c->profile.machine, c->request->all);
    show_links(&c->links, &c->profile.node);
    show_steps(c->exercise, EXERCISES);
    show_rounds(&c->rounds);
    warn_if_disturbed(c);
    return write_profile(c, &c->error) ? STATUS_OK : STATUS_FAILED;
}

int calibrate_ranks(Comm *comm, const CalibrateRequest *request)
{
    matmul_one_thread();
    matmul_choose(MATMUL_AUTO); /* as a run does that is asked for nothing else */
    device_keep_memory();
    Calibration *c = allocate_zeroed(1, sizeof *c);
    c->request = request;
    c->world = group_world(comm, CHANNEL_CONTROL);
    comm->windows = true; /* as in a run */
    group_share(c->world);
    c->main = comm->rank == 0;
    int status = calibrate(c);
    if (c->main && status != STATUS_OK) {
        fflush(stdout);
        fprintf(stderr, "sim: %s\n", c->error.text);
    }
    timings_free(&c->timings);
    group_free(c->world);
    free(c);
    return status;
}
