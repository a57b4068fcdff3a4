/* gantt.c - the pipeline timeline's data: boxes of simulated time, a row a rank, a panel a run. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "sim/plot/bars.h"
#include "sim/plot/simulated.h"
#include "sim/base/units.h"
#include "sim/base/words.h"

enum { ROWS_PIPELINE = 64, ROWS_DATA = 8, PANELS_MOST = 8, KINDS = 7 };

/* What boxes are called and coloured like, in the order of the legend; the last is not an action. */
static const char *const kinds[KINDS] = {"F", "B", "I", "W", "recompute", "STEP", "communication"};
enum { COMPUTED = 4, RECOMPUTE = 4, COMMUNICATION = KINDS - 1 }; /* F to W come before the rest */

typedef struct Gantt {
    FILE *out;
    Unit unit;
    bool used[KINDS], shaded, waits; /* a computing action has waited for messages */
    bool idles;                      /* a rank whose boxes leave time free */
    double covered;                  /* by the boxes of the rank, in seconds */
    double narrowest;                /* of the boxes with a microbatch, in unit */
    int highest;                     /* microbatch */
    int pairs;                       /* that overlap */
} Gantt;

static int kind_of(const char *action)
{
    for (int kind = 0; kind < COMMUNICATION; kind++)
        if (!strcmp(kinds[kind], action)) return kind;
    return COMMUNICATION; /* sends, receives, UNSHARD, BALANCE, REDUCE */
}

/* ---- rows ---- */

static bool has_spans(const PlotRun *run, int rank)
{
    for (size_t i = 0; i < run->spans; i++)
        if (run->span[i].rank == rank) return true;
    return false;
}

/* A row a stage's rank, of the first data replica and tensor rank; without a pipeline, the first ranks. */
static int rows_of(const PlotRun *run, int rank[ROWS_PIPELINE])
{
    const bool pipeline = run->shape.mesh.pp > 1;
    const int all = pipeline ? run->shape.mesh.pp : run->recorded < ROWS_DATA ? run->recorded : ROWS_DATA;
    const int stride = (all + ROWS_PIPELINE - 1) / ROWS_PIPELINE;
    int rows = 0;
    for (int i = 0; i < all; i += stride)
        if (pipeline || run->recorded == run->ranks || has_spans(run, i))
            rank[rows++] = pipeline ? plot_row_at(run, (MeshPlace){.pipe = i}) : i;
    return rows;
}

/* ---- boxes ---- */

/* Later stages of a rank are darker. `chunk` counts from 0 of `chunks`. */
static long shade(const char *colour, int chunk, int chunks)
{
    const long rgb = strtol(colour + 1, NULL, 16);
    const double light = chunks > 1 ? 1 - 0.28 * chunk / (chunks - 1) : 1;
    return lround(light * (double)(rgb >> 16)) << 16 | lround(light * (double)(rgb >> 8 & 255)) << 8 |
           lround(light * (double)(rgb & 255));
}

/* How many of the rank's stages come before this one, and how many it has. */
static int chunk_of(const PlotSpan *spans, size_t count, int stage, int *chunks)
{
    int below = 0;
    *chunks = 0;
    for (size_t i = 0; i < count; i++) {
        bool seen = spans[i].stage < 0;
        for (size_t j = 0; j < i && !seen; j++) seen = spans[j].stage == spans[i].stage;
        if (seen) continue;
        ++*chunks;
        below += spans[i].stage < stage;
    }
    return below;
}

typedef struct Box {
    int row;
    double start, end;
    int kind, chunk, chunks; /* the chunk counts from 0 of `chunks` */
    int microbatch;          /* -1: none to show */
} Box;

/* A line of $D: row, start, end, colour, ink, microbatch. */
static void write_box(Gantt *gantt, Box box)
{
    if (!(box.end > box.start)) return;
    char text[8];
    const long rgb = shade(plot_look(kinds[box.kind])->colour, box.chunk, box.chunks);
    const double scale = gantt->unit.scale;
    snprintf(text, sizeof text, "#%06lx", rgb);
    fprintf(gantt->out, "%d %.9g %.9g 0x%06lx 0x%s %d\n", box.row, box.start / scale, box.end / scale, rgb,
            plot_dark(text) ? "ffffff" : "222222", box.microbatch);
    gantt->used[box.kind] = true;
    gantt->covered += box.end - box.start;
    if (box.microbatch >= 0) gantt->narrowest = fmin(gantt->narrowest, (box.end - box.start) / scale);
    if (box.microbatch > gantt->highest) gantt->highest = box.microbatch;
    gantt->shaded = gantt->shaded || box.chunk > 0;
}

/* Recomputation first, what the action is for, communication last. An action of the network may also idle,
 * for another stage: that stays empty. */
static void write_span(Gantt *gantt, int row, const PlotSpan *span, int chunk, int chunks)
{
    const double recompute = fmax(span->recompute, 0), communication = fmax(span->communication, 0);
    const int kind = kind_of(span->action);
    const double own = span->start + recompute, wait = fmax(own, span->end - communication);
    Box again = {row, span->start, own, RECOMPUTE, 0, 1, -1},
        waits = {row, wait, span->end, COMMUNICATION, 0, 1, -1};
    if (kind == COMMUNICATION) {
        waits.start = span->end - communication;
        write_box(gantt, waits);
        return;
    }
    write_box(gantt, again);
    write_box(gantt, (Box){row, own, wait, kind, chunk, chunks, span->microbatch});
    write_box(gantt, waits);
    gantt->waits = gantt->waits || span->end > wait;
}

/* The first of a rank's spans, which follow one another; `count`: how many. */
static const PlotSpan *spans_of(const PlotRun *run, int rank, size_t *count)
{
    size_t first = 0;
    *count = 0;
    while (first < run->spans && run->span[first].rank < rank) first++;
    while (first + *count < run->spans && run->span[first + *count].rank == rank) ++*count;
    return run->span + first;
}

static void write_rank(Gantt *gantt, const PlotRun *run, int rank, int row)
{
    size_t count;
    const PlotSpan *spans = spans_of(run, rank, &count);
    gantt->covered = 0;
    for (size_t i = 0; i < count; i++) {
        int chunks, chunk = chunk_of(spans, count, spans[i].stage, &chunks);
        write_span(gantt, row, &spans[i], spans[i].stage < 0 ? 0 : chunk, chunks);
    }
    const double tiny = 1e-9 * run->simulated_end; /* sums of spans are rounded */
    gantt->idles = gantt->idles || gantt->covered < run->simulated_end - tiny;
}

/* Lines of $P: panel, row, start, end of a pair that overlaps, where no wait parts the two. Returns how many. */
static int write_pairs(Gantt *gantt, const PlotRun *run, int panel, int rank, int row)
{
    size_t count;
    int pairs = 0;
    const PlotSpan *spans = spans_of(run, rank, &count);
    for (size_t i = 0; i < count; i++) {
        size_t next = i + 1;
        while (next < count && kind_of(spans[next].action) >= COMPUTED) next++;
        if (!spans[i].overlapped || next == count || spans[next].start > spans[i].end) continue;
        fprintf(gantt->out, "%d %d %.9g %.9g\n", panel, row, spans[i].start / gantt->unit.scale,
                spans[next].end / gantt->unit.scale);
        pairs++;
    }
    return pairs;
}

/* ---- words ---- */

/* "1f1b, p = 4, m = 8. Step 12.3 ms. Bubble 27.3 %, formula (p−1)/(m+p−1) = 27.3 %"; `labelled`: the run's
 * label stands before it. */
static void describe(const PlotRun *run, bool labelled, char *text, size_t size)
{
    char letters[64], step[32];
    const RunShape *shape = &run->shape;
    run_shape_letters(shape, letters, sizeof letters);
    unit_show(step, sizeof step, run->simulated_end, shape->ideal ? unit_of_forwards : unit_of_seconds);
    const bool said = !run->schedule[0] || (labelled && !strcmp(run->label, run->schedule));
    snprintf(text, size, "%s%s%s. Step %s", said ? "" : run->schedule, said ? "" : ", ", letters, step);
    if (run->bubble.why[0]) return;
    words_append(text, size, ". Bubble %.1f %%", 100 * plot_mean_bubble(run));
    const char *formula = run_shape_formula(shape);
    if (!isnan(run->formula))
        words_append(text, size, ", formula %s%s%.1f %%", formula, formula[0] ? " = " : "",
                     100 * run->formula);
}

static void write_words(FILE *out, const PlotRun *runs, int count)
{
    char first[512], line[PLOT_LABEL + 32];
    plot_describe(runs, count, first, sizeof first);
    bool pipeline = false, all = true, some = false;
    for (int i = 0; i < count; i++) {
        pipeline = pipeline || runs[i].shape.mesh.pp > 1;
        all = all && runs[i].recorded <= ROWS_DATA;
        some = some || runs[i].recorded < runs[i].ranks;
    }
    const char *rows = pipeline ? "Pipeline ranks of the first data replica and tensor rank"
                       : some   ? "Ranks that stand for all"
                       : all    ? "All ranks"
                                : "The first 8 ranks";
    words_append(first, sizeof first, "%s%s", first[0] ? ". " : "", rows);
    snprintf(line, sizeof line, "Timeline of a step%s%s", count > 1 ? "" : ": ",
             count > 1 ? "" : runs[0].label);
    fputs("NAME = 'gantt'\n", out);
    plot_set_text(out, "TITLE", line);
    plot_set_text(out, "SUBTITLE1", first);
}

static void write_legend(const Gantt *gantt, const PlotRun *run)
{
    FILE *out = gantt->out;
    char second[256] = "Numbers: microbatches";
    plot_explain_unit(run, second, sizeof second);
    if (gantt->used[RECOMPUTE])
        words_append(second, sizeof second, ". Recomputation comes before its backward");
    if (gantt->waits)
        words_append(second, sizeof second, ". Communication after a box: what it did not hide");
    if (gantt->shaded) words_append(second, sizeof second, ". Darker: a rank's later stages");
    if (gantt->pairs) words_append(second, sizeof second, ". Framed: a forward and a backward that overlap");
    plot_set_text(out, "SUBTITLE2", second);
    for (int part = 0; part < 2; part++) {
        fprintf(out, "%s", part ? "]\narray COLOUR[8] = [" : "array KIND[8] = [");
        for (int kind = 0; kind < KINDS; kind++) {
            if (!gantt->used[kind]) continue;
            plot_quote(out, part ? plot_look(kinds[kind])->colour : plot_look(kinds[kind])->title);
            fputs(", ", out);
        }
        plot_quote(out, part ? plot_look("pp_idle")->colour : "idle");
    }
    fputs("]\n", out);
    int used = 1;
    for (int kind = 0; kind < KINDS; kind++) used += gantt->used[kind];
    fprintf(out, "KINDS = %d\nENTRIES = %d\nHIGHEST = %d\n", used, used - !gantt->idles, gantt->highest);
    plot_set_number(out, "NARROWEST", gantt->narrowest);
}

/* A line of $R: row, rank, end of its run, idle percent (NaN: unknown). */
static void write_rows(Gantt *gantt, const PlotRun *run, const int *rank, int rows)
{
    for (int row = 0; row < rows; row++) {
        fprintf(gantt->out, "%d %d %.9g ", row, run->rank[rank[row]], run->simulated_end / gantt->unit.scale);
        plot_number(gantt->out, run->bubble.why[0]
                                    ? NAN
                                    : 100 * run->bubble.value[(size_t)rank[row] * run->bubble.parts]);
        fputc('\n', gantt->out);
    }
}

bool plot_gantt(FILE *out, const PlotRun *runs, int count, char *why, size_t size)
{
    const PlotRun *panel[PLOT_RUNS_MAX];
    const char *reason[PLOT_RUNS_MAX] = {NULL};
    int panels = 0, rows[PLOT_RUNS_MAX], rank[PLOT_RUNS_MAX][ROWS_PIPELINE];
    double longest = 0;
    if (!plot_one_clock(runs, count, why, size)) return false;
    for (int i = 0; i < count; i++) {
        reason[i] = runs[i].span_why;
        if (reason[i][0]) continue;
        rows[panels] = rows_of(&runs[i], rank[panels]);
        longest = fmax(longest, runs[i].simulated_end);
        panel[panels++] = &runs[i];
    }
    plot_reasons(runs, count, reason, why, size);
    if (panels > PANELS_MOST) snprintf(why, size, "%d timelines are too many; give at most 8 runs", panels);
    if (panels == 0 || panels > PANELS_MOST) return false;

    Gantt gantt = {.out = out,
                   .unit = runs->shape.ideal ? unit_of_forwards(longest) : unit_of_seconds(longest),
                   .narrowest = INFINITY};
    write_words(out, runs, count);
    plot_set_text(out, "UNIT", gantt.unit.name);
    fprintf(out, "END = %.9g\n", longest / gantt.unit.scale);
    fprintf(out, "PANELS = %d\narray ROWS[%d]; array HEAD[%d]; array LABEL[%d]\n", panels, panels, panels,
            panels);
    for (int p = 0; p < panels; p++) {
        char name[32], head[256];
        fprintf(out, "ROWS[%d] = %d\n", p + 1, rows[p]);
        describe(panel[p], count > 1, head, sizeof head);
        snprintf(name, sizeof name, "HEAD[%d]", p + 1);
        plot_set_text(out, name, head);
        snprintf(name, sizeof name, "LABEL[%d]", p + 1);
        plot_set_text(out, name, count > 1 ? panel[p]->label : "");
    }
    fputs("# row, rank, end of the step, idle percent; a block a panel\n$R << EOD\n", out);
    for (int p = 0; p < panels; p++) {
        if (p) fputs("\n\n", out);
        write_rows(&gantt, panel[p], rank[p], rows[p]);
    }
    fputs("EOD\n# row, start, end, colour, ink, microbatch; a block a panel\n$D << EOD\n", out);
    for (int p = 0; p < panels; p++) {
        if (p) fputs("\n\n", out);
        for (int row = 0; row < rows[p]; row++) write_rank(&gantt, panel[p], rank[p][row], row);
    }
    fputs("EOD\n# panel, row, start, end of pairs that overlap\n$P << EOD\n", out);
    for (int p = 0; p < panels; p++)
        for (int row = 0; row < rows[p]; row++)
            gantt.pairs += write_pairs(&gantt, panel[p], p + 1, rank[p][row], row);
    fprintf(out, "EOD\nPAIRS = %d\n", gantt.pairs);
    write_legend(&gantt, runs);
    return true;
}
