/* test_plot_timelines.c - the charts along the time of a step: its actions and its memory, from run files of
 * schedules walked on paper. */
#include <math.h>
#include "tests/support/check.h"
#include "tests/support/walked.h"

/* ---- memory over a step ---- */

/* GPipe's activations pile up, 1F1B's do not. */
static void test_memory_timeline(void **state)
{
    PlotPlace *place = *state;
    record_walk(in_folder(place, "g.h5"), (Walked){SCHEDULE_GPIPE, {1, 2, 3}, .dp = 2}, NAN);
    record_walk(in_folder(place, "f.h5"), (Walked){SCHEDULE_1F1B, {1, 2, 3}, .dp = 2}, NAN);
    assert_int_equal(PLOT_CHART(place, "memory_timeline", in_folder(place, "g.h5")), 0);
    assert_drawn(place, "g-charts", "memory_timeline");
    const char *gp = in_folder(place, "g-charts/memory_timeline.gp");
    assert_file_says(gp, "TITLE = 'Memory over a step: g'\n");
    assert_file_says(gp, "HEAD[1] = 'rank 0. Peak 4.50 MB in B. At most 3 of 3 microbatches in flight'\n");
    assert_file_says(gp, "HEAD[2] = 'rank 2. Peak 4.50 MB in B. At most 3 of 3 microbatches in flight'\n");
    assert_file_says(gp, "BYTES = 'MB'\nTIME = 'ms'\nHIGHEST = 4.5\nEND = 12.5\nKINDS = 2\n");
    assert_file_says(gp, "KIND[2] = 'activations'\n");
    /* F of microbatch 0: as it begins and while it runs the stack is as before, then a microbatch higher */
    assert_file_says(gp, "$D << EOD\n0 1 1 1\n0 1 1 1\n0 1.5 1 1\n1 1.5 1 1\n1 2 1 2\n");
    assert_int_equal(PLOT_SVG(place, in_folder(place, "g.h5"), in_folder(place, "f.h5")), 0);
    gp = in_folder(place, "g+f-charts/memory_timeline.gp");
    assert_file_says(gp, "PANELS = 2\n");
    assert_file_says(gp, "LABEL[2] = 'f'\n");
    assert_file_says(gp, "HEAD[2] = 'rank 0. Peak 3.50 MB in B. At most 2 of 3 microbatches in flight'\n");
}

/* Of several stages a rank, a microbatch is in flight on each. */
static void memory_of_several_stages(void **state)
{
    PlotPlace *place = *state;
    record_walk(in_folder(place, "i.h5"), (Walked){SCHEDULE_INTERLEAVED, {2, 2, 4}, .dp = 1}, NAN);
    assert_int_equal(PLOT_CHART(place, "memory_timeline", in_folder(place, "i.h5")), 0);
    assert_file_says(in_folder(place, "i-charts/memory_timeline.gp"),
                     " At most 5 of 8 (4 microbatches on 2 stages) in flight'\n");
}

/* ---- timelines ---- */

static void test_gantt(void **state)
{
    PlotPlace *place = *state;
    record_walk(in_folder(place, "a.h5"), (Walked){SCHEDULE_1F1B, {1, 2, 2}, .dp = 2},
                bubble_formula(1, 2, 2));
    assert_int_equal(PLOT_CHART(place, "gantt", in_folder(place, "a.h5")), 0);
    assert_drawn(place, "a-charts", "gantt");
    const char *gp = in_folder(place, "a-charts/gantt.gp");
    assert_file_says(gp, "TITLE = 'Timeline of a step: a'\n");
    assert_file_says(gp, "HEAD[1] = '1f1b, p = 2, m = 2. Step 9.50 ms. Bubble 31.6 %, "
                         "formula (p−1)/(m+p−1) = 33.3 %'\n");
    assert_file_says(gp, "array KIND[8] = ['forward', 'backward', 'optimizer step', 'idle']\n");
    assert_file_says(gp, "KINDS = 4\nENTRIES = 4\n");
    /* ranks 0 and 2 are the pipeline of replica 0; sends and receives take no time, so no box */
    assert_file_says(gp, "$R << EOD\n0 0 9.5 31.578947368421");
    assert_file_says(gp, "\n1 2 9.5 31.578947368421");
    assert_file_says(gp, "$D << EOD\n"
                         "0 0 1 0x4477aa 0xffffff 0\n"
                         "0 1 2 0x4477aa 0xffffff 1\n"
                         "0 4 6 0xe69f00 0x222222 0\n"
                         "0 7 9 0xe69f00 0x222222 1\n"
                         "0 9 9.5 0x228833 0xffffff -1\n"
                         "1 1 2 0x4477aa 0xffffff 0\n"
                         "1 2 4 0xe69f00 0x222222 0\n"
                         "1 4 5 0x4477aa 0xffffff 1\n"
                         "1 5 7 0xe69f00 0x222222 1\n"
                         "1 7 7.5 0x228833 0xffffff -1\n"
                         "EOD\n");
}

/* Recomputation first, communication last; of a receive only its wire. */
/* Rank 0 runs F1 and B0 with a wait between them, rank 1 without one: that pair is drawn as one. */
static void test_gantt_pairs(void **state)
{
    PlotPlace *place = *state;
    record_walk(in_folder(place, "a.h5"),
                (Walked){SCHEDULE_1F1B,
                         {1, 2, 2},
                         .own = "0F0,(0F1;0B0)OVERLAP_F_B,0B1\n1F0,(1F1;1B0)OVERLAP_F_B,1B1\n"},
                NAN);
    record_walk(in_folder(place, "b.h5"), (Walked){SCHEDULE_1F1B, {1, 2, 2}, .dp = 2}, NAN);
    assert_int_equal(PLOT_CHART(place, "gantt", in_folder(place, "a.h5")), 0);
    assert_int_equal(PLOT_CHART(place, "gantt", in_folder(place, "b.h5")), 0);
    assert_int_equal(PLOT_CHART(place, "gantt", in_folder(place, "b.h5"), in_folder(place, "a.h5")), 0);
    assert_drawn(place, "a-charts", "gantt");
    assert_drawn(place, "b-charts", "gantt");
    assert_drawn(place, "b+a-charts", "gantt");
    const char *gp = in_folder(place, "a-charts/gantt.gp");
    assert_file_says(gp, "$P << EOD\n1 1 2 5\nEOD\nPAIRS = 1\n");
    assert_file_says(gp, ". Framed: a forward and a backward that overlap");
    assert_file_says(in_folder(place, "b-charts/gantt.gp"), "$P << EOD\nEOD\nPAIRS = 0\n");
    assert_int_equal(count_in(in_folder(place, "b-charts/gantt.gp"), "Framed"), 0);
    assert_file_says(in_folder(place, "b+a-charts/gantt.gp"), "$P << EOD\n2 1 2 5\nEOD\nPAIRS = 1\n");
}

static void test_gantt_parts(void **state)
{
    PlotPlace *place = *state;
    record_walk(in_folder(place, "a.h5"),
                (Walked){SCHEDULE_1F1B, {1, 2, 1}, .wire = 0.25, .recompute = 0.5, .waiting = 0.25}, NAN);
    assert_int_equal(PLOT_CHART(place, "gantt", in_folder(place, "a.h5")), 0);
    const char *gp = in_folder(place, "a-charts/gantt.gp");
    assert_file_says(gp, "$D << EOD\n"
                         "0 0 0.75 0x4477aa 0xffffff 0\n"
                         "0 0.75 1 0xaa3377 0xffffff -1\n"
                         "0 4.25 4.5 0xaa3377 0xffffff -1\n"
                         "0 4.5 5 0x66ccee 0x222222 -1\n"
                         "0 5 6.25 0xe69f00 0x222222 0\n"
                         "0 6.25 6.5 0xaa3377 0xffffff -1\n"
                         "0 6.5 7 0x228833 0xffffff -1\n"
                         "1 1 1.25 0xaa3377 0xffffff -1\n");
    assert_file_says(gp, "'recompute', 'optimizer step', 'communication', 'idle']\n");
    assert_file_says(gp, "Bubble 46.4 %'\n"); /* no formula */
}

/* Where no rank idles, the legend has nothing of it. */
static void test_gantt_full(void **state)
{
    PlotPlace *place = *state;
    record_walk(in_folder(place, "a.h5"), (Walked){SCHEDULE_1F1B, {1, 1, 3}, .dp = 1}, NAN);
    assert_int_equal(PLOT_CHART(place, "gantt", in_folder(place, "a.h5")), 0);
    assert_file_says(in_folder(place, "a-charts/gantt.gp"), "KINDS = 4\nENTRIES = 3\n");
    assert_int_equal(count_in(in_folder(place, "a-charts/gantt.svg"), ">idle<"), 0);
}

/* Of REDUCE only what it communicates, at its end: its idling is bubble. */
static void test_gantt_reduce(void **state)
{
    PlotPlace *place = *state;
    record_walk(in_folder(place, "a.h5"), (Walked){SCHEDULE_1F1B, {1, 2, 1}, .reduce = 2}, NAN);
    assert_int_equal(PLOT_CHART(place, "gantt", in_folder(place, "a.h5")), 0);
    const char *gp = in_folder(place, "a-charts/gantt.gp");
    assert_file_says(gp, "$D << EOD\n"
                         "0 0 1 0x4477aa 0xffffff 0\n"
                         "0 4 6 0xe69f00 0x222222 0\n"
                         "0 7.5 8 0xaa3377 0xffffff -1\n"
                         "0 8 8.5 0x228833 0xffffff -1\n"
                         "1 1 2 0x4477aa 0xffffff 0\n");
}

/* Ideal seconds are forwards, and stand on no axis with measured ones. */
static void test_ideal_unit(void **state)
{
    PlotPlace *place = *state;
    record_walk(in_folder(place, "a.h5"), (Walked){SCHEDULE_1F1B, {1, 2, 1}, .ideal = true}, NAN);
    record_walk(in_folder(place, "b.h5"), (Walked){SCHEDULE_1F1B, {1, 2, 1}, .dp = 1}, NAN);
    assert_int_equal(PLOT_CHART(place, "gantt,breakdown", in_folder(place, "a.h5")), 0);
    assert_file_says(in_folder(place, "a-charts/gantt.gp"), "UNIT = 'F'\n");
    assert_file_says(in_folder(place, "a-charts/gantt.gp"), "F: a microbatch''s forward on one rank");
    assert_file_says(in_folder(place, "a-charts/breakdown.gp"), "UNIT = 'F'\n");
    assert_file_says(in_folder(place, "a-charts/breakdown.gp"),
                     "F: a microbatch''s forward on one rank; messages are free");
    assert_int_equal(PLOT_CHART(place, "gantt,breakdown", in_folder(place, "a.h5"), in_folder(place, "b.h5")),
                     0);
    assert_says(place->said, "gantt               skipped: ideal and measured times");
    assert_says(place->said, "breakdown           skipped: ideal and measured times");
    report_says(place, "a.h5");
    assert_says(place->said, " F                     share                      F: a microbatch's forward on "
                             "one rank; messages are free\n");
}

/* A panel a run on one axis; a rank's second stage is darker; zb-h1 cuts the backward in two. */
static void test_gantt_panels(void **state)
{
    PlotPlace *place = *state;
    record_walk(in_folder(place, "gpipe.h5"), (Walked){SCHEDULE_GPIPE, {1, 2, 4}, .dp = 1},
                bubble_formula(1, 2, 4));
    record_walk(in_folder(place, "x.h5"), (Walked){SCHEDULE_INTERLEAVED, {2, 2, 4}, .dp = 1},
                bubble_formula(2, 2, 4));
    record_walk(in_folder(place, "zb.h5"), (Walked){SCHEDULE_ZB_H1, {1, 2, 4}, .dp = 1}, 0.1);
    assert_int_equal(PLOT_CHART(place, "gantt", in_folder(place, "gpipe.h5"), in_folder(place, "x.h5"),
                                in_folder(place, "zb.h5")),
                     0);
    assert_drawn(place, "gpipe+x+zb-charts", "gantt");
    const char *gp = in_folder(place, "gpipe+x+zb-charts/gantt.gp");
    assert_file_says(gp, "PANELS = 3\n");
    assert_file_says(gp, "END = 15.5\n"); /* gpipe's, the longest */
    assert_file_says(gp, "LABEL[1] = 'gpipe'\n");
    assert_file_says(gp, "HEAD[1] = 'p = 2, m = 4. Step 15.5 ms.");
    assert_file_says(gp, "HEAD[2] = 'interleaved, p = 2, m = 4, v = 2. Step 14.0 ms.");
    assert_file_says(gp, "(p−1)/(vm+p−1) = 11.1 %'\n");
    assert_file_says(gp, "formula 10.0 %'\n");
    assert_file_says(gp, "Darker: a rank''s later stages");
    assert_int_equal(count_in(gp, " 0x4477aa "), 3 * 8); /* F of 2 ranks and 4 microbatches in 3 runs */
    assert_int_equal(count_in(gp, " 0x31567a "), 8);     /* once more in the second stage */
    assert_int_equal(count_in(gp, " 0xe69f00 "), 2 * 8); /* B */
    assert_int_equal(count_in(gp, " 0xee7733 "), 8);     /* I */
    assert_int_equal(count_in(gp, " 0xccbb44 "), 8);     /* W */
    assert_int_equal(count_in(gp, "\n\n\n"), 4);         /* between the blocks of $R and of $D */
}

/* Without a pipeline the first ranks; of many stages 64. */
static void test_gantt_rows(void **state)
{
    PlotPlace *place = *state;
    record_walk(in_folder(place, "dp.h5"), (Walked){SCHEDULE_1F1B, {1, 1, 2}, .dp = 10}, 0);
    record_walk(in_folder(place, "deep.h5"), (Walked){SCHEDULE_GPIPE, {1, 80, 2}, .dry = true}, NAN);
    assert_int_equal(PLOT_CHART(place, "gantt", in_folder(place, "dp.h5")), 0);
    assert_int_equal(PLOT_CHART(place, "gantt,step_time", in_folder(place, "deep.h5")), 0);
    assert_file_says(in_folder(place, "dp-charts/gantt.gp"), "ROWS[1] = 8\n");
    assert_file_says(in_folder(place, "dp-charts/gantt.gp"), "HEAD[1] = 'p = 1, m = 2. Step 6.50 ms'\n");
    assert_file_says(in_folder(place, "deep-charts/gantt.gp"), "ROWS[1] = 40\n"); /* every other */
    assert_drawn(place, "deep-charts", "gantt");
    assert_says(place->said, "step_time           skipped: a dry run has no measured time, only simulated");
}

/* Ranks' names stand whole at the left of their rows: the chart is as much wider. */
static void test_gantt_names(void **state)
{
    PlotPlace *place = *state;
    record_walk(in_folder(place, "few.h5"), (Walked){SCHEDULE_1F1B, {1, 2, 2}, .dp = 2}, NAN);
    record_walk(in_folder(place, "many.h5"), (Walked){SCHEDULE_1F1B, {1, 2, 2}, .dp = 1200, .dry = true},
                NAN);
    assert_int_equal(PLOT_CHART(place, "gantt", in_folder(place, "few.h5")), 0);
    assert_int_equal(PLOT_CHART(place, "gantt", in_folder(place, "many.h5")), 0);
    assert_in_picture(in_folder(place, "many-charts/gantt.svg"), "rank 1200");
    assert_file_says(in_folder(place, "few-charts/gantt.svg"), "viewBox=\"0 0 1200 ");
    assert_file_says(in_folder(place, "many-charts/gantt.svg"), "viewBox=\"0 0 1216 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_memory_timeline, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(memory_of_several_stages, plot_setup_undrawn, plot_teardown),
        cmocka_unit_test_setup_teardown(test_gantt, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(test_gantt_pairs, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(test_gantt_parts, plot_setup_undrawn, plot_teardown),
        cmocka_unit_test_setup_teardown(test_gantt_full, plot_setup_undrawn, plot_teardown),
        cmocka_unit_test_setup_teardown(test_gantt_reduce, plot_setup_undrawn, plot_teardown),
        cmocka_unit_test_setup_teardown(test_gantt_panels, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(test_ideal_unit, plot_setup_undrawn, plot_teardown),
        cmocka_unit_test_setup_teardown(test_gantt_rows, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(test_gantt_names, plot_setup, plot_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
