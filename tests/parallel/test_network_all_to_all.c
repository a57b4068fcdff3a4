/* test_network_all_to_all.c - what an all-to-all takes of a cluster's ports. */
#include <math.h>
#include "parallel/network/all_to_all.h"
#include "tests/support/check.h"
#include "tests/support/cluster.h"

static const Placement NONE;

static void near(double a, double b)
{
    if (!(fabs(a - b) <= 1e-9 * fabs(b))) fail_msg("%.17g, not %.17g", a, b);
}

static double exchange_takes(const NetworkNode *node, const AllToAllSize *size)
{
    Network n = network_of(node, NONE, ALL_REDUCE_RING);
    NetworkTime time = network_all_to_all(&n, size);
    return network_alone(&time);
}

/* Nodes of 4: 3 beside and 4 elsewhere, at 1 us and 4 us, over 100 GB/s and one card of 25 GB/s each. */
static void the_fullest_port_counts(void **state)
{
    (void)state;
    NetworkNode node = cluster_plain(4);
    AllToAllSize size = {.messages = {3, 4}, .bytes = {2e5, 1e5}, .fullest = {3e5, 2e5}, .pair = 1e5};
    Network n = network_of(&node, NONE, ALL_REDUCE_RING);
    NetworkTime time = network_all_to_all(&n, &size);
    near(time.latency, 3e-6 + 16e-6);
    near(time.busy[ROUTE_INSIDE], 2e-6);
    near(time.busy[ROUTE_ACROSS], 4e-6);
    near(time.fullest, 8e-6);
    near(network_alone(&time), 27e-6);
    node.pair_share = 0.1; /* 1e5 bytes over 10 GB/s of the links */
    near(exchange_takes(&node, &size), 19e-6 + 10e-6);
    node.cards = 1; /* for all four */
    near(exchange_takes(&node, &size), 19e-6 + 32e-6);
    time = network_all_to_all(&n, &(AllToAllSize){.pair = 0});
    assert_true(network_alone(&time) == 0);
}

/* 8 devices a node on 8 nodes: 7 messages inside are a step, 56 across seven. By LL 6.6 us and 0.6 and 2.7 a step, each
 * byte four times as long; by Simple 8.4, 3.4 and 14. */
static void nccl_sends_eight_at_once(void **state)
{
    (void)state;
    NetworkNode node = cluster_plain(8);
    node.carrier = CARRIED_BY_NCCL_AMPERE;
    node.collective_us = 25;
    node.simple_us = 62;
    AllToAllSize little = {.messages = {7, 56}, .bytes = {7, 56}, .fullest = {7, 56}, .pair = 1},
                 much = {.messages = {7, 56}, .bytes = {7e6, 56e6}, .fullest = {7e6, 56e6}, .pair = 1e6};
    const double launch = node.collective_us * 1e-6, simple = node.simple_us * 1e-6, card = 25e9;
    near(exchange_takes(&node, &little), launch + (6.6 + 0.6 + 7 * 2.7) * 1e-6 + 4 * 56 / card);
    near(exchange_takes(&node, &much), launch + simple + (8.4 + 3.4 + 7 * 14) * 1e-6 + 56e6 / card);
}

static void slower_links_never_exchange_sooner(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 400; seed++) {
        NetworkNode node = cluster_random(seed), slow[4] = {node, node, node, node};
        slow[0].link_gb /= 2;
        slow[1].card_gb /= 2;
        slow[2].pair_share /= 2;
        slow[3].link_us *= 2, slow[3].card_us *= 2;
        AllToAllSize size = {.messages = {(int)(seed % 8), (int)(seed % 100)}};
        for (int power = 0; power < 19; power++) {
            const double bytes = pow(3, power);
            for (Route r = 0; r < ROUTES; r++) size.bytes[r] = size.fullest[r] = size.messages[r] * bytes;
            size.pair = size.messages[ROUTE_INSIDE] > 0 ? bytes : 0;
            const double own = exchange_takes(&node, &size);
            for (int k = 0; k < 4; k++) assert_true(exchange_takes(&slow[k], &size) >= own * (1 - 1e-12));
            const double card = (double)node.cards * node.card_gb * 1e9 / (double)node.devices;
            assert_true(own >= size.fullest[ROUTE_INSIDE] / (node.link_gb * 1e9) * (1 - 1e-12));
            assert_true(own >= size.fullest[ROUTE_ACROSS] / card * (1 - 1e-12));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fullest_port_counts),
        cmocka_unit_test(nccl_sends_eight_at_once),
        cmocka_unit_test(slower_links_never_exchange_sooner),
    };
    return cmocka_run_group_tests_name("network, all-to-all", tests, NULL, NULL);
}
