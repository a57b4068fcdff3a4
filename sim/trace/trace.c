/* trace.c - the recorded step of a run, an event after the other. */
#include "sim/trace/trace.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "parallel/grid.h"
#include "sim/base/version.h"
#include "sim/base/words.h"
#include "sim/trace/event.h"
#include "sim/trace/messages.h"

/* ---- reading ---- */

static double start_of(const Trace *t, size_t row)
{
    return t->measured ? t->rows[row].measured_start : t->rows[row].simulated_start;
}

static double end_of(const Trace *t, size_t row)
{
    return t->measured ? t->rows[row].measured_end : t->rows[row].simulated_end;
}

/* The thread of a lane, from 1: 0 where there are too many. */
static int thread_of(const Trace *t, const char *lane)
{
    char shown[sizeof t->lane[0]];
    words_show(shown, sizeof shown, lane);
    for (int i = 0; i < t->lanes; i++)
        if (!strcmp(t->lane[i], shown)) return i + 1;
    return 0;
}

/* A run that was killed may have rows of anything. */
static bool is_of_use(const Trace *t, size_t row)
{
    const double longest = 9e9; /* s: as ns they are whole numbers of 64 bits */
    const double start = start_of(t, row), end = end_of(t, row);
    const TimelineRow *r = &t->rows[row];
    const int recorded = run_file_row(t->run, r->rank);
    return r->action[0] && recorded >= 0 && t->run->rank[recorded] == r->rank && start >= 0 && end >= start &&
           end < longest; /* no NaN */
}

static bool keep_rows(Trace *t, Error *error)
{
    for (size_t i = 0; i < t->run->actions; i++) {
        TimelineRow *row = &t->rows[i];
        if (!is_of_use(t, i)) {
            row->rank = -1;
            continue;
        }
        if (!thread_of(t, row->lane)) {
            if (t->lanes == TRACE_LANES)
                return error_set(error, "%s: more than %d lanes a rank; is the file damaged?", t->run->path,
                                 TRACE_LANES);
            words_show(t->lane[t->lanes++], sizeof t->lane[0], row->lane);
        }
        bool *traced = &t->traced[run_file_row(t->run, row->rank)];
        t->ranks += !*traced;
        *traced = true;
        t->actions++;
    }
    return true;
}

static bool refuse_empty(const Trace *t, Error *error)
{
    const RunFile *run = t->run;
    if (t->measured && run->dry)
        return error_set(error, "%s: a dry run measures no time; try sim trace without --measured",
                         run->path);
    return error_set(
        error, "%s: no step's actions are recorded%s", run->path,
        run->complete ? "" : ": a run writes them as it ends, and this one was killed, or still runs");
}

static bool read_all(Trace *t, Error *error)
{
    t->rows = run_file_actions(t->run, error);
    if (!t->rows || !run_file_memory(t->run, t->rows, &t->held, &t->peak, error)) return false;
    t->traced = allocate_zeroed((size_t)t->run->recorded, sizeof *t->traced);
    t->message = allocate(t->run->actions * sizeof *t->message);
    if (!keep_rows(t, error)) return false;
    t->messages = messages_number(t->rows, t->run->actions, t->run->shape.mesh, t->message);
    return t->actions || refuse_empty(t, error);
}

bool trace_read(Trace *trace, const char *path, bool measured, Error *error)
{
    *trace =
        (Trace){.run = run_file_open(path, error), .measured = measured, .lane = {"compute"}, .lanes = 1};
    return trace->run && read_all(trace, error);
}

void trace_free(Trace *trace)
{
    run_file_close(trace->run);
    free(trace->rows);
    free(trace->held);
    free(trace->peak);
    free(trace->message);
    free(trace->traced);
    *trace = (Trace){0};
}

/* ---- writing ---- */

const char *trace_clock(const Trace *t)
{
    if (t->measured) return "wall clock, of each rank since it began the step";
    return t->run->shape.ideal ? "simulated time, one F (a microbatch's forward on one rank) as 1 s"
                               : "simulated time";
}

static int64_t nanoseconds(double seconds)
{
    return llround(1e9 * seconds);
}

static void write_name(TraceFile *file, const char *what, int process, int thread, TraceValue value)
{
    const TraceEvent name = {.phase = TRACE_NAME,
                             .name = what,
                             .process = process,
                             .thread = thread,
                             .value = &value,
                             .values = 1};
    trace_file_event(file, &name);
}

/* The last of the ranks for which the actions of that one stand: a dry run records some for all. */
static int last_alike(const Trace *t, int recorded)
{
    const RunFile *run = t->run;
    if (run->recorded == run->ranks) return run->rank[recorded];
    do recorded++;
    while (recorded < run->recorded && !t->traced[recorded]);
    return (recorded < run->recorded ? run->rank[recorded] : run->ranks) - 1;
}

/* What ranks and lanes are called, and their order from the top. */
static void write_names(TraceFile *file, const Trace *t)
{
    for (int i = 0; i < t->run->recorded; i++) {
        if (!t->traced[i]) continue;
        char name[128];
        const int rank = t->run->rank[i], last = last_alike(t, i);
        const MeshPlace place = mesh_place(t->run->shape.mesh, rank);
        if (last > rank)
            snprintf(name, sizeof name, "ranks %d to %d, all as %d: ", rank, last, rank);
        else
            snprintf(name, sizeof name, "rank %d: ", rank);
        words_append(name, sizeof name, "pp %d, dp %d, tp %d", place.pipe, place.data, place.tensor);
        write_name(file, "process_name", rank, 0, (TraceValue){"name", name, 0});
        write_name(file, "process_labels", rank, 0, (TraceValue){"labels", trace_clock(t), 0});
        write_name(file, "process_sort_index", rank, 0, (TraceValue){"sort_index", NULL, rank});
        for (int lane = 0; lane < t->lanes; lane++) {
            write_name(file, "thread_name", rank, lane + 1, (TraceValue){"name", t->lane[lane], 0});
            write_name(file, "thread_sort_index", rank, lane + 1, (TraceValue){"sort_index", NULL, lane});
        }
    }
}

static void write_part(TraceFile *file, const TraceEvent *action, const char *name, int64_t begin,
                       int64_t length)
{
    if (length <= 0) return;
    TraceEvent part = *action;
    part.name = name;
    part.category = "part";
    part.begin = begin;
    part.length = length;
    part.values = 0;
    trace_file_event(file, &part);
}

/* What of an action is not what it is for. How long that took is recorded, not when: it is shown as the charts show it,
 * recomputation first and waiting for messages last. A receive does nothing but wait: first for its sender. */
static void write_parts(TraceFile *file, const TimelineRow *row, const TraceEvent *action)
{
    const int64_t end = action->begin + action->length;
    const bool receives = !strncmp(row->action, "RECV", 4);
    int64_t before = receives ? action->length : nanoseconds(fmin(fmax(row->recompute, 0), 9e9)), /* no NaN */
        waiting = nanoseconds(fmin(fmax(row->communication, 0), 9e9));
    if (waiting > action->length) waiting = action->length;
    if (before > action->length - waiting) before = action->length - waiting;
    write_part(file, action, receives ? "idle" : "recompute", action->begin, before);
    write_part(file, action, receives ? "wire" : "communication", end - waiting, waiting);
}

static void write_arrow(TraceFile *file, const TimelineRow *row, const TraceEvent *action, int64_t number)
{
    const bool leaves = !strncmp(row->action, "SEND", 4);
    TraceEvent arrow = *action;
    arrow.phase = leaves ? TRACE_LEAVES : TRACE_ARRIVES;
    arrow.name = arrow.category = "message";
    arrow.begin += leaves ? 0 : action->length;
    arrow.id = number;
    arrow.values = 0;
    trace_file_event(file, &arrow);
}

/* The slice and what lies in it, its message, and the memory held as it ends. A slice comes before the arrow in it:
 * where several begin at once, readers go by this order. */
static void write_action(TraceFile *file, const Trace *t, size_t i, TraceValue *memory)
{
    enum { MOST = 5 };
    const TimelineRow *row = &t->rows[i];
    char action[sizeof row->action + 48], name[sizeof action + 16];
    TraceValue value[MOST];
    size_t values = 0;
    words_show(action, sizeof action, row->action);
    snprintf(name, sizeof name, row->microbatch < 0 ? "%s" : "%s %d", action, row->microbatch);
    if (row->stage >= 0) value[values++] = (TraceValue){"stage", NULL, row->stage};
    if (row->microbatch >= 0) value[values++] = (TraceValue){"microbatch", NULL, row->microbatch};
    if (row->overlapped == 1) value[values++] = (TraceValue){"overlapped", NULL, 1};
    if (isfinite(t->peak[i])) value[values++] = (TraceValue){"memory_peak_bytes", NULL, t->peak[i]};
    if (t->measured && isfinite(row->measured_compute))
        value[values++] = (TraceValue){"cpu_us", NULL, 1e6 * row->measured_compute};
    const int64_t begin = nanoseconds(start_of(t, i));
    const TraceEvent slice = {.phase = TRACE_SLICE,
                              .name = name,
                              .category = action,
                              .process = row->rank,
                              .thread = thread_of(t, row->lane),
                              .begin = begin,
                              .length = nanoseconds(end_of(t, i)) - begin,
                              .value = value,
                              .values = values};
    trace_file_event(file, &slice);
    if (!t->measured) write_parts(file, row, &slice);
    if (t->message[i]) write_arrow(file, row, &slice, t->message[i]);

    const size_t categories = t->run->categories;
    size_t known = 0;
    for (size_t c = 0; c < categories; c++)
        if (isfinite(t->held[i * categories + c]))
            memory[known++] = (TraceValue){t->run->category[c], NULL, t->held[i * categories + c]};
    const TraceEvent counter = {.phase = TRACE_COUNTER,
                                .name = "memory (bytes)",
                                .process = row->rank,
                                .begin = begin + slice.length,
                                .value = memory,
                                .values = known};
    if (known) trace_file_event(file, &counter);
}

void trace_write(FILE *out, const void *trace)
{
    const Trace *t = trace;
    TraceValue *memory = allocate((t->run->categories + 1) * sizeof *memory);
    char *shown = words_shown(t->run->path);
    const TraceValue about[] = {{"program", "sim " SIM_VERSION, 0},
                                {"run", shown, 0},
                                {"clock", trace_clock(t), 0},
                                {"step", NULL, t->run->timed_step + 1}}; /* people count from 1 */
    const size_t told = sizeof about / sizeof *about - (isnan(t->run->timed_step) ? 1 : 0);
    TraceFile file = trace_file_begin(out);
    write_names(&file, t);
    for (size_t i = 0; i < t->run->actions && !ferror(out); i++)
        if (t->rows[i].rank >= 0) write_action(&file, t, i, memory);
    trace_file_end(&file, about, told);
    free(shown);
    free(memory);
}
