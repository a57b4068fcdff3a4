/* test_clock.c - simulated time keeps its promises in training itself: what
 * the messages carried is what the same durations give on paper, action by
 * action; and under ideal durations what the papers say.
 *
 * On virtual ranks in this process, and under mpirun on the ranks it was given. */
#include <math.h>
#include <string.h>
#include <unistd.h>
#include "sim/h5.h"
#include "sim/record.h"
#include "tests/case.h"
#include "tests/ranks.h"

static const double TOLERANCE = 1e-12;
static char folder[] = "/tmp/sim-clock-XXXXXX", run_file[64], output[80];

/* What rank 0 saw of a case. */
typedef struct Seen {
    Findings found;
    int idled, travelled; /* receives that waited for their sender, and for the wire */
    TimelineRow *rows;    /* of the last step, rows_each of every rank */
    int rows_each, in_flight[8];
} Seen;

/* ---- the paper walk ---- */

/* One pipeline of the grid: those of its ranks r for which r % columns is the column. */
typedef struct Paper {
    const Trainer *t;
    const TimelineRow *rows; /* of all ranks */
    int column, columns;
} Paper;

static int index_of(const Schedule *list, ActionKind kind, int stage, int microbatch)
{
    int i = 0;
    while (i < list->count && (list->action[i].kind != kind || list->action[i].stage != stage ||
                               list->action[i].microbatch != microbatch))
        i++;
    return i;
}

static const TimelineRow *row_of(const Paper *p, int pipe, int index)
{
    return p->rows + (size_t)(pipe * p->columns + p->column) * (size_t)p->t->rows + index;
}

static double recorded_seconds(void *context, int pipe, Action a)
{
    const Paper *p = context;
    const TimelineRow *row =
        row_of(p, pipe, index_of(&p->t->plan->list[pipe], a.kind, a.stage, a.microbatch));
    return row->simulated_end - row->simulated_start;
}

/* Latency and bytes over bandwidth, of the residual stream of one microbatch. */
static double message_seconds(void *context, int from, int to, Action send)
{
    (void)from, (void)to, (void)send;
    const Config *c = ((const Paper *)context)->t->config;
    double values = (double)(c->train.microbatch * c->model.shape.sequence * c->model.shape.hidden);
    if (c->tensor.sequence_parallel) values /= (double)c->tensor.size;
    return c->hardware.latency_us * 1e-6 + values * sizeof(real) / (c->hardware.bandwidth * 1e9);
}

static void same_seconds(Findings *f, double seen, double paper, double tolerance, const TimelineRow *row,
                         const char *what)
{
    expect(f, fabs(seen - paper) <= tolerance,
           "rank %d, %s of stage %d, microbatch %d: %s %.17g, on paper %.17g", row->rank, row->action,
           row->stage, row->microbatch, what, seen, paper);
}

/* A receive idles until its sender's send, and then waits for the wire. */
static void check_receive(Seen *seen, const Paper *p, const Timeline *paper, int pipe, int index,
                          double tolerance)
{
    Action a = p->t->plan->list[pipe].action[index];
    bool forward = a.kind == ACTION_RECV_FORWARD;
    if (!forward && a.kind != ACTION_RECV_BACKWARD) return;
    int from = a.stage + (forward ? -1 : 1), peer = p->t->plan->rank_of[from];
    int send = index_of(&p->t->plan->list[peer], forward ? ACTION_SEND_FORWARD : ACTION_SEND_BACKWARD, from,
                        a.microbatch);
    Span span = paper->rank[pipe].span[index];
    double idle = fmax(0, paper->rank[peer].span[send].start - span.start);
    double wire = span.end - span.start - idle;
    const TimelineRow *row = row_of(p, pipe, index);
    same_seconds(&seen->found, row->communication, wire, tolerance, row, "wire");
    same_seconds(&seen->found, row->simulated_end - row->simulated_start - row->communication, idle,
                 tolerance, row, "idle");
    seen->idled += idle > tolerance;
    seen->travelled += wire > tolerance;
}

static void check_rank(Seen *seen, const Paper *p, const Timeline *paper, int pipe, bool ideal)
{
    const Schedule *list = &p->t->plan->list[pipe];
    bool exact = ideal && p->t->plan->shape.v != 3; /* thirds are rounded */
    double tolerance = exact ? 0 : TOLERANCE * paper->end;
    for (int i = 0; i < list->count; i++) {
        const TimelineRow *row = row_of(p, pipe, i);
        Action a = list->action[i];
        expect(&seen->found,
               strcmp(row->action, action_name[a.kind]) == 0 && row->stage == a.stage &&
                   row->microbatch == a.microbatch,
               "rank %d, row %d is %s of stage %d, microbatch %d", row->rank, i, row->action, row->stage,
               row->microbatch);
        /* ideally the rest only waits, until the norm is summed over all ranks, which paper knows not */
        if (ideal && a.kind == ACTION_REDUCE)
            same_seconds(&seen->found, row->simulated_end, paper->end, tolerance, row, "end");
        if (ideal && a.microbatch < 0) continue;
        same_seconds(&seen->found, row->simulated_start, paper->rank[pipe].span[i].start, tolerance, row,
                     "start");
        same_seconds(&seen->found, row->simulated_end, paper->rank[pipe].span[i].end, tolerance, row, "end");
        check_receive(seen, p, paper, pipe, i, tolerance);
    }
}

/* A rank holds as many times a microbatch's activations as microbatches wait for their backward. */
static void check_memory(Seen *seen, const Paper *p, int pipe)
{
    const Schedule *list = &p->t->plan->list[pipe];
    uint64_t each = 0, waiting = 0;
    for (int i = 0; i < list->count; i++) {
        const TimelineRow *row = row_of(p, pipe, i);
        const ActionKind kind = list->action[i].kind;
        uint64_t sum = 0;
        if (kind == ACTION_INPUT) return; /* it gives back a part */
        for (int c = 0; c < MEMORY_CATEGORIES; c++) sum += row->memory[c];
        expect(&seen->found, row->memory_peak >= sum && sum > 0, "rank %d, row %d: peak below the sum",
               row->rank, i);
        if (kind == ACTION_FORWARD) waiting++;
        if (kind == ACTION_BACKWARD) waiting--;
        if (kind != ACTION_FORWARD && kind != ACTION_BACKWARD) continue;
        if (!each) each = row->memory[MEM_ACTIVATIONS];
        expect(&seen->found, each > 0 && row->memory[MEM_ACTIVATIONS] == waiting * each,
               "rank %d, row %d: %llu bytes of activations, %llu microbatches of %llu", row->rank, i,
               (unsigned long long)row->memory[MEM_ACTIVATIONS], (unsigned long long)waiting,
               (unsigned long long)each);
    }
}

static void check_walk(Seen *seen, const Trainer *t, const TimelineRow *rows)
{
    Error error;
    Timeline paper;
    bool ideal = t->config->hardware.profile == PROFILE_IDEAL;
    Ideal seconds = pipeline_ideal(t->config); /* of a stage that is all of a rank's layers */
    double v = t->plan->shape.v;
    seconds.forward /= v, seconds.backward /= v, seconds.input /= v, seconds.weight /= v;
    int columns = t->mesh.dp * t->mesh.tp;
    for (int column = 0; column < columns; column++) {
        Paper p = {t, rows, column, columns};
        Durations durations = {recorded_seconds, message_seconds, &p};
        if (ideal) durations = timeline_ideal(&seconds);
        bool walked = timeline_walk(&paper, t->plan, &durations, &error);
        expect(&seen->found, walked, "%s", error.text);
        if (!walked) break;
        for (int pipe = 0; pipe < paper.ranks; pipe++) {
            check_rank(seen, &p, &paper, pipe, ideal);
            if (v == 1) check_memory(seen, &p, pipe); /* else stages differ */
            seen->in_flight[pipe] = paper.rank[pipe].in_flight;
        }
        timeline_free(&paper);
    }
}

/* ---- what is recorded ---- */

static double *numbers(H5 *file, const char *path)
{
    int rank;
    size_t dims[H5_MAX_RANK];
    Error error;
    double *values = h5_read_numbers(file, path, &rank, dims, &error);
    if (!values) fail("%s", error.text);
    return values;
}

/* On every rank the parts sum to the step; ideally the rank's bubble is the formula's. */
static void check_file(Seen *seen, const Trainer *t)
{
    Error error;
    H5 *file = h5_open(run_file, &error);
    if (!file) fail("%s", error.text);
    double *step = numbers(file, "/steps/simulated_time"), *part = numbers(file, "/breakdown/simulated");
    double *bubble = numbers(file, "/pipeline/bubble_ratio_simulated"),
           *formula = numbers(file, "/pipeline/bubble_ratio_theory");
    for (int r = 0; r < t->comm->size; r++) {
        double sum = 0, idle = bubble[r];
        for (int i = 0; i < PARTS; i++) sum += part[r * PARTS + i];
        expect(&seen->found, *step > 0 && fabs(sum - *step) <= TOLERANCE * *step,
               "rank %d: the parts sum to %.17g, the step takes %.17g", r, sum, *step);
        if (t->config->hardware.profile != PROFILE_IDEAL) continue;
        expect(&seen->found, fabs(idle - *formula) <= TOLERANCE, "rank %d: bubble %.17g, formula %.17g", r,
               idle, *formula);
    }
    free(step);
    free(part);
    free(bubble);
    free(formula);
    h5_close(file, NULL);
    unlink(run_file);
}

/* Every rank's part after a step; rank 0 looks. */
static void look(Trainer *t, const StepResult *result, void *context)
{
    Seen *seen = context;
    bool main = t->comm->rank == 0, last = t->step == t->config->train.steps - 1;
    Group *world = group_world(t->comm, CHANNEL);
    size_t bytes = (size_t)t->rows * sizeof(TimelineRow);
    TimelineRow *rows = main ? allocate((size_t)t->comm->size * bytes) : NULL;
    gather(world, CONTROL, t->timeline, bytes, rows, 0);
    if (main) check_walk(seen, t, rows);
    if (last) {
        Record record;
        record_begin(&record, t, world, NULL, "test_clock");
        record_step_begin(&record);
        record_step(&record, 0, result, 1);
        record_end(&record);
        record_free(&record);
    }
    if (main && last) {
        check_file(seen, t);
        seen->rows = rows;
        seen->rows_each = t->rows;
    } else {
        free(rows);
    }
    group_free(world);
}

/* ---- cases ---- */

/* False on the ranks of an MPI run that have nothing to look at. */
static bool run_case(Case *c, int ranks, bool virtual_ranks)
{
    if (mpi && !virtual_ranks)
        case_run(mpi, c);
    else
        case_virtual(c, ranks);
    if (c->refused[0]) print_error("%s\n", c->refused);
    assert_true(!c->refused[0]);
    return !mpi || mpi->rank == 0;
}

static void check_seen(const Seen *seen, const char *what)
{
    if (seen->found.wrong)
        print_error("%s: %d wrong, first: %s\n", what, seen->found.wrong, seen->found.first);
    assert_int_equal(seen->found.wrong, 0);
}

#define DIVISIBLE "model.layers=8", "model.hidden=24", "model.heads=12", "model.ffn=36", "model.sequence=12"

static const struct {
    int ranks;
    const char *sets[5];
} GRIDS[] = {
    {2, {"parallel.pp=2", "parallel.schedule=gpipe", "train.recompute=full"}},
    {2, {"parallel.pp=2", "parallel.schedule=zb-h1", "train.recompute=selective"}},
    {3, {"parallel.pp=3", "parallel.schedule=naive", "parallel.data=zero1"}},
    {3, {"parallel.pp=3", "parallel.schedule=zb-h1", "model.tie_embeddings=no"}},
    {4, {"parallel.pp=4", "parallel.schedule=interleaved", "parallel.virtual_stages=2"}},
    {4, {"parallel.pp=2", "parallel.schedule=1f1b", "parallel.data=dp"}},
    {4, {"parallel.pp=2", "parallel.schedule=zb-h1", "parallel.tp=2", "parallel.sequence_parallel=yes"}},
    {8, {"parallel.pp=8", "parallel.schedule=zb-h1"}},
    {8, {"parallel.pp=4", "parallel.schedule=gpipe", "parallel.data=zero2", "train.recompute=full"}},
    {8, {"parallel.pp=4", "parallel.schedule=1f1b", "parallel.tp=2", "train.recompute=selective"}},
    {8,
     {"parallel.pp=2", "parallel.schedule=interleaved", "parallel.virtual_stages=4", "parallel.tp=2",
      "parallel.data=zero3"}},
};
enum { GRID_COUNT = sizeof GRIDS / sizeof *GRIDS };

static Case grid_case(int g, const char *const *more, Seen *seen)
{
    Case c = {.steps = 2, .sets = {DIVISIBLE, output}, .look = look, .context = seen};
    int sets = 6;
    for (int i = 0; more[i]; i++) c.sets[sets++] = more[i];
    for (int i = 0; i < 5 && GRIDS[g].sets[i]; i++) c.sets[sets++] = GRIDS[g].sets[i];
    return c;
}

static void messages_carry_what_paper_says(void **state)
{
    (void)state;
    const char *const measured[] = {"hardware.profile=measured", "hardware.latency_us=200",
                                    "hardware.bandwidth_gb=0.05", NULL};
    for (int g = 0; g < GRID_COUNT; g++) {
        if (mpi && mpi->size != GRIDS[g].ranks) continue;
        Seen seen = {0};
        Case c = grid_case(g, measured, &seen);
        if (run_case(&c, GRIDS[g].ranks, false)) {
            check_seen(&seen, GRIDS[g].sets[1]);
            assert_true(seen.idled > 0 && seen.travelled > 0);
        }
        free(seen.rows);
        case_free(&c);
    }
}

/* Ideal seconds are those of the paper walk and the formula, and a dry run has the same, row by row. */
static void ideal_time_needs_no_numbers(void **state)
{
    (void)state;
    const char *const ideal[] = {NULL};
    for (int g = 0; g < GRID_COUNT; g++) {
        if (mpi && mpi->size != GRIDS[g].ranks) continue;
        Seen seen = {0}, without = {0};
        Case c = grid_case(g, ideal, &seen), dry = grid_case(g, ideal, &without);
        dry.dry = true;
        bool looks = run_case(&c, GRIDS[g].ranks, false);
        if (looks) {
            run_case(&dry, GRIDS[g].ranks, true);
            check_seen(&seen, GRIDS[g].sets[1]);
            check_seen(&without, GRIDS[g].sets[1]);
            assert_int_equal(seen.rows_each, without.rows_each);
        }
        for (int i = 0; looks && i < GRIDS[g].ranks * seen.rows_each; i++) {
            const TimelineRow *a = &seen.rows[i], *b = &without.rows[i];
            assert_string_equal(a->action, b->action);
            assert_true(a->simulated_start == b->simulated_start && a->simulated_end == b->simulated_end);
            assert_true(a->recompute == b->recompute && a->communication == b->communication);
        }
        free(seen.rows);
        free(without.rows);
        case_free(&c);
        case_free(&dry);
    }
}

/* ---- all shapes ---- */

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* Most microbatches of a stage that a rank holds at once. */
static int in_flight(ScheduleKind kind, Shape s, int rank)
{
    switch (kind) {
    case SCHEDULE_NAIVE: return 1;
    case SCHEDULE_GPIPE: return s.m;
    case SCHEDULE_1F1B: return least(s.m, s.p - rank);
    case SCHEDULE_INTERLEAVED: return least(s.v * s.m, 2 * (s.p - 1 - rank) + (s.v - 1) * s.p + 1);
    case SCHEDULE_ZB_H1: return least(s.m, s.p);
    case SCHEDULE_KINDS: break;
    }
    return 0;
}

/* `one`: the peaks of one microbatch, on each rank. */
static void check_shape(ScheduleKind kind, Shape s, const char *recompute, uint64_t one[8])
{
    char text[6][48], what[64];
    Seen seen = {0};
    snprintf(what, sizeof what, "%s, p = %d, m = %d, v = %d", schedule_name[kind], s.p, s.m, s.v);
    snprintf(text[0], sizeof *text, "parallel.pp=%d", s.p);
    snprintf(text[1], sizeof *text, "parallel.schedule=%s", schedule_name[kind]);
    snprintf(text[2], sizeof *text, "parallel.virtual_stages=%d", s.v);
    snprintf(text[3], sizeof *text, "model.layers=%d", s.p * s.v);
    snprintf(text[4], sizeof *text, "train.global_batch=%d", s.m);
    snprintf(text[5], sizeof *text, "train.recompute=%s", recompute);
    Case c = {.steps = 1,
              .dry = true,
              .sets = {text[0], text[1], text[2], text[3], text[4], text[5], output},
              .look = look,
              .context = &seen};
    run_case(&c, s.p, true);
    check_seen(&seen, what);
    for (int r = 0; r < s.p; r++) {
        uint64_t peak = c.peak[r][MEM_ACTIVATIONS];
        if (s.m == 1) one[r] = peak;
        assert_int_equal(seen.in_flight[r], in_flight(kind, s, r));
        assert_true((double)peak == c.memory_theory[r][MEM_ACTIVATIONS]);
        /* where all that a rank holds are microbatches of one stage, whole until they go */
        if (s.v == 1 && kind != SCHEDULE_ZB_H1) assert_int_equal(peak, (uint64_t)seen.in_flight[r] * one[r]);
    }
    free(seen.rows);
    case_free(&c);
}

static void all_shapes(const char *recompute)
{
    for (int kind = 0; kind < SCHEDULE_KINDS; kind++)
        for (int p = 2; p <= 8; p++)
            for (int v = kind == SCHEDULE_INTERLEAVED ? 2 : 1; v <= (kind == SCHEDULE_INTERLEAVED ? 3 : 1);
                 v++) {
                uint64_t one[8] = {0};
                for (int m = 1; m <= 4 * p; m++)
                    if (v == 1 || m % p == 0)
                        check_shape((ScheduleKind)kind, (Shape){v, p, m}, recompute, one);
            }
}

static void ideal_bubbles_and_microbatches_in_flight(void **state)
{
    (void)state;
    all_shapes("none");
}

static void ideal_bubbles_with_recomputation(void **state)
{
    (void)state;
    all_shapes("full");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_carry_what_paper_says),
        cmocka_unit_test(ideal_time_needs_no_numbers),
        cmocka_unit_test(ideal_bubbles_and_microbatches_in_flight),
        cmocka_unit_test(ideal_bubbles_with_recomputation),
    };
    ranks_start(&argc, &argv);
    if (!mkdtemp(folder)) return 1;
    snprintf(run_file, sizeof run_file, "%s/run.h5", folder);
    snprintf(output, sizeof output, "output.file=%s", run_file);
    /* dry shapes are walked in one process alone */
    int failed =
        mpi ? _cmocka_run_group_tests("simulated time of training on MPI ranks", tests, 2, NULL, NULL)
            : cmocka_run_group_tests_name("simulated time of training on virtual ranks", tests, NULL, NULL);
    unlink(run_file);
    rmdir(folder);
    return ranks_stop(failed);
}
