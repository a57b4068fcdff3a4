/* case.c - running a case through the same trainer that sim runs. */
#include "tests/support/case.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/kernels/matmul.h"
#include "models/layers/gpt_count.h"
#include "models/machine/denormals.h"
#include "parallel/collectives/collectives.h"
#include "parallel/wire/comm_virtual.h"
#include "sim/config/parse.h"
#include "sim/config/ranks.h"
#include "sim/run/collect.h"
#include "sim/run/plan_from_config.h"
#include "sim/run/routing_record.h"
#include "sim/theory/theory.h"
#include "tests/support/config_text.h"

/* Odd sizes on purpose: nothing here is a multiple of the ranks. */
static const char INI[] =
    "[model]\nlayers = 3\nhidden = 20\nheads = 2\nffn = 44\nvocab = 19\nsequence = 7\n"
    "[train]\nglobal_batch = 24\nmicrobatch = 1\noptimizer = adamw\nlearning_rate = 1e-2\n"
    "weight_decay = 0.1\nclip = 0.5\n[parallel]\nbucket_mb = 0.04\n";

Case case_of_words(int steps, const char *format, ...)
{
    Case c = {.steps = steps};
    const size_t most = sizeof c.sets / sizeof *c.sets - 1, size = 1024;
    size_t sets = 0;
    char *rest;
    va_list args;
    c.text = allocate(size);
    va_start(args, format);
    int length = vsnprintf(c.text, size, format, args);
    va_end(args);
    if (length < 0 || (size_t)length >= size) fail("a case of %d characters", length);
    for (char *word = strtok_r(c.text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        if (sets == most) fail("a case of more than %zu sets", most);
        c.sets[sets++] = word;
    }
    return c;
}

bool case_config(const Case *c, Config *config, Error *error)
{
    int sets = 0;
    while (c->sets[sets]) sets++;
    return config_parse(
        config,
        &(ConfigSource){
            .name = "case.ini", .text = INI, .sets = c->sets, .set_count = sets, .profile = slow_machine},
        error);
}

bool case_data_takes(const char *data, const char *set)
{
    bool dp = strcmp(data, "dp") == 0, shards = strcmp(data, "zero2") == 0 || strcmp(data, "zero3") == 0;
    if (strncmp(set, "parallel.overlap=", 17) == 0) return !dp;
    if (strncmp(set, "parallel.bucket_mb=", 19) == 0) return !dp && strcmp(data, "zero3") != 0;
    if (strncmp(set, "parallel.gather=", 16) == 0)
        return strcmp(data, "zero1") == 0 || strcmp(data, "zero2") == 0;
    if (strncmp(set, "parallel.reduce=", 16) == 0) return shards || strcmp(set + 16, "auto") == 0;
    return true;
}

/* A case keeps its parameters whole, one after the other. */
typedef struct Keeping {
    real *all;
    int64_t at;
} Keeping;

static void keep(const Parameter *p, Tensor whole, void *context)
{
    (void)p;
    Keeping *k = context;
    memcpy(k->all + k->at, whole.data, tensor_bytes(whole));
    k->at += whole.count;
}

static real *collect(Trainer *t, bool gradients)
{
    Keeping k = {0};
    if (t->comm->rank == 0) k.all = allocate((size_t)gpt_parameter_count(&t->gpt->shape) * sizeof *k.all);
    collect_parameters(t, gradients, keep, &k);
    return k.all;
}

static void keep_gradients(Trainer *t, void *context)
{
    Case *c = context;
    real *gradients = collect(t, true);
    if (t->comm->rank == 0) c->gradients = gradients;
}

/* What formulas do not foretell: the rows that tokens chose, and what a rank had room for where it takes all. */
static void keep_rows(Case *c, Trainer *t, Group *world)
{
    RoutingRecord record = routing_record_gather(t, world);
    for (int r = 0; world->rank == 0 && r < world->size; r++) {
        theory_dispatched(t->config, t->plan, world->size, r, record.row.rows, c->theory[r]);
        c->rows_room[r] = theory_rows_room(t->config, t->plan, world->size, r, record.row.rows);
        if (c->room_varies) c->memory_theory[r][MEM_ACTIVATIONS] = (double)NAN;
    }
    routing_record_free(&record);
}

static void keep_counts(Case *c, Trainer *t, const uint64_t *before, Group *world)
{
    uint64_t mine[PURPOSES], peak[MEMORY_CATEGORIES + 1];
    for (int p = 0; p < PURPOSES; p++) mine[p] = p == OUTPUT_GATHER ? 0 : t->comm->bytes[p] - before[p];
    for (int m = 0; m < MEMORY_CATEGORIES; m++) peak[m] = t->device.peak[m];
    peak[MEMORY_CATEGORIES] = t->device.peak_total;
    int n = world->size;
    if (world->rank == 0) {
        c->bytes = allocate((size_t)n * sizeof *c->bytes);
        c->peak = allocate((size_t)n * sizeof *c->peak);
        c->theory = allocate((size_t)n * sizeof *c->theory);
        c->memory_theory = allocate((size_t)n * sizeof *c->memory_theory);
        c->rows_room = allocate((size_t)n * sizeof *c->rows_room);
        for (int r = 0; r < n; r++) {
            theory_bytes(t->config, t->plan, n, r, c->theory[r]);
            theory_memory(t->config, t->plan, n, r, c->memory_theory[r]);
            c->rows_room[r] = theory_rows_room(t->config, t->plan, n, r, NULL);
        }
        c->moves_rows = t->mesh.shape.ep > 1 && t->config->expert.way == DISPATCH_ALL_TO_ALL;
        c->room_varies = t->mesh.shape.ep > 1 && t->config->model.shape.experts.capacity == 0;
    }
    if (t->mesh.shape.ep > 1 && !t->device.dry) keep_rows(c, t, world);
    gather(world, CONTROL, mine, sizeof mine, c->bytes, 0);
    gather(world, CONTROL, peak, sizeof peak, c->peak, 0);
}

/* The idle share of a step, as the run file has it: a rank that ended waits for the last. */
static void keep_bubble(Case *c, const Trainer *t, Group *world)
{
    const Lanes *lanes = &t->device.lanes;
    double mine[2] = {lanes->now, lanes->spent[PART_PP_IDLE]}, end = 0, (*all)[2] = NULL;
    int n = world->size;
    if (world->rank == 0) all = allocate((size_t)n * sizeof *all);
    gather(world, CONTROL, mine, sizeof mine, all, 0);
    if (world->rank > 0) return;
    c->bubble_theory = t->config->hardware.profile == PROFILE_MACHINE
                           ? (double)NAN
                           : theory_bubble(t->config, t->microbatches);
    c->bubble = allocate((size_t)n * sizeof *c->bubble);
    for (int r = 0; r < n; r++) end = fmax(end, all[r][0]);
    for (int r = 0; r < n; r++) c->bubble[r] = (all[r][1] + end - all[r][0]) / end;
    free(all);
}

static void keep_loss(Case *c, int64_t step, double part, Group *world)
{
    double *parts = world->rank == 0 ? allocate((size_t)world->size * sizeof *parts) : NULL;
    gather(world, CONTROL, &part, sizeof part, parts, 0);
    for (int r = 0; parts && r < world->size; r++) c->loss[step] += parts[r];
    free(parts);
}

void case_run(Comm *comm, void *one_case)
{
    Case *c = one_case;
    matmul_one_thread();
    denormals_off(); /* as in a run */
    Config config;
    Error error;
    if (!case_config(c, &config, &error) || !config_check_ranks(&config, comm->size, &error)) {
        if (comm->rank == 0) snprintf(c->refused, sizeof c->refused, "%s", error.text);
        config_free(&config);
        return;
    }
    config.train.steps = c->steps;
    if (c->change) c->change(&config, c->context);
    Plan plan;
    if (!plan_from_config(&config, comm->size, c->schedule, c->schedule ? (int64_t)strlen(c->schedule) : 0,
                          &plan, &error)) {
        if (comm->rank == 0) snprintf(c->refused, sizeof c->refused, "%s", error.text);
        config_free(&config);
        return;
    }
    memset(comm->bytes, 0, sizeof comm->bytes); /* of what this launch ran before */
    memset(comm->messages, 0, sizeof comm->messages);
    memset(comm->across, 0, sizeof comm->across);
    Group *world = group_world(comm, CHANNEL_CONTROL);
    Trainer *t = trainer_new(&config, &plan, comm, NULL, c->dry, NULL, &error);
    if (!t) fail("%s", error.text);
    /* small kernels take no longer than reading the thread's clock around them */
    if (!c->reads_clock && !t->device.lanes.measured) t->device.lanes.reads_clock = false;
    data_parallel_initialise(t->data_parallel, config.train.seed);
    if (comm->rank == 0) {
        c->loss = allocate_zeroed((size_t)c->steps, sizeof *c->loss);
        c->parameters = gpt_parameter_count(&config.model.shape);
    }
    const int64_t first = c->begin ? c->begin(t, c->context) : 0;
    for (int64_t step = first; step < c->steps; step++) {
        uint64_t before[PURPOSES];
        memcpy(before, comm->bytes, sizeof before);
        StepResult result = trainer_step(t, step, step == first && !c->dry ? keep_gradients : NULL, c);
        if (step == first) keep_counts(c, t, before, world);
        if (c->look) c->look(t, &result, c->context);
        if (step == first) keep_bubble(c, t, world);
        if (!c->no_losses) keep_loss(c, step, result.loss, world);
        if (step == first && comm->rank == 0) c->grad_norm = result.grad_norm;
    }
    if (!c->dry) {
        real *weights = collect(t, false);
        if (comm->rank == 0) c->weights = weights;
    }
    trainer_free(t);
    if (c->end) c->end(comm, c->context);
    plan_free(&plan);
    group_free(world);
    config_free(&config);
}

bool case_virtual(Case *c, int ranks)
{
    Error error;
    c->stuck = !virtual_run(ranks, case_run, c, &error);
    if (c->stuck) snprintf(c->refused, sizeof c->refused, "%s", error.text);
    return c->refused[0] == '\0';
}

void case_free(Case *c)
{
    free(c->loss);
    free(c->gradients);
    free(c->weights);
    free(c->bytes);
    free(c->theory);
    free(c->peak);
    free(c->memory_theory);
    free(c->rows_room);
    free(c->bubble);
    free(c->text);
    *c = (Case){0};
}

/* A NaN is larger than everything. */
static double larger(double a, double b)
{
    return a >= b || isnan(a) ? a : b;
}

double case_distance(const Case *truth, const Case *other, bool gradients)
{
    const real *a = gradients ? truth->gradients : truth->weights,
               *b = gradients ? other->gradients : other->weights;
    /* parameter by parameter: a small one must not hide behind a large one */
    Config config;
    Error error;
    if (!case_config(truth, &config, &error)) fail("%s", error.text);
    Device none = {.dry = true};
    Gpt *gpt = gpt_new(&(GptOptions){.shape = &config.model.shape, .device = &none});
    double worst = 0;
    int64_t at = 0;
    for (int i = 0; i < gpt->parameters; i++) {
        int64_t count = parameter_count(&gpt->parameter[i]);
        double largest = 0, difference = 0;
        for (int64_t k = at; k < at + count; k++) {
            largest = fmax(largest, fabs((double)a[k]));
            difference = larger(difference, fabs((double)a[k] - (double)b[k]));
        }
        worst = larger(worst, difference == 0 ? 0 : difference / largest);
        at += count;
    }
    gpt_free(gpt);
    config_free(&config);
    return worst;
}

double case_gradients_apart(const Case *truth, const Case *c)
{
    double apart = 0, norm = 0;
    for (int64_t i = 0; i < truth->parameters; i++) {
        double a = (double)truth->gradients[i], b = (double)c->gradients[i];
        apart += (a - b) * (a - b);
        norm += a * a;
    }
    return sqrt(apart / norm);
}

static bool near(double apart, double tolerance, const char *what, int ranks, const char *of)
{
    if (apart <= tolerance) return true;
    printf("# %s on %d ranks: %s %.3g apart\n", what, ranks, of, apart);
    return false;
}

static bool equal(double counted, double formula, const char *what, int ranks, int rank, const char *of)
{
    if (counted == formula || isnan(formula)) return true;
    printf("# %s on %d ranks: rank %d counts %.0f of %s, and should %.2f\n", what, ranks, rank, counted, of,
           formula);
    return false;
}

void case_compare(const Case *truth, Case *c)
{
    c->loss_apart = 0;
    for (int i = 0; i < c->steps; i++)
        c->loss_apart = larger(c->loss_apart, fabs(c->loss[i] / truth->loss[i] - 1));
    c->gradients_apart = case_distance(truth, c, true);
    c->norm_apart = fabs(c->grad_norm / truth->grad_norm - 1);
}

bool case_counts(const Case *c, const char *what, int ranks)
{
    bool ok = true;
    for (int r = 0; r < ranks; r++) {
        for (int p = 0; p < PURPOSES; p++) {
            if (p == CONTROL || p == INIT_BROADCAST) continue; /* the run's, not the trainer's: training.sh */
            ok &= equal((double)c->bytes[r][p], c->theory[r][p], what, ranks, r, purpose_row[p].name);
        }
        for (int m = 0; m < MEMORY_CATEGORIES; m++)
            ok &=
                equal((double)c->peak[r][m], c->memory_theory[r][m], what, ranks, r, memory_category_name[m]);
        if ((double)c->peak[r][MEM_COMMUNICATION] < c->rows_room[r]) {
            printf("# %s on %d ranks: rank %d has had no room for the %.0f bytes of rows that it passes on\n",
                   what, ranks, r, c->rows_room[r]);
            ok = false;
        }
        if (!isnan(c->bubble_theory)) /* a user's own schedule has no formula */
            ok &= near(fabs(c->bubble[r] - c->bubble_theory), 1e-12, what, ranks, "the bubble is");
    }
    return ok;
}

bool case_agrees(const Case *truth, Case *c, const char *what, int ranks, double tolerance)
{
    case_compare(truth, c);
    bool ok = near(c->loss_apart, tolerance, what, ranks, "the loss is");
    ok &= near(c->gradients_apart, tolerance, what, ranks, "gradients are");
    ok &= near(c->norm_apart, tolerance, what, ranks, "the norm is");
    return case_counts(c, what, ranks) && ok;
}

bool case_dry_equals(const Case *c, const Case *dry, const char *what, int ranks)
{
    bool ok = true;
    for (int r = 0; r < ranks; r++) {
        for (int p = 0; p < PURPOSES; p++) {
            const bool even = c->moves_rows && (p == MOE_DISPATCH || p == MOE_COMBINE); /* its load */
            ok &= equal((double)dry->bytes[r][p], even ? dry->theory[r][p] : (double)c->bytes[r][p], what,
                        ranks, r, purpose_row[p].name);
        }
        for (int m = 0; m <= MEMORY_CATEGORIES; m++) {
            bool varies = m == MEM_ACTIVATIONS || m == MEM_WORKSPACE || m == MEM_COMMUNICATION ||
                          m == MEMORY_CATEGORIES;
            const bool hops =
                c->rows_room[r] + dry->rows_room[r] > 0 && (m == MEM_COMMUNICATION || m == MEMORY_CATEGORIES);
            if ((c->room_varies && varies) || hops) continue;
            ok &= equal((double)dry->peak[r][m], (double)c->peak[r][m], what, ranks, r,
                        m < MEMORY_CATEGORIES ? memory_category_name[m] : "all memory");
        }
        if (!c->moves_rows || !isnan(c->bubble_theory)) /* else the time of a step follows the rows */
            ok &= near(fabs(dry->bubble[r] - c->bubble[r]), 0, what, ranks, "dry, the bubble is");
    }
    return ok;
}

bool case_same_bits(const Case *a, const Case *b)
{
    size_t parameters = (size_t)a->parameters * sizeof(real);
    return memcmp(a->loss, b->loss, (size_t)a->steps * sizeof *a->loss) == 0 &&
           memcmp(a->gradients, b->gradients, parameters) == 0 &&
           memcmp(a->weights, b->weights, parameters) == 0;
}
