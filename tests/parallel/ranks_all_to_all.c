/* ranks_all_to_all.c - rows that ranks have for each other, as many as there happen to be: what arrives, the bytes and
 * messages of it, and the simulated time that it takes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"
#include "models/machine/random.h"
#include "models/machine/tensor_values.h"
#include "parallel/collectives/all_to_all.h"
#include "tests/ranks.h"
#include "tests/support/check.h"
#include "tests/support/cluster.h"
#include "tests/support/lane.h"

/* How rows are spread: none at all; some, many pairs with none; as many for each; all for one rank; any number but none. */
typedef enum { NOTHING, SPARSE, EVEN, TO_ONE, FULL, SPREADS } Rows;

static int64_t rows_of(Rows how, int i, int j)
{
    const uint64_t pair = (uint64_t)(i * RANKS_MAX + j);
    switch (how) {
    case SPARSE: return (int64_t)random_below(5, STREAM_TEXT_ORDER, 0, pair, 4) * (i != 1) / 2 * 3;
    case EVEN: return 5;
    case TO_ONE: return j == 0 ? 40 + i : 0;
    case FULL: return 1 + (int64_t)random_below(5, STREAM_TEXT_ORDER, 1, pair, 20);
    case NOTHING:
    case SPREADS: break;
    }
    return 0;
}

typedef struct Case {
    int n;
    int64_t rows[RANKS_MAX * RANKS_MAX];
    RowCounts there, back;
} Case;

static Case *case_new(Rows how, int n)
{
    Case *c = allocate(sizeof *c);
    c->n = n;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) c->rows[i * n + j] = rows_of(how, i, j);
    c->there = (RowCounts){.rows = c->rows};
    c->back = (RowCounts){.rows = c->rows, .turned = true};
    if (how == EVEN) c->there = c->back = (RowCounts){.each = 5};
    return c;
}

/* All that a rank sends, and gets. */
static int64_t sent_by(const Case *c, int rank)
{
    int64_t rows = 0;
    for (int j = 0; j < c->n; j++) rows += c->rows[rank * c->n + j];
    return rows;
}

static int64_t got_by(const Case *c, int rank)
{
    int64_t rows = 0;
    for (int i = 0; i < c->n; i++) rows += c->rows[i * c->n + rank];
    return rows;
}

/* Value k of row `row` that rank i has for rank j. */
static real value(int i, int j, int64_t row, int64_t k)
{
    return (real)(((i * RANKS_MAX + j) * 100 + (int)row) * 8 + (int)k);
}

static void fill(Tensor out, const Case *c, int rank, int64_t width)
{
    int64_t at = 0;
    for (int j = 0; j < c->n; j++)
        for (int64_t row = 0; row < c->rows[rank * c->n + j]; row++)
            for (int64_t k = 0; k < width; k++) reals(out)[at++] = value(rank, j, row, k);
}

static void check_in(Findings *f, Tensor in, const Case *c, int rank, int64_t width)
{
    int64_t at = 0;
    for (int i = 0; i < c->n; i++)
        for (int64_t row = 0; row < c->rows[i * c->n + rank]; row++)
            for (int64_t k = 0; k < width; k++, at++)
                expect(f, reals(in)[at] == value(i, rank, row, k), "row %d of rank %d for rank %d has %g",
                       (int)row, i, rank, (double)reals(in)[at]);
}

/* Nodes of so many devices. */
static Network network(int devices, AllToAllWay way)
{
    NetworkNode node = cluster_plain(devices);
    Network n = network_of(&node, (Placement){0}, ALL_REDUCE_RING);
    n.all_to_all = way;
    return n;
}

/* ---- what arrives ---- */

/* Rows that rank i has for rank j to get, of either way. */
static int64_t wanted(const Case *c, bool back, int i, int j)
{
    return back ? c->rows[j * c->n + i] : c->rows[i * c->n + j];
}

/* By the formula: straight, or in two hops over nodes of so many. */
static void formula(const Case *c, bool back, int r, int inside, uint64_t *rows, uint64_t *messages)
{
    const int n = c->n;
    *rows = *messages = 0;
    if (inside == 0)
        for (int j = 0; j < n; j++) {
            if (j == r) continue;
            *rows += (uint64_t)wanted(c, back, r, j);
            *messages += wanted(c, back, r, j) > 0;
        }
    for (int place = 0; place < inside;
         place++) { /* its rows for members of another place, through that of its node */
        uint64_t sum = 0;
        for (int j = place; j < n; j += inside) sum += (uint64_t)wanted(c, back, r, j);
        if (place == r % inside) continue;
        *rows += sum;
        *messages += sum > 0;
    }
    for (int j = inside ? r % inside : n; j < n; j += inside) { /* its node's rows for its place elsewhere */
        uint64_t sum = 0;
        for (int p = 0; p < inside; p++) sum += (uint64_t)wanted(c, back, r / inside * inside + p, j);
        if (j == r) continue;
        *rows += sum;
        *messages += sum > 0;
    }
}

static void check_sent(Findings *f, const Comm *comm, const Case *c, int inside, size_t row_bytes)
{
    const Purpose way[] = {MOE_DISPATCH, MOE_COMBINE};
    for (int w = 0; w < 2; w++) {
        uint64_t rows, messages;
        formula(c, w, comm->rank, inside, &rows, &messages);
        expect(f, comm->bytes[way[w]] == rows * row_bytes && comm->messages[way[w]] == messages,
               "nodes of %d, %s: rank %d sent %d bytes in %d messages, not %d in %d", inside,
               purpose_row[way[w]].name, comm->rank, (int)comm->bytes[way[w]], (int)comm->messages[way[w]],
               (int)(rows * row_bytes), (int)messages);
    }
}

static void forget_sent(Comm *comm)
{
    memset(comm->bytes, 0, sizeof comm->bytes);
    memset(comm->messages, 0, sizeof comm->messages);
}

static void permutation(Findings *f, Comm *comm, Rows how, int64_t width, int devices)
{
    Device device = {0};
    comm->network = network(devices, ALL_TO_ALL_HIERARCHICAL);
    Group *group = group_world(comm, CHANNEL);
    Case *c = case_new(how, comm->size);
    const int r = comm->rank;
    Tensor out = part_new(&device, sent_by(c, r) * width), in = part_new(&device, got_by(c, r) * width),
           again = part_new(&device, out.count);
    AllToAll a;
    fill(out, c, r, width);
    forget_sent(comm);
    all_to_all_begin(&a, group, MOE_DISPATCH, out, in, width, c->there);
    all_to_all_progress(&a);
    all_to_all_end(&a);
    all_to_all_end(&a); /* nothing is ended twice */
    check_in(f, in, c, r, width);
    all_to_all_begin(&a, group, MOE_COMBINE, in, again, width, c->back);
    all_to_all_end(&a);
    for (int64_t i = 0; i < out.count; i++)
        expect(f, reals(again)[i] == reals(out)[i], "value %d of rank %d does not come back", (int)i, r);
    const bool hops = devices > 1 && devices < comm->size && comm->size % devices == 0;
    check_sent(f, comm, c, hops ? devices : 0, (size_t)width * sizeof(real));
    tensor_free(&out), tensor_free(&in), tensor_free(&again);
    expect(f, device.total == 0, "rank %d keeps %zu bytes", r, device.total);
    free(c);
    group_free(group);
}

static void permutations_body(Comm *comm, void *context)
{
    for (Rows how = NOTHING; how < SPREADS; how++)
        for (int devices = 1; devices <= comm->size; devices++)
            for (int64_t width = 1; width <= 4; width += 3) permutation(context, comm, how, width, devices);
}

static void rows_go_there_and_back(void **state)
{
    (void)state;
    on_all_ranks(permutations_body);
}

/* ---- several at once, moved on from inside kernels ---- */

enum { AT_ONCE = 2 };
typedef struct Under {
    AllToAll way[AT_ONCE];
    int calls;
} Under;

static void move_on(void *context)
{
    Under *u = context;
    u->calls++;
    for (int k = 0; k < AT_ONCE; k++) all_to_all_progress(&u->way[k]);
}

static void at_once_body(Comm *comm, void *context)
{
    enum { WIDTH = 3 };
    Findings *f = context;
    Device device = {0};
    Group *group = group_world(comm, CHANNEL);
    const Rows how[AT_ONCE] = {SPARSE, FULL};
    const int r = comm->rank;
    Case *c[AT_ONCE];
    Tensor out[AT_ONCE], in[AT_ONCE], other = part_new(&device, 100);
    Under under = {.calls = 0};
    Between between = {move_on, &under, NULL};
    device_between(&device, &between);
    for (int k = 0; k < AT_ONCE; k++) {
        c[k] = case_new(how[k], comm->size);
        out[k] = part_new(&device, sent_by(c[k], r) * WIDTH);
        in[k] = part_new(&device, got_by(c[k], r) * WIDTH);
        fill(out[k], c[k], r, WIDTH);
        all_to_all_begin(&under.way[k], group, MOE_DISPATCH, out[k], in[k], WIDTH, c[k]->there);
    }
    for (int kernel = 0; kernel < 20; kernel++) tensor_zero(other);
    for (int k = AT_ONCE - 1; k >= 0; k--) {
        all_to_all_end(&under.way[k]);
        check_in(f, in[k], c[k], r, WIDTH);
    }
    expect(f, under.calls >= 20, "%d kernels called", under.calls);
    device_between_end(&device, &between);
    for (int k = 0; k < AT_ONCE; k++) {
        tensor_free(&out[k]), tensor_free(&in[k]);
        free(c[k]);
    }
    tensor_free(&other);
    group_free(group);
}

static void several_are_under_way_at_once(void **state)
{
    (void)state;
    on_all_ranks(at_once_body);
}

/* ---- counts ---- */

static void counts_body(Comm *comm, void *context)
{
    enum { PER = 3 };
    Findings *f = context;
    Device device = {0};
    Group *group = group_world(comm, CHANNEL);
    const int n = comm->size, r = comm->rank;
    const size_t all = (size_t)n * (size_t)n;
    int32_t *counts = allocate_zeroed(all * PER, sizeof *counts);
    int64_t *rows = allocate(all * sizeof *rows);
    for (int i = 0; i < n * PER; i++) counts[r * n * PER + i] = 1000 * r + i;
    forget_sent(comm);
    counts_exchange(group, MOE_COUNTS, &device, PER, counts);
    counts_rows(counts, n, PER, rows);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            expect(f, counts[(i * n + j) * PER + 1] == 1000 * i + j * PER + 1, "rank %d: %d of rank %d", r,
                   counts[(i * n + j) * PER + 1], i);
            expect(f, rows[i * n + j] == 3000 * i + 3 * j * PER + 3, "rank %d: %d rows from %d to %d", r,
                   (int)rows[i * n + j], i, j);
        }
    expect(f, comm->bytes[MOE_COUNTS] == (uint64_t)(n - 1) * (uint64_t)n * PER * 4, "%d bytes of counts",
           (int)comm->bytes[MOE_COUNTS]);
    free(counts);
    free(rows);
    group_free(group);
}

static void all_know_all_counts(void **state)
{
    (void)state;
    on_all_ranks(counts_body);
}

/* ---- simulated time ---- */

/* Over one link: as long as the fullest port, and a latency for each message of the rank with most. It starts when the
 * last has begun that a rank hears of. */
static void time_of(Findings *f, Comm *comm, Rows how, bool dry)
{
    enum { WIDTH = 8 };
    const int n = comm->size, r = comm->rank;
    Device device = {.dry = dry};
    Case *c = case_new(how, n);
    Tensor out = part_new(&device, sent_by(c, r) * WIDTH), in = part_new(&device, got_by(c, r) * WIDTH);
    AllToAll a;
    if (!dry) fill(out, c, r, WIDTH);
    double fullest = 0, latest = 1 + r;
    int most = 0;
    for (int i = 0; i < n; i++) {
        int messages[2] = {0};
        int64_t rows[2] = {-c->rows[i * n + i], -c->rows[i * n + i]};
        for (int j = 0; j < n; j++) {
            messages[0] += j != i && c->rows[i * n + j] > 0;
            messages[1] += j != i && c->rows[j * n + i] > 0;
        }
        rows[0] += sent_by(c, i), rows[1] += got_by(c, i);
        for (int w = 0; w < 2; w++) {
            fullest = fmax(fullest, (double)rows[w] * WIDTH * sizeof(real));
            if (messages[w] > most) most = messages[w];
        }
        if (c->rows[i * n + r] > 0) latest = fmax(latest, 1 + i);
    }
    lane_begin(comm, &device.lanes);
    Group *group = group_world(comm, CHANNEL);
    lanes_compute(&device.lanes, 1 + r);
    all_to_all_begin(&a, group, MOE_DISPATCH, out, in, WIDTH, c->there);
    expect(f, a.meets == (dry && n > 1 && (how == EVEN || how == FULL)), "rank %d meets: %d", r, a.meets);
    all_to_all_end(&a);
    double end = most ? latest + most * LANE_LINK.latency + fullest * LANE_LINK.seconds_per_byte : 1 + r;
    expect(f, lane_near(device.lanes.now, end), "spread %d, rank %d of %d, dry %d: ends at %.17g, not %.17g",
           how, r, n, dry, device.lanes.now, end);
    expect(f, lane_near(device.lanes.spent[PART_EP_EXPOSED], end - 1 - r), "rank %d waits %g", r,
           device.lanes.spent[PART_EP_EXPOSED]);
    tensor_free(&out), tensor_free(&in);
    comm->lanes = NULL;
    free(c);
    group_free(group);
}

static void time_body(Comm *comm, void *context)
{
    for (Rows how = NOTHING; how < SPREADS; how++)
        for (int dry = 0; dry < (mpi ? 1 : 2); dry++) time_of(context, comm, how, dry);
}

static void the_fullest_port_holds_all_up(void **state)
{
    (void)state;
    on_all_ranks(time_body);
}

int ranks_all_to_all(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_go_there_and_back),
        cmocka_unit_test(several_are_under_way_at_once),
        cmocka_unit_test(all_know_all_counts),
        cmocka_unit_test(the_fullest_port_holds_all_up),
    };
    return cmocka_run_group_tests_name("all-to-all", tests, NULL, NULL);
}
