/* ranks_all_to_all.c - rows that ranks have for each other, as many as there happen to be: what arrives, and the bytes
 * and messages of it. */
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"
#include "models/machine/tensor_values.h"
#include "tests/ranks.h"
#include "tests/support/check.h"
#include "tests/support/row_case.h"

/* ---- what arrives ---- */

/* Rows that rank i has for rank j to get, of either way. */
static int64_t wanted(const RowCase *c, bool back, int i, int j)
{
    return back ? c->rows[j * c->n + i] : c->rows[i * c->n + j];
}

/* By the formula: straight, or in two hops over nodes of so many. */
static void formula(const RowCase *c, bool back, int r, int inside, uint64_t *rows, uint64_t *messages)
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

static void check_sent(Findings *f, const Comm *comm, const RowCase *c, int inside, size_t row_bytes)
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
    comm->network = row_network(devices, ALL_TO_ALL_HIERARCHICAL);
    Group *group = group_world(comm, CHANNEL);
    RowCase *c = row_case_new(how, comm->size);
    const int r = comm->rank;
    Tensor out = part_new(&device, rows_sent_by(c, r) * width),
           in = part_new(&device, rows_got_by(c, r) * width), again = part_new(&device, out.count);
    AllToAll a;
    rows_fill(out, c, r, width);
    forget_sent(comm);
    all_to_all_begin(&a, group, MOE_DISPATCH, out, in, width, c->there);
    all_to_all_progress(&a);
    all_to_all_end(&a);
    all_to_all_end(&a); /* nothing is ended twice */
    rows_check(f, in, c, r, width);
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
    RowCase *c[AT_ONCE];
    Tensor out[AT_ONCE], in[AT_ONCE], other = part_new(&device, 100);
    Under under = {.calls = 0};
    Between between = {move_on, &under, NULL};
    device_between(&device, &between);
    for (int k = 0; k < AT_ONCE; k++) {
        c[k] = row_case_new(how[k], comm->size);
        out[k] = part_new(&device, rows_sent_by(c[k], r) * WIDTH);
        in[k] = part_new(&device, rows_got_by(c[k], r) * WIDTH);
        rows_fill(out[k], c[k], r, WIDTH);
        all_to_all_begin(&under.way[k], group, MOE_DISPATCH, out[k], in[k], WIDTH, c[k]->there);
    }
    for (int kernel = 0; kernel < 20; kernel++) tensor_zero(other);
    for (int k = AT_ONCE - 1; k >= 0; k--) {
        all_to_all_end(&under.way[k]);
        rows_check(f, in[k], c[k], r, WIDTH);
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
    for (int i = 0; i < n * PER; i++) counts[r * n * PER + i] = 1000 * r + i;
    forget_sent(comm);
    counts_exchange(group, MOE_COUNTS, &device, PER, counts);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < n * PER; k++)
            expect(f, counts[i * n * PER + k] == 1000 * i + k, "rank %d: %d of rank %d", r,
                   counts[i * n * PER + k], i);
    expect(f, comm->bytes[MOE_COUNTS] == (uint64_t)(n - 1) * (uint64_t)n * PER * 4, "%d bytes of counts",
           (int)comm->bytes[MOE_COUNTS]);
    free(counts);
    group_free(group);
}

static void all_know_all_counts(void **state)
{
    (void)state;
    on_all_ranks(counts_body);
}

int ranks_all_to_all(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_go_there_and_back),
        cmocka_unit_test(several_are_under_way_at_once),
        cmocka_unit_test(all_know_all_counts),
    };
    return cmocka_run_group_tests_name("all-to-all", tests, NULL, NULL);
}
