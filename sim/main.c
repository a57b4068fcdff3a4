/* main.c - the command line. */
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "models/machine/error.h"
#include "parallel/wire/comm_mpi.h"
#include "sim/config/help.h"
#include "sim/plot/plot.h"
#include "sim/report/report_command.h"
#include "sim/run/run.h"
#include "sim/schedule_command.h"
#include "sim/base/standard.h"
#include "sim/base/version.h"
#include "sim/base/words.h"

static const char USAGE[] =
    "sim " SIM_VERSION
    " - trains a small transformer for real, split over MPI ranks, and shows what the split costs\n"
    "\n"
    "  mpirun -n 8 sim --config zero3.ini          train; results land in results/zero3.h5\n"
    "  sim --config zero3.ini --dry-run --ranks 64 walk one step of 64 ranks without MPI and without "
    "numbers:\n"
    "                                              the same bytes and the same peak memory\n"
    "  sim plot results/zero3.h5                   draw one run; several files are compared\n"
    "  sim report results/zero3.h5                 loss, bytes, memory and bubble beside their formulas\n"
    "  sim schedule --config 1f1b.ini              draw who computes what, and when, and the bubble\n"
    "  sim help [section.key | command]            every key of a config, one in full, or a command\n"
    "\n"
    "options of a run:\n"
    "  --config FILE            an ini file: here, or one of those that come with sim\n"
    "                           (single dp ddp zero1 zero2 zero3 tp sp naive gpipe 1f1b interleaved\n"
    "                           zb-h1 3d 3d-zero3 llama markov, each .ini)\n"
    "  --set section.key=value  overrides a key; may be given again\n"
    "  --output FILE            the run file, in place of results/NAME.h5\n"
    "  --dry-run                no training: count bytes and memory of one step\n"
    "  --ranks N                how many ranks the dry run has (default 8)\n"
    "  --help, --version\n"
    "\n"
    "exit status: 0 done, 1 the run failed, 2 the request was refused\n";

enum { MOST_SETS = 64, MOST_RANKS = 65536 };

typedef struct CommandLine {
    RunOptions options;
    const char *sets[MOST_SETS];
    int ranks; /* 0: not given */
    bool csv, help, version;
} CommandLine;

static bool parse_ranks(const char *text, int *ranks, Error *error)
{
    char *end;
    long n = strtol(text, &end, 10);
    if (end == text || *end || n < 1 || n > MOST_RANKS)
        return error_set(error, "--ranks %s: not a number of ranks from 1 to %d; try --ranks 8", text,
                         MOST_RANKS);
    *ranks = (int)n;
    return true;
}

static bool ends_in(const char *word, const char *ending)
{
    size_t length = strlen(word), end = strlen(ending);
    return length > end && strcasecmp(word + length - end, ending) == 0;
}

/* The line with the config in its place; getopt has left what is no option at the end. */
static bool refuse_config(char **argv, Error *error)
{
    char quoted[1024], rest[1024] = "", shown[100];
    const char *says;
    int launched = comm_mpi_launched(&says);
    for (int i = 1; i < optind; i++) {
        words_quote(quoted, sizeof quoted, argv[i]);
        words_append(rest, sizeof rest, " %s", quoted);
    }
    words_show(shown, sizeof shown, argv[optind]);
    words_quote(quoted, sizeof quoted, argv[optind]);
    if (launched > 1)
        return error_set(error, "'%s' is a config; try mpirun -n %d sim --config %s%s", shown, launched,
                         quoted, rest);
    return error_set(error, "'%s' is a config; try sim --config %s%s, or mpirun -n 8 sim --config %s%s",
                     shown, quoted, rest, quoted, rest);
}

/* A word without an option before it: what was meant by it. */
static bool refuse_word(char **argv, Error *error)
{
    static const char *const commands[] = {"plot", "report", "schedule", "help", NULL};
    const char *word = argv[optind], *nearest = words_nearest(word, commands), *dot = strchr(word, '.');
    char quoted[1024], shown[100];
    words_show(shown, sizeof shown, word);
    words_quote(quoted, sizeof quoted, word);
    if (ends_in(word, ".ini")) return refuse_config(argv, error);
    if (ends_in(word, ".h5"))
        return error_set(error, "'%s' is a run's file; try sim report %s, or sim plot %s", shown, quoted,
                         quoted);
    if (dot && strchr(dot, '=')) return error_set(error, "'%s' is no option; try --set %s", shown, quoted);
    return error_set(error, "'%s' is not a command; try sim %s", shown, nearest ? nearest : "--help");
}

/* The options of `sim --config F` and of `sim schedule --config F`; which of them go with which is checked by
 * those. */
static bool parse(int argc, char **argv, CommandLine *r, Error *error)
{
    static const struct option LONG[] = {{"config", required_argument, NULL, 'c'},
                                         {"set", required_argument, NULL, 's'},
                                         {"output", required_argument, NULL, 'o'},
                                         {"dry-run", no_argument, NULL, 'd'},
                                         {"ranks", required_argument, NULL, 'n'},
                                         {"csv", no_argument, NULL, 't'},
                                         {"help", no_argument, NULL, 'h'},
                                         {"version", no_argument, NULL, 'v'},
                                         {NULL, 0, NULL, 0}};
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":hv", LONG, NULL)) != -1;) {
        switch (c) {
        case 'c': r->options.config = optarg; break;
        case 'o': r->options.output = optarg; break;
        case 'd': r->options.dry = true; break;
        case 't': r->csv = true; break;
        case 'h': r->help = true; break;
        case 'v': r->version = true; break;
        case 's':
            if (r->options.set_count == MOST_SETS)
                return error_set(error, "--set: more than %d of them", MOST_SETS);
            r->sets[r->options.set_count++] = optarg;
            break;
        case 'n':
            if (!parse_ranks(optarg, &r->ranks, error)) return false;
            break;
        case ':': return error_set(error, "%s needs a value; try sim --help", argv[optind - 1]);
        default: return error_set(error, "'%s' is not an option; try sim --help", argv[optind - 1]);
        }
    }
    r->options.sets = r->sets;
    if (r->help || r->version) return true;
    return optind == argc || refuse_word(argv, error);
}

static bool check_run(const CommandLine *r, Error *error)
{
    if (!r->options.config) return error_set(error, "no --config; try sim --config zero3.ini, or sim --help");
    if (r->csv) return error_set(error, "--csv is for sim schedule; try sim schedule --csv");
    if (!r->ranks || r->options.dry) return true;
    char quoted[1024];
    words_quote(quoted, sizeof quoted, r->options.config);
    return error_set(error, "--ranks is for --dry-run; try mpirun -n %d sim --config %s", r->ranks, quoted);
}

static bool check_schedule(const CommandLine *r, Error *error)
{
    if (!r->options.config)
        return error_set(error, "schedule: no --config; try sim schedule --config 1f1b.ini");
    if (r->options.dry || r->options.output)
        return error_set(error, "schedule: nothing runs and nothing is recorded; try it without %s",
                         r->options.dry ? "--dry-run" : "--output");
    return true;
}

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
    Error error;
    if (argc > 2) {
        fprintf(stderr, "sim: help: one key or command at a time; try sim help %s\n", what);
        return STATUS_BAD_REQUEST;
    }
    if (strcmp(what, "plot") == 0) return plot_command(2, as_command, program_directory);
    if (strcmp(what, "report") == 0) return report_command(2, as_command);
    if (strcmp(what, "schedule") == 0 || strcmp(what, "run") == 0) {
        fputs(*what == 's' ? SCHEDULE_USAGE : USAGE, stdout);
        return STATUS_OK;
    }
    if (config_help(stdout, argc > 1 ? argv[1] : NULL, &error)) return STATUS_OK;
    fprintf(stderr, "sim: %s\n", error.text);
    return STATUS_BAD_REQUEST;
}

static int schedule(int argc, char **argv, const char *program_directory)
{
    CommandLine request = {.options.program_directory = program_directory};
    Error error;
    bool good = parse(argc, argv, &request, &error);
    if (good && (request.help || request.version)) {
        fputs(request.help ? SCHEDULE_USAGE : "sim " SIM_VERSION "\n", stdout);
        return STATUS_OK;
    }
    if (good && check_schedule(&request, &error))
        return schedule_command(&request.options, request.ranks, request.csv);
    fprintf(stderr, "sim: %s\n", error.text);
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
            "mpirun, or srun "
            "--mpi=pmix\n",
            says, launched);
}

static int run(int argc, char **argv, const char *program_directory)
{
    CommandLine request = {0};
    Error error;
    bool good = parse(argc, argv, &request, &error);
    if (good && (request.help || request.version)) {
        if (comm_mpi_is_first()) fputs(request.help ? USAGE : "sim " SIM_VERSION "\n", stdout);
        return STATUS_OK;
    }
    const char *says;
    request.options.program_directory = program_directory;
    good = good && check_run(&request, &error);
    bool asks = !request.options.dry && comm_mpi_ends_together();
    if (good && asks) good = run_is_possible(&request.options, comm_mpi_launched(&says), &error);
    if (!good) {
        if (comm_mpi_is_first())
            fprintf(stderr, "sim: %s\n", error.text);
        else
            comm_mpi_await_end();
        return STATUS_BAD_REQUEST;
    }
    char *line = join(argc, argv);
    request.options.command_line = line;
    int status;
    if (request.options.dry) {
        status =
            comm_mpi_is_first() ? run_dry(request.ranks ? request.ranks : 8, &request.options) : STATUS_OK;
    } else {
        Comm *comm = comm_mpi_start(&argc, &argv);
        warn_if_alone(comm);
        status = run_rank(comm, &request.options);
        comm_mpi_stop(comm);
    }
    free(line);
    return status;
}

static int command(int argc, char **argv)
{
    char directory[PATH_MAX];
    directory_of_program(argv[0], directory, sizeof directory);
    const char *name = argc > 1 ? argv[1] : "";
    bool plots = strcmp(name, "plot") == 0, reports = strcmp(name, "report") == 0,
         schedules = strcmp(name, "schedule") == 0, helps = strcmp(name, "help") == 0;
    /* these need no other rank: of a parallel launch the first does them */
    if ((plots || reports || schedules || helps) && !comm_mpi_is_first()) return STATUS_OK;
    if (plots) return plot_command(argc - 1, argv + 1, directory);
    if (reports) return report_command(argc - 1, argv + 1);
    if (schedules) return schedule(argc - 1, argv + 1, directory);
    if (helps) return help(argc - 1, argv + 1, directory);
    if (argc < 2) {
        fputs(USAGE, stdout);
        return STATUS_BAD_REQUEST;
    }
    return run(argc, argv, directory);
}

int main(int argc, char **argv)
{
    standard_prepare();
    int status = command(argc, argv);
    Error error;
    if (standard_printed(&error)) return status;
    fprintf(stderr, "sim: %s\n", error.text);
    return status == STATUS_OK ? STATUS_FAILED : status;
}
