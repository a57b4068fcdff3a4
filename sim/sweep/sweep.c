/* sweep.c - from words to a table, a config and a picture. */
#include "sim/sweep/sweep.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parallel/collectives/collectives.h"
#include "parallel/wire/comm_mpi.h"
#include "parallel/wire/cores.h"
#include "sim/base/clock.h"
#include "sim/base/draft.h"
#include "sim/base/posix.h"
#include "sim/base/standard.h"
#include "sim/base/words.h"
#include "sim/base/workers.h"
#include "sim/config/stem.h"
#include "sim/plot/draw.h"
#include "sim/run/agree.h"
#include "sim/run/announce.h"
#include "sim/sweep/asked.h"
#include "sim/sweep/cores.h"
#include "sim/sweep/heat.h"
#include "sim/sweep/print.h"
#include "sim/sweep/spread.h"
#include "sim/sweep/sweep_file.h"
#include "sim/sweep/winner.h"

typedef struct Job {
    Asked asked;
    Trials trials;
    Sweep sweep;
    const char *program_directory;
    int axes[2];
    char folder[PLOT_PATH];
    bool prints, draws;
} Job;

/* ---- what is written ---- */

/* "results/1f1b-sweep" of configs/1f1b.ini; of a file that is shown again the folder it is in. */
static bool choose_folder(Job *r, Error *error)
{
    const Asked *a = &r->asked;
    char name[PLOT_PATH], stem[PLOT_PATH - 16];
    if (a->out) return plot_join(r->folder, a->out, "", error);
    if (a->file) {
        files_folder(a->file, name, sizeof name);
        return plot_join(r->folder, name, "", error);
    }
    config_stem_of(a->config, ".ini", stem, sizeof stem);
    snprintf(name, sizeof name, "%s-sweep/", stem);
    return plot_join(r->folder, "results", name, error);
}

/* drawn: whether there is a chart now; none is where an axis has no room for its values, which is said. */
static bool draw(Job *r, bool *drawn, Error *error)
{
    char why[256] = "", *folder = words_shown(r->folder);
    bool good = heat_draw(&r->sweep, r->axes, r->program_directory, r->folder, why, sizeof why, error);
    if (good && !r->asked.csv) {
        if (why[0])
            printf("  %-20sskipped: %s\n", "chart", why);
        else
            printf("  %-20s%ssweep.png, .svg, .gp\n", "chart", folder);
    }
    *drawn = good && !why[0];
    free(folder);
    return good;
}

static void tell(const Job *r, const char *what, const TablePlace *place)
{
    if (r->asked.csv) return;
    char *shown = words_shown(place->path);
    announce_place(what, place->asked, place->path, place->kept);
    printf("  %-20s%s\n", what, shown);
    free(shown);
}

/* On how many ranks it is the best: no config says that. */
static void tell_walk(const Job *r, const char *path)
{
    char quoted[2 * PLOT_PATH];
    if (r->asked.csv) return;
    words_quote(quoted, sizeof quoted, path);
    printf("  %-20ssim --config %s --dry-run --ranks %d\n", "walk it", quoted,
           r->sweep.row[r->sweep.best].ranks);
}

/* The table, and the best one's config, with what was there kept; the picture, which can be drawn again, so that without
 * it, too, it is told where they are. */
static bool write_all(Job *r, Error *error)
{
    TablePlace place;
    if (!plot_join(place.asked, r->folder, "sweep.h5", error) || !sweep_file_write(&r->sweep, &place, error))
        return false;
    tell(r, "table", &place);
    bool fits = r->sweep.best >= 0;
    if (!plot_join(place.asked, r->folder, "best.ini", error) ||
        !(fits ? winner_write(&r->sweep, &r->trials, &place, error) : winner_none(&place, error)))
        return false;
    if (fits)
        tell(r, "config of the best", &place);
    else if (!r->asked.csv)
        announce_place("config of the best", place.asked, place.path, place.kept);
    bool drawn, good = draw(r, &drawn, error);
    if (fits) tell_walk(r, place.path);
    if (r->asked.csv) announce_folder("sweep", r->folder, drawn);
    return good;
}

static int finish(Job *r, Error *error)
{
    const Sweep *s = &r->sweep;
    if (s->states[SWEEP_REFUSED] == s->space.count) {
        int groups;
        SweepGroup *group = sweep_groups(s, &groups, NULL);
        char most[32] = "";
        if (groups > 1) snprintf(most, sizeof most, ", %lld of them", (long long)group[0].count);
        error_set(error, "none of the %lld combinations is possible%s: %s", (long long)s->space.count, most,
                  s->reason[group[0].reason]);
        free(group);
        return STATUS_BAD_REQUEST;
    }
    (r->asked.csv ? sweep_csv(s) : sweep_print(s, r->asked.all));
    return write_all(r, error) ? STATUS_OK : STATUS_FAILED;
}

/* ---- trying ---- */

/* Of all combinations, from a few that lie far apart, or fewer where these take their time: 29 is prime to all
 * numbers of them. */
static double estimate(const Job *r, int workers)
{
    enum { SAMPLES = 24 };
    const double patience = 0.3, began = clock_now();
    int64_t count = r->sweep.space.count, samples = count < SAMPLES ? count : SAMPLES, tried = 0;
    double seconds = 0;
    for (; tried < samples && clock_now() - began < patience; tried++)
        seconds += trial_estimate(&r->trials, tried * 29 % samples * count / samples);
    return seconds * (double)count / (double)tried / workers;
}

static void announce_sweep(const Job *r, int workers, const char *who)
{
    const Space *space = &r->sweep.space;
    char takes[32];
    double seconds = estimate(r, workers);
    printf("%s: %lld combinations of %d key%s", r->sweep.config, (long long)space->count, space->keys,
           words_s(space->keys));
    if (space->ranks) printf(" on %d rank%s", space->ranks, words_s(space->ranks));
    if (seconds > 2) {
        words_duration(seconds, takes, sizeof takes);
        printf(", about %s on %d %s%s", takes, workers, who, words_s(workers));
    }
    printf("\n");
    fflush(stdout);
}

static bool prepare(Job *r, Error *error)
{
    char path[PLOT_PATH];
    return files_make_folder(r->folder, error) && plot_join(path, r->folder, "sweep.h5", error) &&
           files_prepare(path, error) && draft_is_possible(path, error);
}

static int try_here(Job *r, Error *error)
{
    Tally tally;
    int workers = r->asked.workers ? r->asked.workers : cores_of_process();
    if (!prepare(r, error)) return STATUS_BAD_REQUEST;
    if (!r->asked.csv) announce_sweep(r, workers, "worker");
    tally_begin(&tally, &r->sweep, r->asked.csv);
    bool good = cores_try(&r->trials, workers, &tally, error);
    (good ? tally_end : tally_forget)(&tally);
    return good ? finish(r, error) : STATUS_FAILED;
}

/* Rank 0 goes on alone. */
static int try_together(Job *r, int *argc, char ***argv, Error *error)
{
    Tally tally;
    Comm *comm = comm_mpi_start(argc, argv);
    bool main = comm->rank == 0;
    int ranks = comm->size;
    Group *world = group_world(comm, CHANNEL_CONTROL);
    bool can = agree(world, !main || prepare(r, error));
    group_free(world);
    if (!can) {
        comm_mpi_stop(comm);
        return STATUS_BAD_REQUEST;
    }
    if (main && !r->asked.csv) announce_sweep(r, ranks, "rank");
    tally_begin(&tally, &r->sweep, r->asked.csv);
    spread_try(&r->trials, comm, &tally);
    comm_mpi_stop(comm);
    if (!main) {
        tally_forget(&tally);
        return STATUS_OK;
    }
    tally_end(&tally);
    return finish(r, error);
}

/* The words' space becomes the sweep's. */
static void begin(Job *r, const char *command_line)
{
    r->sweep = (Sweep){.config = words_copy(r->asked.config),
                       .command_line = words_copy(command_line),
                       .ini = words_copy(r->trials.text),
                       .space = r->asked.space,
                       .best = -1};
    r->asked.space = (Space){.keys = 0};
    r->trials.space = &r->sweep.space;
}

static int try_all(Job *r, int argc, char **argv, const char *command_line, Error *error)
{
    const char *says;
    const Asked *a = &r->asked;
    bool together = comm_mpi_launched(&says) > 1;
    if (together && a->workers)
        return error_set(error,
                         "--workers: under mpirun it is the ranks that share the work; try it without"),
               STATUS_BAD_REQUEST;
    if (!heat_axes(&a->space, a->axes, r->axes, error) || !choose_folder(r, error) ||
        !trials_read(&r->trials, &a->space, a->config, r->program_directory, error))
        return STATUS_BAD_REQUEST;
    r->trials.force = a->force;
    begin(r, command_line);
    return together ? try_together(r, &argc, &argv, error) : try_here(r, error);
}

/* ---- again ---- */

static int show(Job *r, Error *error)
{
    if (!comm_mpi_is_first()) return STATUS_OK;
    if (!sweep_file_read(&r->sweep, r->asked.file, error) ||
        !heat_axes(&r->sweep.space, r->asked.axes, r->axes, error) || !choose_folder(r, error))
        return STATUS_BAD_REQUEST;
    if (r->prints && r->asked.csv)
        sweep_csv(&r->sweep);
    else if (r->prints)
        sweep_print(&r->sweep, r->asked.all);
    bool drawn;
    return !r->draws || r->asked.csv || draw(r, &drawn, error) ? STATUS_OK : STATUS_FAILED;
}

int sweep_command(int argc, char **argv, const char *program_directory, const char *command_line)
{
    Job r = {.program_directory = program_directory};
    Error error = {""};
    int status = STATUS_BAD_REQUEST;
    r.prints = strcmp(argv[0], "plot") != 0;
    r.draws = strcmp(argv[0], "report") != 0;
    if (!asked_parse(&r.asked, argc, argv, &error))
        status = STATUS_BAD_REQUEST;
    else if (r.asked.help) {
        if (comm_mpi_is_first()) fputs(asked_help, stdout);
        status = STATUS_OK;
    } else
        status = r.asked.file ? show(&r, &error) : try_all(&r, argc, argv, command_line, &error);
    if (status != STATUS_OK && !comm_mpi_is_first()) comm_mpi_await_end(); /* the first says why */
    if (status != STATUS_OK && comm_mpi_is_first()) {
        fflush(stdout);
        fprintf(stderr, "sim: sweep: %s\n", error.text);
    }
    trials_free(&r.trials);
    sweep_free(&r.sweep);
    asked_free(&r.asked);
    return status;
}

bool sweep_is_asked(int argc, char **argv)
{
    static const char *const valued[] = {"--out", "--axes", "--charts", "--format"};
    const char *file = NULL;
    int words = 0;
    for (int i = 1; i < argc; i++) {
        bool skips = false;
        for (size_t k = 0; k < sizeof valued / sizeof *valued; k++) skips |= !strcmp(argv[i], valued[k]);
        i += skips;
        if (skips || argv[i][0] == '-') continue;
        file = argv[i];
        words++;
    }
    return words == 1 && words_end_in(file, ".h5") && sweep_file_is(file);
}
