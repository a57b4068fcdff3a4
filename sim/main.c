/* main.c - which command it is, and how it ends. */
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "models/kernels/openblas.h"
#include "models/machine/error.h"
#include "parallel/wire/comm_mpi.h"
#include "sim/base/standard.h"
#include "sim/base/version.h"
#include "sim/base/words.h"
#include "sim/calibrate/calibrate.h"
#include "sim/command_line.h"
#include "sim/config/help.h"
#include "sim/goodput/goodput.h"
#include "sim/inspect/diff.h"
#include "sim/inspect/inspect.h"
#include "sim/meant.h"
#include "sim/plot/plot.h"
#include "sim/report/report_command.h"
#include "sim/run/run.h"
#include "sim/run/stop.h"
#include "sim/schedule_command.h"
#include "sim/sweep/sweep.h"
#include "sim/trace/trace_command.h"
#include "sim/validate/validate.h"

static const char USAGE[] =
    "sim " SIM_VERSION
    " - trains a small transformer for real, split over MPI ranks, and shows what the split costs\n"
    "\n"
    "  mpirun -n 8 sim --config zero3.ini          train; results land in results/zero3.h5\n"
    "  sim --config zero3.ini --dry-run --ranks 64 walk one step of 64 ranks without MPI and without "
    "numbers:\n"
    "                                              the same bytes and the same peak memory\n"
    "  sim plot results/zero3.h5                   draw one run; several, or a folder's, are compared\n"
    "  sim report results/zero3.h5                 loss, bytes, memory and bubble beside their formulas\n"
    "  sim trace results/zero3.h5                  the timeline of a step for chrome://tracing and Perfetto\n"
    "  sim inspect FILE.h5                         what a run's file, a checkpoint or weights hold\n"
    "  sim diff A.h5 B.h5                          compare two of them: by step, by tensor\n"
    "  sim schedule --config 1f1b.ini              draw who computes what, and when, and the bubble\n"
    "  sim sweep --config F --set KEY=A,B...       foretell all combinations of values, and rank them\n"
    "  sim goodput --config F                      how often to write a checkpoint where nodes fail\n"
    "  mpirun -n 2 sim calibrate                   measure this machine, so that dry runs foretell real "
    "ones\n"
    "  sim validate                                foretell published measurements, and say how far off\n"
    "  sim help [section.key | command]            every key of a config, one in full, or a command\n"
    "\n"
    "options of a run:\n"
    "  --config FILE            an ini file: here, or one of those that come with sim\n"
    "                           (single dp ddp zero1 zero2 zero3 tp sp naive gpipe 1f1b interleaved\n"
    "                           zb-h1 3d 3d-zero3 llama mla moe deepseek-v3 markov straggler, each .ini)\n"
    "  --set section.key=value  overrides a key; may be given again\n"
    "  --output FILE            the run file, in place of results/NAME.h5\n"
    "  --resume FILE            go on from a checkpoint (output.checkpoint), under any split; auto: from "
    "the\n"
    "                           newest that is whole, or from the start where there is none\n"
    "  --dry-run                no training: count bytes and memory of one step; and how long it takes, on "
    "a\n"
    "                           machine that hardware.profile names\n"
    "  --ranks N                how many ranks the dry run has (default 8)\n"
    "  --all-ranks              walk every one of them, also those that do the same as another\n"
    "  --force                  start what is estimated to be too large for this machine, or to take long\n"
    "  --help, --version\n"
    "\n"
    "TERM, INT or USR1, to mpirun or to a rank, stops a run after a step, with a checkpoint if\n"
    "output.checkpoint asks for any. mpirun passes USR1 on; after TERM and INT it gives ranks a second, and\n"
    "ends with 1.\n"
    "\n"
    "exit status: 0 done, 1 the run failed, 2 the request was refused, 75 stopped, to go on with --resume\n";

static char *join(int argc, char **argv)
{
    size_t length = 1;
    for (int i = 0; i < argc; i++) length += strlen(argv[i]) + 1;
    char *line = allocate(length);
    line[0] = '\0';
    for (int i = 0; i < argc; i++) {
        strcat(line, argv[i]);
        if (i + 1 < argc) strcat(line, " ");
    }
    return line;
}

static void directory_of_program(const char *name, char *directory, size_t size)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n < 0)
        snprintf(path, sizeof path, "%s", name);
    else
        path[n] = '\0';
    snprintf(directory, size, "%s", dirname(path));
}

/* Of a command of that name, or of a key. */
static int help(int argc, char **argv, const char *program_directory)
{
    static char flag[] = "--help";
    const char *what = argc > 1 ? argv[1] : "";
    char *as_command[] = {argv[argc > 1], flag, NULL};
    char quoted[1024];
    Error error;
    if (argc > 2) {
        words_quote(quoted, sizeof quoted, what);
        fprintf(stderr, "sim: help: one key or command at a time; try sim help %s\n", quoted);
        return STATUS_BAD_REQUEST;
    }
    if (strcmp(what, "plot") == 0) return plot_command(2, as_command, program_directory);
    if (strcmp(what, "report") == 0) return report_command(2, as_command);
    if (strcmp(what, "trace") == 0) return trace_command(2, as_command);
    if (strcmp(what, "inspect") == 0) return inspect_command(2, as_command);
    if (strcmp(what, "diff") == 0) return diff_command(2, as_command);
    if (strcmp(what, "validate") == 0) return validate_command(2, as_command, program_directory);
    if (strcmp(what, "goodput") == 0) return goodput_command(2, as_command, program_directory, "");
    if (strcmp(what, "sweep") == 0) return sweep_command(2, as_command, program_directory, "");
    if (strcmp(what, "calibrate") == 0) {
        fputs(calibrate_usage, stdout);
        return STATUS_OK;
    }
    if (strcmp(what, "schedule") == 0 || strcmp(what, "run") == 0 || strcmp(what, "help") == 0 ||
        *what == '-') {
        fputs(*what == 's' ? SCHEDULE_USAGE : USAGE, stdout);
        return STATUS_OK;
    }
    if (config_help(stdout, argc > 1 ? argv[1] : NULL, program_directory, meant_commands, &error))
        return STATUS_OK;
    fprintf(stderr, "sim: %s\n", error.text);
    return STATUS_BAD_REQUEST;
}

static int schedule(int argc, char **argv, const char *program_directory)
{
    CommandLine request = {.options.program_directory = program_directory, .schedules = true};
    Error error;
    bool good = command_line_parse(argc, argv, &request, &error);
    if (good && (request.help || request.version)) {
        fputs(request.help ? SCHEDULE_USAGE : "sim " SIM_VERSION "\n", stdout);
        return STATUS_OK;
    }
    if (good && command_options_are_schedules(&request, &error))
        return schedule_command(&request.options, request.ranks, request.csv);
    fprintf(stderr, "sim: schedule: %s\n", error.text);
    return STATUS_BAD_REQUEST;
}

/* Each process of a launch that MPI does not know of would train by itself. */
static void warn_if_alone(const Comm *comm)
{
    const char *says;
    int launched = comm_mpi_launched(&says);
    if (comm->size > 1 || launched <= 1 || !comm_mpi_is_first()) return;
    fprintf(stderr,
            "sim: warning: %s = %d, and MPI sees one rank, so whatever was launched trains alone; try "
            "mpirun, or srun --mpi=pmix\n",
            says, launched);
}

/* Whether `what`, in which no rank takes part, stands beside other programs, whose ranks would wait for one here for
 * ever; says so. */
static bool refuse_beside_others(const char *what)
{
    bool first;
    if (!comm_mpi_among_programs(&first)) return false;
    if (first)
        fprintf(stderr,
                "sim: %s: mpirun starts other programs with it, which would wait for it; try it alone\n",
                what);
    else
        comm_mpi_await_end();
    return true;
}

/* Of ranks that all were asked for the same the first says why it cannot be. */
static void say_refusal(const Error *error)
{
    bool first, programs = comm_mpi_among_programs(&first);
    if (comm_mpi_is_first())
        fprintf(stderr, "sim: %s\n", error->text);
    else if ((programs && first) || comm_mpi_await_end())
        fprintf(stderr, "sim: rank %d: %s\n", comm_mpi_rank(), error->text);
}

static int run(int argc, char **argv, const char *program_directory)
{
    CommandLine request = {0};
    Error error;
    bool good = command_line_parse(argc, argv, &request, &error), shows = request.help || request.version;
    if (good && (shows || request.options.dry) && refuse_beside_others(shows ? "help" : "--dry-run"))
        return STATUS_BAD_REQUEST;
    if (good && shows) {
        if (comm_mpi_is_first()) fputs(request.help ? USAGE : "sim " SIM_VERSION "\n", stdout);
        return STATUS_OK;
    }
    const char *says;
    request.options.program_directory = program_directory;
    good = good && command_options_are_runs(&request, &error);
    bool asks = !request.options.dry && comm_mpi_ends_together();
    if (good && asks) good = run_is_possible(&request.options, comm_mpi_launched(&says), &error);
    if (!good) {
        say_refusal(&error);
        return STATUS_BAD_REQUEST;
    }
    char *line = join(argc, argv);
    request.options.command_line = line;
    int status;
    if (request.options.dry) {
        status =
            comm_mpi_is_first() ? run_dry(request.ranks ? request.ranks : 8, &request.options) : STATUS_OK;
    } else {
        stop_on_warning();
        Comm *comm = comm_mpi_start(&argc, &argv);
        warn_if_alone(comm);
        status = run_rank(comm, &request.options);
        comm_mpi_stop(comm);
    }
    free(line);
    return status;
}

/* Ranks share the work; and a sweep's file is shown by whoever is asked to show it. */
static int sweep(int argc, char **argv, const char *program_directory)
{
    char *line = join(argc, argv);
    int status = sweep_command(argc - 1, argv + 1, program_directory, line);
    free(line);
    return status;
}

static int goodput(int argc, char **argv, const char *program_directory)
{
    char *line = join(argc, argv);
    int status = goodput_command(argc - 1, argv + 1, program_directory, line);
    free(line);
    return status;
}

static int calibrate(int argc, char **argv)
{
    CalibrateRequest request;
    Error error;
    if (refuse_beside_others("calibrate")) return STATUS_BAD_REQUEST;
    if (!calibrate_parse(argc - 1, argv + 1, &request, &error)) {
        Error why = error;
        error_set(&error, "calibrate: %s", why.text);
        say_refusal(&error);
        return STATUS_BAD_REQUEST;
    }
    if (request.help) {
        if (comm_mpi_is_first()) fputs(calibrate_usage, stdout);
        return STATUS_OK;
    }
    Comm *comm = comm_mpi_start(&argc, &argv);
    warn_if_alone(comm);
    int status = calibrate_ranks(comm, &request);
    comm_mpi_stop(comm);
    return status;
}

static int command(int argc, char **argv)
{
    char directory[PATH_MAX];
    directory_of_program(argv[0], directory, sizeof directory);
    const char *name = argc > 1 ? argv[1] : "";
    bool plots = strcmp(name, "plot") == 0, reports = strcmp(name, "report") == 0,
         schedules = strcmp(name, "schedule") == 0, validates = strcmp(name, "validate") == 0,
         traces = strcmp(name, "trace") == 0, helps = strcmp(name, "help") == 0,
         inspects = strcmp(name, "inspect") == 0, diffs = strcmp(name, "diff") == 0,
         sweeps = strcmp(name, "sweep") == 0, goodputs = strcmp(name, "goodput") == 0;
    if (plots || reports || schedules || validates || traces || inspects || diffs || helps || goodputs) {
        /* these need no other rank: of a parallel launch the first does them */
        if (refuse_beside_others(name)) return STATUS_BAD_REQUEST;
        if (!comm_mpi_is_first()) return STATUS_OK;
    }
    if (sweeps && refuse_beside_others(name)) return STATUS_BAD_REQUEST;
    if (sweeps || ((plots || reports) && sweep_is_asked(argc - 1, argv + 1)))
        return sweep(argc, argv, directory);
    if (plots) return plot_command(argc - 1, argv + 1, directory);
    if (reports) return report_command(argc - 1, argv + 1);
    if (schedules) return schedule(argc - 1, argv + 1, directory);
    if (traces) return trace_command(argc - 1, argv + 1);
    if (inspects) return inspect_command(argc - 1, argv + 1);
    if (diffs) return diff_command(argc - 1, argv + 1);
    if (goodputs) return goodput(argc, argv, directory);
    if (validates) return validate_command(argc - 1, argv + 1, directory);
    if (helps) return help(argc - 1, argv + 1, directory);
    if (strcmp(name, "calibrate") == 0) return calibrate(argc, argv);
    if (argc < 2) {
        fputs(USAGE, stdout);
        return STATUS_BAD_REQUEST;
    }
    return run(argc, argv, directory);
}

/* What the loader calls before it lets any library begin. */
__attribute__((section(".preinit_array"),
               used)) static void (*const before_libraries)(int, char **, char **) = openblas_begin;

int main(int argc, char **argv)
{
    standard_prepare();
    int status = command(argc, argv);
    Error error;
    if (standard_printed(&error)) return status;
    fprintf(stderr, "sim: %s\n", error.text);
    return status == STATUS_OK ? STATUS_FAILED : status;
}
