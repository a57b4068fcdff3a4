/* test_timeline.c - the walk on paper: times by hand, deadlocks with names,
 * and broken schedules that must not pass. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/support/check.h"
#include "tests/support/lowered.h"

/* Rank 1 computes at half speed; messages take 0.5 forward and 0.25 backward. */
static double seconds(void *context, int rank, Action a)
{
    (void)context;
    double unit = rank == 1 ? 2 : 1;
    return a.kind == ACTION_FORWARD ? unit : a.kind == ACTION_BACKWARD ? 2 * unit : 3;
}

static double message(void *context, int from, int to, Action send)
{
    (void)context;
    assert_int_equal(to - from, send.kind == ACTION_SEND_FORWARD ? 1 : -1);
    return send.kind == ACTION_SEND_FORWARD ? 0.5 : 0.25;
}

static void span_is(const Timeline *t, int rank, int index, double start, double end)
{
    assert_true(t->rank[rank].span[index].start == start);
    assert_true(t->rank[rank].span[index].end == end);
}

/* 1f1b, two ranks, two microbatches:
 *   rank 0   F0 0-1, F1 1-2, [idle 2-7.5, wire -7.75], B0 -9.75, [idle -13.5, wire -13.75], B1 -15.75,
 *            REDUCE, STEP
 *   rank 1   [idle 0-1, wire -1.5] F0 -3.5, B0 -7.5, F1 -9.5, B1 -13.5, REDUCE, STEP, [idle 19.5-21.75] */
static void times_by_hand(void **state)
{
    (void)state;
    Plan plan = lowered(SCHEDULE_1F1B, (Shape){.v = 1, .p = 2, .m = 2});
    const ActionKind none[] = {ACTION_KINDS}, update[] = {ACTION_REDUCE, ACTION_STEP, ACTION_KINDS};
    plan_surround(&plan, none, update);
    Durations durations = {.seconds = seconds, .message = message};
    Timeline t;
    Error error;
    assert_true(timeline_walk(&t, &plan, &durations, &error));
    assert_int_equal(plan.list[0].count, 10); /* F0 SEND F1 SEND RECV B0 RECV B1 REDUCE STEP */
    span_is(&t, 0, 0, 0, 1);
    span_is(&t, 0, 2, 1, 2);
    span_is(&t, 0, 4, 2, 7.75); /* RECV_B of microbatch 0 */
    span_is(&t, 0, 5, 7.75, 9.75);
    span_is(&t, 0, 6, 9.75, 13.75);
    span_is(&t, 0, 7, 13.75, 15.75);
    span_is(&t, 0, 9, 18.75, 21.75);
    span_is(&t, 1, 0, 0, 1.5); /* RECV_F of microbatch 0 */
    span_is(&t, 1, 1, 1.5, 3.5);
    span_is(&t, 1, 2, 3.5, 7.5);
    span_is(&t, 1, 3, 7.5, 7.5); /* SEND_B */
    span_is(&t, 1, 4, 7.5, 7.5); /* RECV_F: there since 2.5 */
    span_is(&t, 1, 6, 9.5, 13.5);
    assert_true(t.end == 21.75);
    RankTimeline r = t.rank[0];
    assert_true(r.busy == 12 && r.idle == 5.5 + 3.75 && r.wire == 0.5);
    r = t.rank[1];
    assert_true(r.busy == 18 && r.idle == 1 + 2.25 && r.wire == 0.5);
    assert_true(fabs(t.bubble - 12.5 / 43.5) < 1e-15);
    timeline_free(&t);
    plan_free(&plan);
}

static int index_of(const Schedule *list, ActionKind kind, int microbatch)
{
    for (int i = 0; i < list->count; i++)
        if (list->action[i].kind == kind && list->action[i].microbatch == microbatch) return i;
    assert_true(false);
    return -1;
}

static void swap(Schedule *list, int i, int j)
{
    Action a = list->action[i];
    list->action[i] = list->action[j];
    list->action[j] = a;
}

static void take_out(Schedule *list, int i)
{
    memmove(list->action + i, list->action + i + 1, (size_t)(list->count - i - 1) * sizeof *list->action);
    list->count--;
}

static void put_in(Schedule *list, int i, Action a)
{
    schedule_add(list, a.kind, a.stage, a.microbatch);
    memmove(list->action + i + 1, list->action + i, (size_t)(list->count - i - 1) * sizeof *list->action);
    list->action[i] = a;
}

static void walk_fails(Plan *plan, const char *reason)
{
    Ideal ideal = {1, 2, 1, 1};
    Durations durations = timeline_ideal(&ideal);
    Timeline t;
    Error error = {""};
    assert_false(timeline_walk(&t, plan, &durations, &error));
    if (!strstr(error.text, reason)) print_error("%s\n", error.text);
    assert_non_null(strstr(error.text, reason));
    assert_null(t.rank);
    plan_free(plan);
}

/* Three ranks and four microbatches, without an action of one of the ranks. */
static void fails_without(ScheduleKind schedule, int rank, ActionKind kind, int microbatch,
                          const char *reason)
{
    Plan plan = lowered(schedule, (Shape){.v = 1, .p = 3, .m = 4});
    take_out(&plan.list[rank], index_of(&plan.list[rank], kind, microbatch));
    walk_fails(&plan, reason);
}

/* The same of 1f1b with an action more. */
static void fails_with(int rank, int at, Action action, const char *reason)
{
    Plan plan = lowered(SCHEDULE_1F1B, (Shape){.v = 1, .p = 3, .m = 4});
    put_in(&plan.list[rank], at, action);
    walk_fails(&plan, reason);
}

/* The same with two of microbatch 0 changed about on the last rank. */
static void fails_swapped(ScheduleKind schedule, ActionKind first, ActionKind second, const char *reason)
{
    Plan plan = lowered(schedule, (Shape){.v = 1, .p = 3, .m = 4});
    swap(&plan.list[2], index_of(&plan.list[2], first, 0), index_of(&plan.list[2], second, 0));
    walk_fails(&plan, reason);
}

static void deadlocks_are_named(void **state)
{
    (void)state;
    fails_without(SCHEDULE_1F1B, 1, ACTION_SEND_FORWARD, 3,
                  "deadlock: rank 2 waits at RECV_F of stage 2, microbatch 3: nobody sends it");
    fails_without(SCHEDULE_ZB_H1, 2, ACTION_SEND_BACKWARD, 0,
                  "deadlock: rank 1 waits at RECV_B of stage 1, microbatch 0: nobody sends it");

    /* rank 0 wants the gradient of microbatch 1 before it has sent its forward along */
    Plan plan = lowered(SCHEDULE_1F1B, (Shape){.v = 1, .p = 2, .m = 3});
    swap(&plan.list[0], index_of(&plan.list[0], ACTION_SEND_FORWARD, 1),
         index_of(&plan.list[0], ACTION_RECV_BACKWARD, 1));
    walk_fails(&plan, "deadlock: rank 0 waits at RECV_B of stage 0, microbatch 1 for rank 1; "
                      "rank 1 waits at RECV_F of stage 1, microbatch 1 for rank 0");
}

static void what_is_not_whole_is_refused(void **state)
{
    (void)state;
    fails_without(SCHEDULE_1F1B, 1, ACTION_RECV_FORWARD, 2,
                  "1F2 comes before its input, the output of stage 0");
    fails_without(SCHEDULE_1F1B, 0, ACTION_BACKWARD, 2, "rank 0: stage 0 never runs microbatch 2's B");
    fails_without(SCHEDULE_ZB_H1, 0, ACTION_WEIGHT, 3, "rank 0: stage 0 never runs microbatch 3's W");
    Plan plan = lowered(SCHEDULE_1F1B, (Shape){.v = 1, .p = 3, .m = 4});
    put_in(&plan.list[2], plan.list[2].count, (Action){.kind = ACTION_FORWARD, .stage = 2, .microbatch = 1});
    walk_fails(&plan, "2F1 repeats what was done before");
    fails_with(2, 0, (Action){.kind = ACTION_FORWARD, .stage = 1, .microbatch = 1},
               "rank 2, action 0: 1F1 is on rank 2, and stage 1 is on rank 1");
    fails_with(2, 0, (Action){.kind = ACTION_FORWARD, .stage = 2, .microbatch = 4},
               "2F4 is none of 3 stages and 4 microbatches");
    fails_with(0, 2, (Action){.kind = ACTION_SEND_FORWARD, .stage = 0, .microbatch = 0},
               "rank 0 does SEND_F of stage 0, microbatch 0 twice");
    fails_swapped(SCHEDULE_ZB_H1, ACTION_INPUT, ACTION_WEIGHT, "2W0 comes before 2I0");
    fails_swapped(SCHEDULE_1F1B, ACTION_FORWARD, ACTION_BACKWARD, "2B0 comes before 2F0");
    /* a letter for the first stage, which asks for none */
    plan = lowered(SCHEDULE_INTERLEAVED, (Shape){.v = 2, .p = 3, .m = 3});
    put_in(&plan.list[2], plan.list[2].count,
           (Action){.kind = ACTION_SEND_FORWARD, .stage = 5, .microbatch = 0});
    walk_fails(&plan, "SEND_F of stage 5, microbatch 0 has no other end: it is the last stage");
    assert_true(plan_write(&plan, SCHEDULE_1F1B, (Shape){.v = 1, .p = 3, .m = 4}, NULL));
    walk_fails(&plan, "without sends and receives");
}

/* Any two neighbours of any list swapped: the walk either refuses, or the
 * result is a schedule too and no faster than the paper's bound. */
static void swapped_pairs_never_hang(void **state)
{
    (void)state;
    int refused = 0, slower = 0, swaps = 0;
    for (int kind = SCHEDULE_1F1B; kind < SCHEDULE_KINDS; kind++) {
        Shape shape = {.v = kind == SCHEDULE_INTERLEAVED ? 2 : 1, .p = 3, .m = 6};
        Plan plan = lowered((ScheduleKind)kind, shape);
        Ideal ideal = {1, 2, 1, 1};
        Durations durations = timeline_ideal(&ideal);
        Error error;
        Timeline t = walked(&plan, ideal);
        double end = t.end;
        timeline_free(&t);
        for (int rank = 0; rank < shape.p; rank++)
            for (int i = 0; i + 1 < plan.list[rank].count; i++, swaps++) {
                swap(&plan.list[rank], i, i + 1);
                if (timeline_walk(&t, &plan, &durations, &error)) {
                    assert_true(t.end >= end);
                    slower += t.end > end;
                    timeline_free(&t);
                } else {
                    refused++;
                }
                swap(&plan.list[rank], i, i + 1);
            }
        plan_free(&plan);
    }
    assert_true(refused > swaps / 4);
    assert_true(slower > 0);
}

/* One forward less to warm up with: nothing is wrong with the lists, but the
 * first rank has a bubble it need not have. */
static void one_warm_up_forward_less_costs_time(void **state)
{
    (void)state;
    for (int p = 2; p <= 8; p++)
        for (int m = p; m <= 2 * p; m++) {
            Plan plan;
            Error error;
            assert_true(plan_write(&plan, SCHEDULE_1F1B, (Shape){.v = 1, .p = p, .m = m}, &error));
            Schedule *first = &plan.list[0];
            /* each steady pair the other way round: one forward fewer is under way */
            for (int i = p - 1; i < p - 1 + 2 * (m - p + 1); i += 2) swap(first, i, i + 1);
            plan_lower_messages(&plan);
            Timeline t = walked(&plan, (Ideal){1, 2, 1, 1});
            assert_int_equal(t.rank[0].in_flight, p - 1);
            assert_true(t.bubble > (p - 1.0) / (m + p - 1.0) + 1e-6);
            timeline_free(&t);
            plan_free(&plan);
        }
}

/* 512 ranks, half a million of actions: quadratic scans would take hours. */
static void many_ranks(void **state)
{
    (void)state;
    const int p = 512, m = 128;
    for (int kind = 0; kind < SCHEDULE_KINDS; kind++) {
        Shape shape = {.v = 1, .p = p, .m = m};
        if (kind == SCHEDULE_INTERLEAVED) shape = (Shape){.v = 2, .p = p / 4, .m = m};
        Plan plan = lowered((ScheduleKind)kind, shape);
        Timeline t = walked(&plan, (Ideal){1, 2, 1, 1});
        if (kind == SCHEDULE_GPIPE || kind == SCHEDULE_1F1B) assert_true(t.end == 3.0 * (m + p - 1));
        timeline_free(&t);
        plan_free(&plan);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_by_hand),
        cmocka_unit_test(deadlocks_are_named),
        cmocka_unit_test(what_is_not_whole_is_refused),
        cmocka_unit_test(swapped_pairs_never_hang),
        cmocka_unit_test(one_warm_up_forward_less_costs_time),
        cmocka_unit_test(many_ranks),
    };
    return cmocka_run_group_tests_name("timeline", tests, NULL, NULL);
}
