/* test_network.c - where ranks lie, and what a collective takes there. */
#include <math.h>
#include <stdio.h>
#include "models/machine/random.h"
#include "parallel/network/network.h"
#include "tests/support/check.h"
#include "tests/support/cluster.h"

static const Placement NONE;

static void near(double a, double b)
{
    if (!(fabs(a - b) <= 1e-9 * fabs(b))) fail_msg("%.17g, not %.17g", a, b);
}

/* ---- places ---- */

static void nodes_fill_slot_by_slot(void **state)
{
    (void)state;
    /* tp 2, dp 3, pp 2; pipes side by side, then tensor slices, then replicas */
    Placement one = {0}, by_number = {.devices = 4},
              pipes_first = {.devices = 4, .axis = {{2, 2}, {3, 4}, {2, 1}}};
    static const int slot[] = {0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11};
    for (int r = 0; r < 12; r++) {
        assert_int_equal(place_node(&one, r), 0);
        assert_int_equal(place_slot(&by_number, r), r);
        assert_int_equal(place_node(&by_number, r), r / 4);
        assert_int_equal(place_slot(&pipes_first, r), slot[r]);
        assert_int_equal(place_node(&pipes_first, r), slot[r] / 4);
    }
}

static void groups_spread_over_nodes(void **state)
{
    (void)state;
    static const int all[] = {0, 1, 2, 3, 4, 5, 6, 7}, strided[] = {0, 2, 4, 6, 8, 10}, single[] = {1, 5, 9},
                     torn[] = {2, 3, 4};
    Placement p = {.devices = 4};
    Spread s = place_spread(&p, all, 8);
    assert_true(s.size == 8 && s.nodes == 2 && s.most == 4 && s.least == 4 && s.even && !s.apart);
    s = place_spread(&p, strided, 6);
    assert_true(s.size == 6 && s.nodes == 3 && s.most == 2 && s.least == 2 && s.even && s.apart);
    s = place_spread(&p, single, 3);
    assert_true(s.nodes == 3 && s.most == 1 && s.least == 1 && s.even && !s.apart);
    s = place_spread(&p, torn, 3);
    assert_true(s.nodes == 2 && s.most == 2 && s.least == 1 && !s.even && !s.apart);
    s = place_spread(&NONE, all, 8);
    assert_true(s.nodes == 1 && s.most == 8 && s.even);
}

/* ---- what a ring takes ---- */

/* An all-reduce of n blocks. */
static RingSize all_reduce(Spread spread, size_t block)
{
    return (RingSize){.spread = spread, .steps = 2 * (spread.size - 1), .step_bytes = block, .sums = true};
}

static double takes(const Network *network, const RingSize *ring)
{
    NetworkTime time = network_ring(network, ring);
    return network_alone(&time);
}

/* 2 (n-1) (S / n / B + L), of links alike; over nodes each hop has its own latency, and the slowest link the rate. */
static void ideal_links_take_the_formula(void **state)
{
    (void)state;
    NetworkNode plain = cluster_plain(8);
    Network nodes = network_of(&plain, NONE, ALL_REDUCE_RING);
    for (int n = 2; n <= 512; n += n < 20 ? 1 : 97)
        for (size_t block = 1; block < (size_t)1 << 30; block *= 13) {
            Link link = {3e-6, 1 / 17e9};
            Network flat = network_flat(link);
            RingSize ring = all_reduce(cluster_spread(&flat, n, 1), block);
            near(takes(&flat, &ring), 2 * (n - 1) * ((double)block / 17e9 + 3e-6));
            ring = all_reduce(cluster_spread(&nodes, n, 8), block); /* one a node: an eighth of its cards */
            near(takes(&nodes, &ring), 2 * (n - 1) * ((double)block / 25e9 + 4e-6));
            if (n > 8) continue;
            ring = all_reduce(cluster_spread(&nodes, n, 1), block);
            near(takes(&nodes, &ring), 2 * (n - 1) * ((double)block / 100e9 + 1e-6));
            ring.steps = n - 1;
            near(takes(&nodes, &ring), (n - 1) * ((double)block / 100e9 + 1e-6));
        }
    RingSize two_nodes =
        all_reduce(cluster_spread(&nodes, 16, 1), 1000000); /* 8 cards are 200 GB/s, a link 100 */
    near(takes(&nodes, &two_nodes), 30 * 1e6 / 100e9 + 26 * 1e-6 + 4 * 4e-6);
}

/* As many cards as a group has members in a node, of as many as there are devices. */
static void rings_share_the_cards_of_a_node(void **state)
{
    (void)state;
    NetworkNode plain = cluster_plain(8);
    plain.card_gb = 5;
    Network n = network_of(&plain, NONE, ALL_REDUCE_RING);
    for (int apart = 1; apart <= 8; apart *= 2) {
        int size = 4 * 8 / apart; /* over four nodes */
        RingSize ring = all_reduce(cluster_spread(&n, size, apart), 1000);
        NetworkTime time = network_ring(&n, &ring);
        near(time.busy[ROUTE_ACROSS], 2 * (size - 1) * 1000 / (8 * 5e9 / apart));
        if (apart < 8)
            near(time.busy[ROUTE_INSIDE], 2 * (size - 1) * 1000 / 100e9);
        else
            assert_true(time.busy[ROUTE_INSIDE] == 0);
    }
    n.any_card = false; /* two groups of four, no two of their members side by side: all through one card */
    RingSize ring = all_reduce(cluster_spread(&n, 16, 2), 1000);
    NetworkTime time = network_ring(&n, &ring);
    near(time.busy[ROUTE_ACROSS], 30 * 1000 / (5e9 / 2));
    ring = all_reduce(cluster_spread(&n, 32, 1), 1000);
    time = network_ring(&n, &ring);
    near(time.busy[ROUTE_ACROSS], 62 * 1000 / 40e9);
}

static void what_cannot_occur_is_zero(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        NetworkNode node = cluster_random(seed);
        Network n = network_of(&node, NONE, ALL_REDUCE_RING);
        RingSize ring = all_reduce(cluster_spread(&n, (int)node.devices, 1), 4096);
        NetworkTime time = network_ring(&n, &ring);
        assert_true(time.busy[ROUTE_ACROSS] == 0);
        if (node.devices == 1) assert_true(time.latency == 0 && time.busy[ROUTE_INSIDE] == 0);
        ring.step_bytes = 0;
        time = network_ring(&n, &ring);
        assert_true(time.latency == 0 && time.busy[ROUTE_INSIDE] == 0);
        ring = all_reduce(cluster_spread(&n, 5, (int)node.devices), 4096);
        time = network_ring(&n, &ring);
        assert_true(time.busy[ROUTE_INSIDE] == 0 && time.busy[ROUTE_ACROSS] > 0);
    }
}

/* Sizes of all magnitudes, on networks of all kinds: half of a bandwidth is never faster; and no ring, however it is
 * carried, sends more than its link. */
static void slower_links_are_never_faster(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 400; seed++) {
        NetworkNode node = cluster_random(seed), slow[3] = {node, node, node};
        slow[0].link_gb /= 2;
        slow[1].card_gb /= 2;
        slow[2].switch_gb /= 2;
        int size = 2 + (int)random_below(seed, STREAM_WEIGHTS, 1, 0, 100),
            apart = 1 + (int)random_below(seed, STREAM_WEIGHTS, 1, 1, 9);
        Network n = network_of(&node, NONE, ALL_REDUCE_RING);
        RingSize ring = all_reduce(cluster_spread(&n, size, apart), 1);
        for (; ring.step_bytes < (size_t)1 << 30; ring.step_bytes = ring.step_bytes * 3 / 2 + 1) {
            double own = takes(&n, &ring), least = INFINITY;
            for (int k = 0; k < 3; k++) {
                Network slower = network_of(&slow[k], NONE, ALL_REDUCE_RING);
                if (!(takes(&slower, &ring) >= own))
                    fail_msg("seed %d, %zu bytes: %g s, with half of %d %g s", (int)seed, ring.step_bytes,
                             own, k, takes(&slower, &ring));
            }
            if (ring.spread.nodes > 1)
                least = (double)node.cards * node.card_gb * ring.spread.least / (double)node.devices;
            if (ring.spread.most > 1) least = fmin(least, fmax(node.link_gb, node.switch_gb));
            assert_true(own >= ring_bytes(&ring) / (least * 1e9));
        }
    }
}

/* ---- trees ---- */

/* 2 (g - 1 + ceil(log2 N)) steps, and 2 S through a member inside; across two nodes S, three 1.5 S, more 2 S. */
static void ideal_trees_take_the_formula(void **state)
{
    (void)state;
    NetworkNode plain = cluster_plain(8);
    Network n = network_of(&plain, NONE, ALL_REDUCE_TREE);
    static const int depth[] = {0, 0, 1, 2, 2, 3, 3, 3, 3, 4};
    for (int nodes = 1; nodes < 10; nodes++)
        for (size_t bytes = 1; bytes < (size_t)1 << 30; bytes *= 13) {
            double across = nodes == 1 ? 0 : fmin(nodes, 4) / 2 * (double)bytes;
            Spread all = cluster_spread(&n, 8 * nodes, 1), one_each = cluster_spread(&n, nodes, 8);
            RingSize trees = trees_size(&all, bytes);
            near(takes(&n, &trees),
                 fmax(2 * (double)bytes / 100e9, across / 200e9) + 14e-6 + 2 * depth[nodes] * 4e-6);
            if (nodes == 1) continue;
            trees = trees_size(&one_each, bytes);
            near(takes(&n, &trees), across / 25e9 + 2 * depth[nodes] * 4e-6);
        }
}

/* As configs/hardware has a DGX A100. */
static NetworkNode dgx_a100(void)
{
    NetworkNode node = cluster_plain(8);
    node.link_gb = 300;
    node.link_share = 0.773;
    node.card_share = 0.92;
    node.any_card = false;
    node.carrier = CARRIED_BY_NCCL_AMPERE;
    node.collective_us = 25;
    node.simple_us = 62;
    return node;
}

/* By hand from NCCL's tables: DGX A100 over four nodes; 231.9 GB/s inside, 184 across, 25 us to launch, 62 for
 * Simple. */
static void trees_take_what_nccl_says(void **state)
{
    (void)state;
    NetworkNode node = dgx_a100();
    Network n = network_of(&node, NONE, ALL_REDUCE_TREE);
    Spread four = cluster_spread(&n, 32, 1), two = cluster_spread(&n, 16, 1);
    RingSize trees = trees_size(&four, 4096); /* LL: at most 19 GB/s, 0.7 of it */
    near(takes(&n, &trees), 1e-6 * (25 + 6.8 + 14 * 0.6 + 4 * 5.0) + 2 * 4096 / (19e9 * 0.7));
    trees = trees_size(&four, (size_t)1 << 20); /* LL128, 0.6 of it */
    near(takes(&n, &trees),
         1e-6 * (25 + 14 + 14 * 1.25 + 4 * 8.5) + 2 * 1048576 / (184e9 * 0.92 * 120 / 128 * 0.6));
    trees = trees_size(&four, (size_t)1 << 30); /* Simple */
    near(takes(&n, &trees), 1e-6 * (25 + 62 + 8.4 + 14 * 4.0 + 4 * 14.0) + 2 * 1073741824. / (184e9 * 0.92));
    trees = trees_size(&two, (size_t)1 << 30); /* half as much goes across: what is inside is slower */
    near(takes(&n, &trees),
         1e-6 * (25 + 62 + 8.4 + 14 * 4.0 + 2 * 14.0) + 2 * 1073741824. / (231.9e9 * 0.92));
}

/* Of a ring and trees the sooner; in one node the ring. Half of a bandwidth is never faster, whichever is taken. */
static double chosen(const NetworkNode *node, int size, int apart, size_t bytes, bool *trees)
{
    Network n = network_of(node, NONE, ALL_REDUCE_AUTO);
    Spread spread = cluster_spread(&n, size, apart);
    RingSize ring = all_reduce(spread, (bytes + (size_t)size - 1) / (size_t)size),
             up = trees_size(&spread, bytes);
    double round = takes(&n, &ring), up_and_down = takes(&n, &up);
    *trees = network_takes_trees(&n, &ring, bytes);
    assert_true(!*trees || up_and_down < round);
    assert_true(*trees || spread.nodes == 1 || round <= up_and_down);
    return *trees ? up_and_down : round;
}

static void auto_takes_the_sooner(void **state)
{
    (void)state;
    int took = 0, sizes = 0;
    for (uint64_t seed = 0; seed < 400; seed++) {
        NetworkNode node = cluster_random(seed), slow[2] = {node, node};
        slow[0].link_gb /= 2;
        slow[1].card_gb /= 2;
        int size = 2 + (int)random_below(seed, STREAM_WEIGHTS, 1, 0, 100),
            apart = 1 + (int)random_below(seed, STREAM_WEIGHTS, 1, 1, 9);
        for (size_t bytes = 1; bytes < (size_t)1 << 34; bytes = bytes * 3 / 2 + 1) {
            bool trees, other;
            double own = chosen(&node, size, apart, bytes, &trees);
            for (int k = 0; k < 2; k++)
                assert_true(chosen(&slow[k], size, apart, bytes, &other) >= own * (1 - 1e-12));
            took += trees;
            sizes++;
        }
    }
    assert_true(took > sizes / 10 && took < sizes * 9 / 10);
    NetworkNode a100 = dgx_a100();
    bool trees;
    chosen(&a100, 256, 1, 1 << 20, &trees);
    assert_true(trees); /* 64 steps across 32 nodes, or 10 */
    chosen(&a100, 32, 1, (size_t)1 << 30, &trees);
    assert_false(trees); /* 0.92 of the bandwidth */
    chosen(&a100, 8, 1, 1 << 20, &trees);
    assert_false(trees);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_fill_slot_by_slot),      cmocka_unit_test(groups_spread_over_nodes),
        cmocka_unit_test(ideal_links_take_the_formula), cmocka_unit_test(rings_share_the_cards_of_a_node),
        cmocka_unit_test(what_cannot_occur_is_zero),    cmocka_unit_test(slower_links_are_never_faster),
        cmocka_unit_test(ideal_trees_take_the_formula), cmocka_unit_test(trees_take_what_nccl_says),
        cmocka_unit_test(auto_takes_the_sooner),
    };
    return cmocka_run_group_tests_name("network", tests, NULL, NULL);
}
