/* test_port.c - what a port gives is what nothing had before, counted slot by slot. */
#include <stdbool.h>
#include "models/machine/random.h"
#include "parallel/wire/port.h"
#include "tests/support/check.h"

static void by_hand(void **state)
{
    (void)state;
    Port port = {0};
    assert_true(port_take(&port, 10, 2) == 12);
    assert_true(port_take(&port, 20, 2) == 22);
    assert_true(port_take(&port, 5, 0) == 5 && port.count == 2); /* nothing takes nothing */
    assert_true(port_take(&port, 11, 3) == 15);                  /* after what is there */
    assert_true(port_take(&port, 9, 8) == 24);                   /* 9-10, 15-20, 22-24 */
    assert_true(port.count == 1 && port.taken[0].start == 9 && port.taken[0].end == 24);
    assert_true(port_take(&port, 0, 9) == 9 && port.count == 1 && port.taken[0].start == 0);
    port_clear(&port);
    assert_true(port_take(&port, 3, 1) == 4);
    assert_true(port_take(&port, 10, 4) == 14);
    assert_true(port_taken(&port, 0, 3) == 0 && port_taken(&port, 0, 20) == 5 &&
                port_taken(&port, 3.5, 11) == 1.5);
    assert_true(port_taken(&port, 4, 10) == 0 && port_taken(&port, 11, 12) == 1 &&
                port_taken(&port, 14, 15) == 0);
    Port other = {0};
    for (int copies = 0; copies < 2; copies++) { /* into one that is empty, and into one that is not */
        port_copy(&other, &port);
        assert_true(other.count == 2 && port_take(&other, 3.5, 1) == 5 && port.count == 2);
        assert_true(port_taken(&other, 0, 20) == 6 && port_taken(&port, 0, 20) == 5);
    }
    port_clear(&port);
    port_copy(&other, &port);
    assert_true(other.count == 0);
    port_free(&port);
    port_free(&other);
}

/* Whole slots, so that sums are exact. */
static void slot_by_slot(void **state)
{
    (void)state;
    enum { SLOTS = 4096, TAKES = 200, LATEST = 600, LONGEST = 12 };
    for (uint64_t round = 0; round < 50; round++) {
        bool taken[SLOTS] = {false};
        Port port = {0};
        for (uint64_t i = 0; i < TAKES; i++) {
            int from = (int)random_below(7, STREAM_WEIGHTS, round, 2 * i, LATEST),
                left = (int)random_below(7, STREAM_WEIGHTS, round, 2 * i + 1, LONGEST);
            int end = from;
            double ends = port_take(&port, from, left);
            for (int slot = from; left > 0; slot++) {
                left -= !taken[slot];
                taken[slot] = true;
                end = slot + 1;
            }
            assert_true(ends == end);
        }
        int spans = 0;
        for (int slot = 0; slot < SLOTS; slot++) spans += taken[slot] && (slot == 0 || !taken[slot - 1]);
        assert_int_equal(port.count, spans);
        port_free(&port);
    }
}

/* From a moment that grows on: what is asked is the same, to the last bit, and little is kept. */
static void what_is_settled_is_forgotten(void **state)
{
    (void)state;
    enum { TAKES = 5000, SELDOM = 100, FEW = 400 };
    Port all = {0}, some = {0};
    double horizon = 0, before = 0;
    for (uint64_t i = 0; i < TAKES; i++) {
        const double from = horizon + 1e-3 * random_below(7, STREAM_WEIGHTS, 99, 3 * i, 50000),
                     seconds = 1e-3 * random_below(7, STREAM_WEIGHTS, 99, 3 * i + 1, 300),
                     until = from + 1e-3 * random_below(7, STREAM_WEIGHTS, 99, 3 * i + 2, 9000);
        assert_true(port_take(&some, from, seconds) == port_take(&all, from, seconds));
        assert_true(port_taken(&some, from, until) == port_taken(&all, from, until));
        horizon += 0.2;
        if (i % SELDOM == 0) port_settle(&some, horizon, &before);
        assert_true(some.count < FEW);
    }
    assert_true(all.count > TAKES / 4);
    assert_true(port_taken_in_all(&some, before) == port_taken_in_all(&all, 0));
    assert_true(port_taken_in_all(&all, 0) == port_taken(&all, 0, 1e9));
    port_settle(&some, 1e9, NULL);
    assert_int_equal(some.count, 0);
    assert_true(port_take(&some, 1e9, 1) == 1e9 + 1);
    port_free(&all);
    port_free(&some);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand),
        cmocka_unit_test(slot_by_slot),
        cmocka_unit_test(what_is_settled_is_forgotten),
    };
    return cmocka_run_group_tests_name("port", tests, NULL, NULL);
}
