/* schedule_command.c - prints who computes what, and when: figures and a grid, or the notation. */
#include "sim/schedule_command.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "parallel/schedule/draw_text.h"
#include "parallel/schedule/notation.h"
#include "sim/config/config.h"
#include "sim/config/file.h"
#include "sim/config/parse.h"
#include "sim/config/ranks.h"
#include "sim/run/plan_from_config.h"
#include "sim/theory/theory.h"

const char SCHEDULE_USAGE[] =
    "sim schedule --config FILE [--set section.key=value]... [--ranks N] [--csv]\n"
    "\n"
    "Draws a step of a pipeline before anything runs: ranks down, time across; F a microbatch's forward,\n"
    "B its backward, or I and W the halves of one cut in two, (F4;B1) two that overlap; dots are the\n"
    "bubble. Above it stand the bubble, by formula and as walked with ideal durations (sim help\n"
    "hardware.profile), and how many microbatches each rank holds at once, on each of its stages.\n"
    "\n"
    "  sim schedule --config 1f1b.ini --ranks 8            one of two replicas of 4 ranks\n"
    "  sim schedule --config 1f1b.ini --set parallel.schedule=gpipe\n"
    "  sim schedule --config 1f1b.ini --ranks 8 --csv > my.csv\n"
    "                                                      a line a rank, such as 0F0,0F1,0B0,0B1:\n"
    "                                                      change it, and run your own with\n"
    "  mpirun -n 8 sim --config 1f1b.ini --set parallel.schedule=my.csv\n"
    "\n"
    "--ranks N says how many ranks the run has, so how many replicas share the batch; without it\n"
    "there is one, pp x tp ranks. sim help parallel.schedule tells the schedules apart.\n"
    "\n"
    "The drawing is as wide as the terminal at most; in a file or a pipe as wide as the environment's\n"
    "COLUMNS, 20 to 10000, says, else 200 columns. What is cut off is told below it.\n"
    "Exit status: 0 drawn, 1 failed, 2 bad request.\n";

enum { COLUMNS_LEAST = 20, COLUMNS_UNASKED = 200, COLUMNS_MOST = 10000, SHOWN = 16 };

/* A terminal's; where the drawing goes elsewhere, those asked for in the environment, if they are a number of columns,
 * else as many as a file can well be read with. */
static int columns_most(void)
{
    struct winsize window;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0) return window.ws_col;
    const char *asked = getenv("COLUMNS");
    if (!asked || !*asked) return COLUMNS_UNASKED;
    char *end;
    long columns = strtol(asked, &end, 10);
    bool sane = !*end && columns >= COLUMNS_LEAST && columns <= COLUMNS_MOST;
    return sane ? (int)columns : COLUMNS_UNASKED;
}

static bool read_config(const RunOptions *o, int ranks, Config *config, Error *error)
{
    ConfigSource source = {
        .name = o->config, .sets = o->sets, .set_count = o->set_count, .output = o->output};
    return config_load(config, source, o->program_directory, error) &&
           config_check_ranks(config, ranks ? ranks : (int)config_replica_ranks(config), error);
}

static bool make_plan(const Config *config, int ranks, Plan *plan, Error *error)
{
    char *text = NULL;
    int64_t bytes = 0;
    if (config_schedule_is_file(config) && !(text = plan_text(config, &bytes, error))) return false;
    bool good = plan_from_config(config, ranks, text, bytes, plan, error);
    free(text);
    return good;
}

/* "4 3 2 1", or the beginning and the end where there are many. */
static void print_list(const char *name, const int64_t *number, int count, const char *unit)
{
    printf("  %-10s", name);
    for (int i = 0; i < count; i++) {
        if (count > SHOWN && i == SHOWN - 2) {
            printf(" ...");
            i = count - 1;
        }
        printf(" %lld", (long long)number[i]);
    }
    printf("  %s\n", unit);
}

static bool cuts_backward(const Plan *plan)
{
    for (int rank = 0; rank < plan->shape.p; rank++)
        for (int i = 0; i < plan->list[rank].count; i++)
            if (plan->list[rank].action[i].kind == ACTION_INPUT) return true;
    return false;
}

static void print_bubble(const Config *c, const Plan *plan, const Timeline *timeline)
{
    Ideal ideal = theory_ideal(c);
    double theory = theory_bubble(c, plan->shape.m);
    printf("  %-10s %.6f walked, ", "bubble", timeline->bubble);
    if (isnan(theory))
        printf("and no formula for a schedule of your own");
    else
        printf("%.6f by the formula", theory);
    if (cuts_backward(plan))
        printf("  (I takes %.3g F, W %.3g)\n", ideal.input / ideal.forward, ideal.weight / ideal.forward);
    else
        printf("  (B takes %.3g F)\n", ideal.backward / ideal.forward);
}

/* What is in flight: of several stages a rank holds a microbatch as often as stages of it have it. */
static void microbatches_text(Shape s, char *text, size_t size)
{
    if (s.v == 1)
        snprintf(text, size, "microbatches");
    else
        snprintf(text, size, "of %lld (%d microbatch%s on %d stages)", (long long)s.m * s.v, s.m,
                 s.m == 1 ? "" : "es", s.v);
}

static void print_figures(const Config *c, int ranks, const Plan *plan, const Timeline *timeline)
{
    Shape s = plan->shape;
    bool cut = cuts_backward(plan);
    int64_t *number = allocate((size_t)plan->stages * sizeof *number);
    printf(
        "%s: %s, p = %d rank%s, m = %d microbatch%s, v = %d stage%s a rank; dp %d x tp %lld such pipelines\n",
        c->name, c->pipeline.schedule, s.p, s.p == 1 ? "" : "s", s.m, s.m == 1 ? "" : "es", s.v,
        s.v == 1 ? "" : "s", config_mesh(c, ranks).dp, (long long)c->tensor.size);
    for (int k = 0; k < plan->stages; k++)
        number[k] =
            stage_blocks(c->model.shape.layers, plan->stages, config_layers_per_stage(c, plan->stages), k);
    print_list("layers", number, plan->stages, "by stage");
    print_bubble(c, plan, timeline);
    char held[96], unit[128];
    microbatches_text(s, held, sizeof held);
    for (int r = 0; r < s.p; r++) number[r] = timeline->rank[r].in_flight;
    snprintf(unit, sizeof unit, "%s at most, by rank%s", held, cut ? ", until W" : "");
    print_list("in flight", number, s.p, unit);
    for (int r = 0; r < s.p; r++) number[r] = timeline->rank[r].in_flight_input;
    if (cut) print_list("", number, s.p, "until I");
    putchar('\n');
    free(number);
}

static bool show(const Config *config, int ranks, const Plan *plan, Error *error)
{
    Ideal ideal = theory_ideal(config);
    if (config->hardware.profile == PROFILE_GIVEN) { /* a slot is the shortest of them */
        double slot = fmin(fmin(ideal.forward, ideal.input), ideal.weight);
        ideal = (Ideal){ideal.forward / slot, ideal.backward / slot, ideal.input / slot, ideal.weight / slot};
    }
    Durations durations = timeline_ideal(&ideal);
    Timeline timeline;
    if (!timeline_walk(&timeline, plan, &durations, error)) return false;
    print_figures(config, ranks, plan, &timeline);
    draw_text(plan, &timeline, columns_most(), stdout);
    timeline_free(&timeline);
    return true;
}

int schedule_command(const RunOptions *options, int ranks, bool csv)
{
    Config config = {0};
    Plan plan = {0};
    Error error;
    bool good = read_config(options, ranks, &config, &error) && make_plan(&config, ranks, &plan, &error);
    if (good && csv) notation_write(&plan, stdout);
    if (good && !csv) good = show(&config, ranks ? ranks : (int)config_replica_ranks(&config), &plan, &error);
    if (!good) fprintf(stderr, "sim: %s\n", error.text);
    plan_free(&plan);
    config_free(&config);
    return good ? STATUS_OK : STATUS_BAD_REQUEST;
}
