/* ranks_all_to_all_time.c - the simulated time of rows that ranks have for each other, and the way they go. */
#include <math.h>
#include <stdlib.h>
#include "models/machine/tensor_values.h"
#include "tests/ranks.h"
#include "tests/support/check.h"
#include "tests/support/lane.h"
#include "tests/support/row_case.h"

/* Over one link: as long as the fullest port, and a latency for each message of the rank with most. It starts when the
 * last has begun that a rank hears of. */
static void time_of(Findings *f, Comm *comm, Rows how, bool dry)
{
    enum { WIDTH = 8 };
    const int n = comm->size, r = comm->rank;
    Device device = {.dry = dry};
    RowCase *c = row_case_new(how, n);
    Tensor out = part_new(&device, rows_sent_by(c, r) * WIDTH),
           in = part_new(&device, rows_got_by(c, r) * WIDTH);
    AllToAll a;
    if (!dry) rows_fill(out, c, r, WIDTH);
    double fullest = 0, latest = 1 + r;
    int most = 0;
    for (int i = 0; i < n; i++) {
        int messages[2] = {0};
        int64_t rows[2] = {-c->rows[i * n + i], -c->rows[i * n + i]};
        for (int j = 0; j < n; j++) {
            messages[0] += j != i && c->rows[i * n + j] > 0;
            messages[1] += j != i && c->rows[j * n + i] > 0;
        }
        rows[0] += rows_sent_by(c, i), rows[1] += rows_got_by(c, i);
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

/* Of nodes: a hop inside and a hop across, each as long as its fullest port; or straight, both routes at once. Where
 * all have as many rows for each, of so many bytes. */
static double even_time(int n, int devices, double bytes, bool hops)
{
    const int nodes = n / devices;
    const double inside = 1e-6, across = 4e-6, link = 100e9, card = 25e9;
    if (hops)
        return (devices - 1) * (inside + nodes * bytes / link) +
               (nodes - 1) * (across + devices * bytes / card);
    return (devices - 1) * inside + (n - devices) * across +
           fmax((devices - 1) * bytes / link, (n - devices) * bytes / card);
}

static void choice(Findings *f, Comm *comm, int devices, AllToAllWay way, int64_t width, bool dry)
{
    enum { EACH = 5 };
    const int n = comm->size;
    Device device = {.dry = dry};
    Tensor out = part_new(&device, n * EACH * width), in = part_new(&device, n * EACH * width);
    AllToAll a;
    if (!dry) tensor_zero(out);
    const double bytes = (double)(EACH * width) * sizeof(real),
                 straight = even_time(n, devices, bytes, false), hopping = even_time(n, devices, bytes, true);
    const bool hops = way == ALL_TO_ALL_HIERARCHICAL || (way == ALL_TO_ALL_AUTO && hopping < straight);
    lane_begin(comm, &device.lanes);
    comm->network = row_network(devices, way);
    Group *group = group_world(comm, CHANNEL);
    all_to_all_begin(&a, group, MOE_DISPATCH, out, in, width, (RowCounts){.each = EACH});
    expect(f, a.hops == 1 + hops, "%d nodes of %d, %g bytes: %d hops", n / devices, devices, bytes, a.hops);
    all_to_all_end(&a);
    const double end = hops ? hopping : straight;
    expect(f, fabs(device.lanes.now - end) <= 1e-12 * end,
           "%d nodes of %d, %g bytes, %d hops: %.17g s, not %.17g", n / devices, devices, bytes, 1 + hops,
           device.lanes.now, end);
    tensor_free(&out), tensor_free(&in);
    expect(f, device.total == 0, "rank %d keeps %zu bytes", comm->rank, device.total);
    comm->lanes = NULL;
    group_free(group);
}

/* The sooner of the two: hops for short rows, straight for long ones. */
static void choice_body(Comm *comm, void *context)
{
    const int n = comm->size;
    for (int devices = 2; devices < n; devices++)
        for (AllToAllWay way = ALL_TO_ALL_STRAIGHT; way < ALL_TO_ALLS && n % devices == 0; way++)
            for (int64_t width = 1; width <= 40000; width *= 200)
                for (int dry = 0; dry < (mpi ? 1 : 2); dry++) choice(context, comm, devices, way, width, dry);
    if (n == 8) { /* so that both are chosen */
        const double shortest = 5 * sizeof(real), longest = 40000 * shortest;
        expect(context, even_time(8, 4, shortest, true) < even_time(8, 4, shortest, false), "straight");
        expect(context, even_time(8, 4, longest, true) > even_time(8, 4, longest, false), "hops");
    }
}

static void short_rows_hop(void **state)
{
    (void)state;
    on_all_ranks(choice_body);
}

/* So many at once, one with all rows for rank 0: whichever is ended first, its port is not faster for it. */
static void crowd_body(Comm *comm, void *context)
{
    enum { CROWD = 3, WIDTH = 8 };
    Findings *f = context;
    Device device = {0};
    const int n = comm->size, r = comm->rank;
    RowCase *c = row_case_new(TO_ONE, n);
    Tensor out[CROWD], in[CROWD];
    AllToAll a[CROWD];
    lane_begin(comm, &device.lanes);
    Group *group = group_world(comm, CHANNEL);
    for (int k = 0; k < CROWD; k++) {
        out[k] = part_new(&device, rows_sent_by(c, r) * WIDTH);
        in[k] = part_new(&device, rows_got_by(c, r) * WIDTH);
        rows_fill(out[k], c, r, WIDTH);
        all_to_all_begin(&a[k], group, MOE_DISPATCH, out[k], in[k], WIDTH, c->there);
    }
    for (int k = CROWD - 1; k >= 0; k--) all_to_all_end(&a[k]);
    const double rows = (double)(r == 0 ? rows_got_by(c, 0) - c->rows[0] : c->rows[r * n]),
                 least = CROWD * rows * WIDTH * sizeof(real) * LANE_LINK.seconds_per_byte;
    expect(f, device.lanes.now >= least * (1 - 1e-12), "rank %d: %d at once took %g s of its port's %g", r,
           CROWD, device.lanes.now, least);
    for (int k = 0; k < CROWD; k++) tensor_free(&out[k]), tensor_free(&in[k]);
    comm->lanes = NULL;
    free(c);
    group_free(group);
}

static void several_never_beat_the_link(void **state)
{
    (void)state;
    on_all_ranks(crowd_body);
}

/* A late message holds up all, from rank 0 to `to`; in two hops only where one goes straight there. */
static double late_by(Comm *comm, int devices, int to, double seconds)
{
    Device device = {0};
    const int n = comm->size;
    Late late = {.link = {.from = 0, .to = to, .every = 1, .seconds = seconds}, .holds = true};
    Tensor out = part_new(&device, 5 * n), in = part_new(&device, 5 * n);
    AllToAll a;
    double took[2];
    tensor_zero(out);
    for (int k = 0; k < 2; k++) {
        lane_begin(comm, &device.lanes);
        comm->network = row_network(devices, ALL_TO_ALL_HIERARCHICAL);
        comm->late = &late;
        comm->lates = k;
        Group *group = group_world(comm, CHANNEL);
        all_to_all_begin(&a, group, MOE_DISPATCH, out, in, 1, (RowCounts){.each = 5});
        all_to_all_end(&a);
        took[k] = device.lanes.now;
        group_free(group);
    }
    tensor_free(&out), tensor_free(&in);
    comm->lanes = NULL;
    comm->late = NULL;
    comm->lates = 0;
    return took[1] - took[0];
}

static void late_body(Comm *comm, void *context)
{
    const double seconds = 1e-3;
    const int n = comm->size;
    for (int devices = 1; devices <= n; devices++)
        for (int to = 1; to < n; to++) {
            const bool hops = devices > 1 && devices < n && n % devices == 0,
                       straight = !hops || to < devices || to % devices == 0;
            double by = late_by(comm, devices, to, seconds);
            expect(context, fabs(by - (straight ? seconds : 0)) < 1e-12,
                   "%d in nodes of %d: late to %d by %g", n, devices, to, by);
        }
}

static void late_messages_hold_all_up(void **state)
{
    (void)state;
    on_all_ranks(late_body);
}

int ranks_all_to_all_time(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fullest_port_holds_all_up),
        cmocka_unit_test(short_rows_hop),
        cmocka_unit_test(several_never_beat_the_link),
        cmocka_unit_test(late_messages_hold_all_up),
    };
    return cmocka_run_group_tests_name("all-to-all, time", tests, NULL, NULL);
}
