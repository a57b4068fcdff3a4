/* diff_runs.c - dataset by dataset of the layout. */
#include "sim/inspect/diff_runs.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/base/words.h"
#include "sim/file/layout.h"
#include "sim/inspect/apart_columns.h"
#include "sim/inspect/diff_steps.h"

enum { VALUES = 1 << 16, TEXT = 192 }; /* read at a time */

typedef struct Runs {
    const RunFile *a, *b;
    const DiffOptions *options;
    bool clock; /* what took so long, simulated or not, is a measurement */
    SharedSteps shared;
    bool differ;
    Error *error;
} Runs;

/* ---- what can be compared ---- */

/* Of this machine at that moment; scales are no values; and by where a run began, and what it writes. */
static bool is_compared(const Runs *r, const LayoutDataset *d)
{
    static const char *const never[] = {layout_step,
                                        "/rank",
                                        "/action",
                                        "/held",
                                        "/moe/replica",
                                        "/moe/microbatch",
                                        "/steps/wall_time",
                                        "/steps/tokens_per_second",
                                        "/steps/checkpoint_beside",
                                        "/steps/checkpoint_time",
                                        "/steps/checkpoint_written",
                                        "/steps/checkpoint_bytes",
                                        "/memory/rss_peak",
                                        "/memory/checkpoint_copy",
                                        "/memory/checkpoint_theory",
                                        "/comm/bytes_outside",
                                        "/comm/messages_outside",
                                        "/steps/loss_difference",
                                        "/pipeline/bubble_ratio_measured"};
    static const char *const clocks[] = {"/steps/simulated_time", "/pipeline/bubble_ratio_simulated",
                                         "/breakdown/simulated",  "/breakdown/hidden",
                                         "/links/busy",           "/work/seconds"};
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        if (strcmp(d->path, never[i]) == 0) return false;
    for (size_t i = 0; r->clock && i < sizeof clocks / sizeof *clocks; i++)
        if (strcmp(d->path, clocks[i]) == 0) return false;
    return true;
}

static bool same_names(RunNames a, RunNames b)
{
    bool same = a.count == b.count;
    for (size_t i = 0; same && i < a.count; i++) same = strcmp(a.name[i], b.name[i]) == 0;
    return same;
}

static bool same_ranks(const RunFile *a, const RunFile *b)
{
    return a->ranks == b->ranks && a->recorded == b->recorded &&
           memcmp(a->rank, b->rank, (size_t)a->recorded * sizeof *a->rank) == 0;
}

/* Whether along an axis rows of both are of the same things; else `why` tells of what. */
static bool same_axis(const Runs *r, char axis, char why[TEXT])
{
    const RunFile *a = r->a, *b = r->b;
    bool same = true;
    switch (axis) {
    case 'a':
    case 'h': /* compared action by action */
        same = a->actions == b->actions;
        snprintf(why, TEXT, "not compared: %zu actions in A, %zu in B", a->actions, b->actions);
        break;
    case 'y':
        same = a->layers == b->layers;
        snprintf(why, TEXT, "not compared: %zu layers with experts in A, %zu in B", a->layers, b->layers);
        break;
    case 'e':
        same = a->experts == b->experts;
        snprintf(why, TEXT, "not compared: %zu experts in A, %zu in B", a->experts, b->experts);
        break;
    case 'd':
        same = a->replicas == b->replicas;
        snprintf(why, TEXT, "not compared: %zu replicas in A, %zu in B", a->replicas, b->replicas);
        break;
    case 'm':
        same = a->microbatches == b->microbatches;
        snprintf(why, TEXT, "not compared: %zu microbatches in A, %zu in B", a->microbatches,
                 b->microbatches);
        break;
    case 'r':
        same = same_ranks(a, b);
        if (a->ranks == b->ranks)
            snprintf(why, TEXT, "not compared: of %d ranks A and B have recorded different ones", a->ranks);
        else
            snprintf(why, TEXT, "not compared: %d rank%s in A, %d in B", a->ranks, words_s(a->ranks),
                     b->ranks);
        break;
    default:
        same = same_names(run_file_names(a, axis), run_file_names(b, axis));
        snprintf(why, TEXT, "not compared: names in A are others than in B");
    }
    return same;
}

static bool same_axes(const Runs *r, const LayoutDataset *d, char why[TEXT])
{
    const bool in_a = run_file_has(r->a, d->path), in_b = run_file_has(r->b, d->path);
    if (in_a != in_b) {
        snprintf(why, TEXT, "in %s alone", in_a ? "A" : "B");
        return false;
    }
    for (const char *axis = d->axes; *axis; axis++)
        if (!same_axis(r, *axis, why)) return false;
    return true;
}

/* ---- comparing ---- */

/* How far rows of a dataset reach, and the values of one. */
typedef struct Extent {
    size_t rows, row, first_a, first_b;
} Extent;

static Extent extent_of(const Runs *r, const LayoutDataset *d)
{
    const RunFile *a = r->a;
    const LayoutSizes sizes = run_file_sizes(a);
    size_t dims[H5_MAX_RANK] = {1};
    Extent e = {.row = 1};
    const int rank = layout_shape(d, &sizes, dims);
    for (int i = 1; i < rank; i++) e.row *= dims[i];
    e.rows = dims[0];
    if (d->axes[0] != 's') return e;
    e.rows = r->shared.count;
    e.first_a = (size_t)(r->shared.first - a->first);
    e.first_b = (size_t)(r->shared.first - r->b->first);
    return e;
}

/* What actions held, of each what its row says: memory[0], or as the second their peaks. */
static bool compare_held(const Runs *r, bool peaks, Apart *apart)
{
    const RunFile *run[] = {r->a, r->b};
    double *memory[2][2] = {{NULL}};
    bool ok = true;
    for (int i = 0; i < 2 && ok; i++) {
        TimelineRow *rows = run_file_actions(run[i], r->error);
        ok = rows && run_file_memory(run[i], rows, &memory[i][0], &memory[i][1], r->error);
        free(rows);
    }
    const size_t values = r->a->actions * (peaks ? 1 : r->a->categories);
    if (ok) apart_add(apart, 0, memory[0][peaks], memory[1][peaks], values);
    for (int i = 0; i < 4; i++) free(memory[i / 2][i % 2]);
    return ok;
}

static bool compare(const Runs *r, const LayoutDataset *d, const Extent *e, Apart *apart)
{
    if (d->axes[0] == 'h') return compare_held(r, !d->axes[1], apart);
    const size_t most = e->row < VALUES ? VALUES / (e->row ? e->row : 1) : 1;
    double *x = allocate(2 * most * e->row * sizeof *x + 1), *y = x + most * e->row;
    bool ok = true;
    for (size_t row = 0; ok && row < e->rows; row += most) {
        const size_t rows = e->rows - row < most ? e->rows - row : most;
        ok = run_file_rows(r->a, d->path, e->first_a + row, rows, x, r->error) &&
             run_file_rows(r->b, d->path, e->first_b + row, rows, y, r->error);
        if (ok) apart_add(apart, row * e->row, x, y, rows * e->row);
    }
    free(x);
    return ok;
}

/* ---- telling ---- */

/* "step 7, rank 3, zero.all_gather" */
static void place_text(const Runs *r, const LayoutDataset *d, size_t at, char *text, size_t size)
{
    const RunFile *a = r->a;
    LayoutSizes sizes = run_file_sizes(a);
    size_t along[H5_MAX_RANK] = {0};
    const int rank = (int)strlen(d->axes);
    sizes.steps = r->shared.count;
    sizes.held = sizes.actions;
    for (int i = rank - 1; i >= 0; i--) {
        const size_t extent = layout_axis(&sizes, d->axes[i]);
        along[i] = at % extent;
        at /= extent;
    }
    text[0] = '\0';
    for (int i = 0; i < rank; i++) {
        const char *comma = i ? ", " : "";
        switch (d->axes[i]) {
        case 's':
            words_append(text, size, "%sstep %" PRId64, comma, r->shared.first + (int64_t)along[i] + 1);
            break;
        case 'r': words_append(text, size, "%srank %d", comma, a->rank[along[i]]); break;
        case 'y': words_append(text, size, "%slayer with experts %zu", comma, along[i] + 1); break;
        case 'e': words_append(text, size, "%sexpert %zu", comma, along[i]); break;
        case 'd': words_append(text, size, "%sreplica %zu", comma, along[i]); break;
        case 'm': words_append(text, size, "%smicrobatch %zu", comma, along[i]); break;
        case 'a':
        case 'h': words_append(text, size, "%saction %zu", comma, along[i]); break;
        default: words_append(text, size, "%s%s", comma, run_file_names(a, d->axes[i]).name[along[i]]);
        }
    }
}

static void tell(const Runs *r, Columns *c, const LayoutDataset *d, const Apart *x)
{
    char place[TEXT] = "";
    if (x->differ) place_text(r, d, x->at, place, sizeof place);
    columns_row(c, "%s", d->path);
    apart_cells(c, x, place);
}

static bool compare_datasets(Runs *r)
{
    Columns c = {.rows = 0};
    size_t compared = 0, apart = 0;
    apart_head(&c, "dataset");
    const LayoutSizes of_a = run_file_sizes(r->a), of_b = run_file_sizes(r->b);
    const int datasets = layout_count(r->a->experts < r->b->experts ? &of_a : &of_b);
    for (int i = 0; i < datasets; i++) {
        const LayoutDataset *d = &layout_datasets[i];
        Apart x = {0};
        char why[TEXT];
        if (!is_compared(r, d) || (!run_file_has(r->a, d->path) && !run_file_has(r->b, d->path))) continue;
        const bool comparable = same_axes(r, d, why);
        const Extent e = extent_of(r, d);
        if (comparable && !compare(r, d, &e, &x)) return false;
        const bool differs = !comparable || apart_is(&x, r->options);
        compared++;
        apart += differs;
        if (comparable && (differs || r->options->all)) tell(r, &c, d, &x);
        if (!comparable) {
            columns_row(&c, "%s", d->path);
            columns_cell(&c, "%s", why);
        }
    }
    columns_print(&c);
    printf("\n  %zu of %zu datasets differ%s; measured times and processes are not compared\n", apart,
           compared, apart == 1 ? "s" : "");
    r->differ |= apart > 0;
    return true;
}

/* All ranks' and purposes'. */
static bool sum_of(const RunFile *run, const char *dataset, double *sum, Error *error)
{
    double *values = run_file_first(run, dataset, (size_t)run->recorded, error);
    *sum = 0;
    for (size_t i = 0; values && i < (size_t)run->recorded * run->purposes; i++)
        *sum += values[i] * run_file_stands_for(run, (int)(i / run->purposes));
    free(values);
    return values != NULL;
}

/* A run that goes on from a checkpoint sends other things before its steps than one that draws its weights, and what is
 * in no step is of its last part alone. */
static bool tell_outside(const Runs *r)
{
    double bytes[2], messages[2];
    char size[2][32];
    for (int i = 0; i < 2; i++) {
        const RunFile *run = i ? r->b : r->a;
        if (!sum_of(run, "/comm/bytes_outside", &bytes[i], r->error) ||
            !sum_of(run, "/comm/messages_outside", &messages[i], r->error))
            return false;
        words_bytes(bytes[i], size[i], sizeof size[i]);
    }
    if (bytes[0] != bytes[1] || messages[0] != messages[1])
        printf(
            "  outside the steps (before the first, after the last, for files) %s in %.0f message%s in A, %s "
            "in %.0f in B: not compared\n",
            size[0], messages[0], words_s((int64_t)messages[0]), size[1], messages[1]);
    return true;
}

bool diff_runs(const RunFile *a, const RunFile *b, const DiffOptions *options, bool *differ, Error *error)
{
    Runs r = {.a = a, .b = b, .options = options, .error = error};
    r.clock = a->shape.measured || b->shape.measured;
    r.shared = shared_steps(a, b);
    bool ok =
        diff_steps(a, b, &r.shared, options, &r.differ, error) && compare_datasets(&r) && tell_outside(&r);
    *differ |= r.differ;
    return ok;
}
