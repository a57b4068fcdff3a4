/* test_laps.c - what a rank keeps of its actions, written out: each from the end of the one before, with what was held
 * as it ended, which is kept once where it stays the same. */
#include <math.h>
#include <string.h>
#include "sim/run/laps.h"
#include "tests/support/check.h"

static LapHeld held_of(uint64_t activations)
{
    return (LapHeld){.memory = {[MEM_PARAMETERS] = 100, [MEM_ACTIVATIONS] = activations},
                     .peak = 1000 + activations};
}

static void the_same_is_kept_once(void **state)
{
    (void)state;
    Laps laps;
    const LapHeld one = held_of(1), two = held_of(2);
    LapHeld apart = one;
    apart.peak++;
    laps_make(&laps, 1, false);
    const int first = laps_hold(&laps, ACTION_FORWARD, &one);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(laps_hold(&laps, ACTION_FORWARD, &one), first);
        assert_int_equal(laps_hold(&laps, ACTION_BACKWARD, &two), first + 1);
    }
    assert_int_equal(laps_hold(&laps, ACTION_FORWARD, &apart), first + 2);
    assert_int_equal(laps_hold(&laps, ACTION_BACKWARD, &two), first + 1);
    for (uint64_t i = 0; i < 100; i++) {
        const LapHeld other = held_of(10 + i);
        const int kept = laps_hold(&laps, ACTION_WEIGHT, &other);
        assert_memory_equal(&laps.held[kept], &other, sizeof other);
    }
    assert_memory_equal(&laps.held[first], &one, sizeof one);
    assert_int_equal(laps.helds, 103);
    laps_free(&laps);
}

static void rows_are_as_it_went(void **state)
{
    (void)state;
    Laps laps;
    Schedule list = {.action = NULL};
    const LapHeld held[] = {held_of(5), held_of(6)};
    schedule_append(&list, (Action){.kind = ACTION_FORWARD, .stage = 2, .microbatch = 7, .overlapped = true});
    schedule_add(&list, ACTION_SEND_FORWARD, 2, 7);
    for (int measured = 0; measured < 2; measured++) {
        TimelineRow row[3];
        laps_make(&laps, list.count, measured);
        laps.lap[0] = (Lap){.end = 1.5, .recompute = 0.25, .communication = 0.125};
        laps.lap[1] = (Lap){.end = 1.75};
        laps.lap[0].held = laps_hold(&laps, ACTION_FORWARD, &held[0]);
        laps.lap[1].held = laps_hold(&laps, ACTION_SEND_FORWARD, &held[1]);
        if (measured) laps.measured[0] = (LapMeasured){10, 11, 0.5};
        if (measured) laps.measured[1] = (LapMeasured){12, 13, 0.75};
        laps_rows(&laps, &list, 4, 0, 3, row);
        assert_true(row[0].rank == 4 && row[0].stage == 2 && row[0].microbatch == 7 &&
                    row[0].overlapped == 1);
        assert_true(row[0].simulated_start == 0 && row[0].simulated_end == 1.5 && row[0].recompute == 0.25 &&
                    row[0].communication == 0.125);
        assert_string_equal(row[0].action, "F");
        assert_string_equal(row[0].lane, "compute");
        assert_memory_equal(row[0].memory, held[0].memory, sizeof row->memory);
        assert_true(row[0].memory_peak == 1005 && row[1].memory_peak == 1006);
        assert_true(row[1].simulated_start == 1.5 && row[1].simulated_end == 1.75 && !row[1].overlapped);
        assert_string_equal(row[1].action, "SEND_F");
        assert_string_equal(row[1].lane, "network");
        assert_true(measured ? row[1].measured_start == 12 && row[1].measured_end == 13 &&
                                   row[1].measured_compute == 0.75
                             : isnan(row[1].measured_start) && isnan(row[1].measured_end) &&
                                   isnan(row[1].measured_compute));
        assert_string_equal(row[2].action, "");
        laps_rows(&laps, &list, 4, 1, 1, row);
        assert_true(row[0].simulated_start == 1.5 && strcmp(row[0].action, "SEND_F") == 0);
        laps_rows(&laps, &list, 4, 4, 1, row + 2); /* behind them all: what is before it stays */
        assert_true(row[0].simulated_start == 1.5 && row[1].simulated_end == 1.75 && row[2].rank == 0);
        laps_free(&laps);
    }
    schedule_free(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_is_kept_once),
        cmocka_unit_test(rows_are_as_it_went),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
