/* paper.c - the walk on paper, and what the run file says of the step. */
#include "tests/support/paper.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sim/file/h5.h"
#include "sim/run/run_record.h"
#include "sim/theory/theory.h"
#include "tests/support/folder.h"

static const double TOLERANCE = 1e-12, LOOSE = 1e-9;
static char folder[FOLDER], run_file[FOLDER + 16];
char paper_output[FOLDER + 32];

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

/* Bytes over bandwidth, of the residual stream of one microbatch. */
static double message_seconds(void *context, int from, int to, Action send)
{
    (void)from, (void)to, (void)send;
    const Config *c = ((const Paper *)context)->t->config;
    double values = (double)(c->train.microbatch * c->model.shape.sequence * c->model.shape.hidden);
    if (c->tensor.sequence_parallel) values /= (double)c->tensor.size;
    return values * sizeof(real) / (c->hardware.bandwidth * 1e9);
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
    double tolerance = exact ? 0 : (seen->shared ? LOOSE : TOLERANCE) * paper->end;
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
    Ideal seconds = theory_ideal(t->config); /* of a stage that is all of a rank's layers */
    double v = t->plan->shape.v;
    seconds.forward /= v, seconds.backward /= v, seconds.input /= v, seconds.weight /= v;
    int columns = t->mesh.shape.dp * t->mesh.shape.tp;
    for (int column = 0; column < columns; column++) {
        Paper p = {t, rows, column, columns};
        Durations durations = {.seconds = recorded_seconds, .message = message_seconds, .context = &p};
        durations.latency = t->config->hardware.latency_us * 1e-6;
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

/* Exactly: a part that this run has no use for is no measurement's remainder. */
static bool can_occur(const Trainer *t, int part)
{
    const MeshShape *shape = &t->mesh.shape;
    switch ((Part)part) {
    case PART_RECOMPUTE: return t->config->train.recompute != RECOMPUTE_NONE;
    case PART_TP_EXPOSED: return shape->tp > 1;
    case PART_DP_EXPOSED: return shape->dp > 1;
    case PART_PP_WIRE:
    case PART_PP_IDLE: return shape->pp > 1;
    default: return true;
    }
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
        for (int i = 0; i < PARTS; i++) {
            sum += part[r * PARTS + i];
            expect(&seen->found, can_occur(t, i) || part[r * PARTS + i] == 0, "rank %d: %.17g s of %s", r,
                   part[r * PARTS + i], part_name[i]);
        }
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

/* A port sends one byte after the other: no step is shorter than what this rank sent in it takes. */
static void check_port(Seen *seen, const Trainer *t)
{
    double busy = 0;
    for (int p = 0; p < PURPOSES; p++)
        if (purpose_row[p].axis != AXIS_NONE)
            busy += link_busy(&t->comm->network.ring[ROUTE_INSIDE], t->comm->bytes[p]);
    busy /= (double)(t->step + 1); /* steps send alike */
    expect(&seen->found, t->device.lanes.now >= busy * (1 - TOLERANCE),
           "rank %d: the step takes %.17g, its port %.17g", t->comm->rank, t->device.lanes.now, busy);
}

void paper_look(Trainer *t, const StepResult *result, void *context)
{
    Seen *seen = context;
    bool main = t->comm->rank == 0, last = t->step == t->config->train.steps - 1;
    Group *world = group_world(t->comm, CHANNEL);
    size_t bytes = (size_t)t->rows * sizeof(TimelineRow);
    TimelineRow *rows = main ? allocate((size_t)t->comm->size * bytes) : NULL;
    TimelineRow *mine = allocate(bytes);
    trainer_rows(t, &t->laps, 0, t->rows, mine);
    gather(world, CONTROL, mine, bytes, rows, 0);
    free(mine);
    if (main) check_walk(seen, t, rows);
    if (main) check_port(seen, t);
    if (last && seen->records) {
        Record record;
        record_begin(&record, t, world, NULL, "ranks clock", 0);
        record_step_begin(&record);
        record_step(&record, 0, result, 1);
        record_end(&record, false);
        record_free(&record);
    }
    if (main && last) {
        if (seen->records) check_file(seen, t);
        seen->rows = rows;
        seen->rows_each = t->rows;
    } else {
        free(rows);
    }
    group_free(world);
}

void paper_check(const Seen *seen, const char *what)
{
    if (seen->found.wrong)
        print_error("%s: %d wrong, first: %s\n", what, seen->found.wrong, seen->found.first);
    assert_int_equal(seen->found.wrong, 0);
}

int paper_start(void)
{
    if (folder_make(folder)) return -1;
    snprintf(run_file, sizeof run_file, "%s/run.h5", folder);
    snprintf(paper_output, sizeof paper_output, "output.file=%s", run_file);
    return 0;
}

int paper_stop(void)
{
    return folder_remove(folder);
}
