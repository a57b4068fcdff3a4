/* test_schedule.c - the five schedules against the papers: bubbles and
 * activations in flight, every microbatch once, every message met. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parallel/stages.h"
#include "tests/support/check.h"
#include "tests/support/lowered.h"

enum { P_MAX = 8, V_MAX = 4 };

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* Calls back for every schedule and shape that is possible, p = 1..8, m = 1..4p. */
static void for_all(void (*check)(ScheduleKind kind, Shape shape))
{
    for (int kind = 0; kind < SCHEDULE_KINDS; kind++)
        for (int p = 1; p <= P_MAX; p++)
            for (int m = 1; m <= 4 * p; m++)
                for (int v = 1; v <= V_MAX; v++) {
                    Shape shape = {.v = v, .p = p, .m = m};
                    if (schedule_possible((ScheduleKind)kind, shape, NULL)) check((ScheduleKind)kind, shape);
                }
}

/* The idle share of p ranks from first start to last end. zb-h1 is Qi et al.
 * 2401.10241, table 2: idle (p - 1)(F + I - W) beside m (F + I + W) of work.
 * That counts on W <= I (a W longer than an I delays the I's of the ranks before) and on m >= p.
 * For fewer, the last rank ends its last I after (p - 1) F + m (F + I), that
 * travels back through p - 1 ranks, and the first rank still owes one W. */
static double bubble_on_paper(ScheduleKind kind, Shape s, Ideal t)
{
    double p = s.p, m = s.m, v = s.v;
    double work = m * (t.forward + t.input + t.weight);
    double idle = (p - 1) * (t.forward + t.input - t.weight);
    if (s.m < s.p) idle = (m + p - 1) * (t.forward + t.input) + t.weight - work;
    switch (kind) {
    case SCHEDULE_NAIVE: return (p - 1) / p;
    case SCHEDULE_INTERLEAVED: return (p - 1) / (v * m + p - 1);
    case SCHEDULE_ZB_H1: return idle / (idle + work);
    default: return (p - 1) / (m + p - 1);
    }
}

static void bubble_is_as_on_paper(ScheduleKind kind, Shape shape)
{
    static const Ideal ideals[] = {{1, 2, 1, 1}, {1, 1, 1, 1}, {1, 2, 1.25, 0.75}};
    Plan plan = lowered(kind, shape);
    for (int i = 0; i < 3; i++) {
        Timeline t = walked(&plan, ideals[i]);
        double paper = bubble_on_paper(kind, shape, ideals[i]);
        if (fabs(t.bubble - paper) > 1e-12)
            print_error("%s v=%d p=%d m=%d: bubble %.15g, on paper %.15g\n", schedule_name[kind], shape.v,
                        shape.p, shape.m, t.bubble, paper);
        assert_true(fabs(t.bubble - paper) <= 1e-12);
        for (int rank = 0; rank < shape.p; rank++) {
            RankTimeline r = t.rank[rank];
            assert_true(r.wire == 0);
            assert_true(fabs(r.busy + r.idle - t.end) <= 1e-12 * t.end);
            assert_true(fabs(r.bubble - paper) <= 1e-12); /* uniform stages: the same on every rank */
        }
        timeline_free(&t);
    }
    plan_free(&plan);
}

static void bubbles(void **state)
{
    (void)state;
    for_all(bubble_is_as_on_paper);
}

static void in_flight_is_as_on_paper(ScheduleKind kind, Shape s)
{
    Plan plan = lowered(kind, s);
    Timeline t = walked(&plan, (Ideal){1, 2, 1, 1});
    for (int rank = 0; rank < s.p; rank++) {
        int expected[SCHEDULE_KINDS] = {
            [SCHEDULE_NAIVE] = 1,
            [SCHEDULE_GPIPE] = s.m,
            [SCHEDULE_1F1B] = least(s.m, s.p - rank),
            [SCHEDULE_INTERLEAVED] = least(s.m * s.v, 2 * (s.p - rank - 1) + (s.v - 1) * s.p + 1),
            /* the paper's bound: on no rank more than 1f1b's first rank, p */
            [SCHEDULE_ZB_H1] = least(s.m, s.p),
        };
        int until_input = kind == SCHEDULE_ZB_H1 ? expected[SCHEDULE_1F1B] : expected[kind];
        assert_int_equal(t.rank[rank].in_flight, expected[kind]);
        assert_int_equal(t.rank[rank].in_flight_input, until_input);
    }
    timeline_free(&t);
    plan_free(&plan);
}

static void in_flight(void **state)
{
    (void)state;
    for_all(in_flight_is_as_on_paper);
}

/* Counted here without plan_check: each (stage, microbatch) once a kind, in
 * ascending order of microbatches; messages only between ranks, each once. */
static void list_is_whole(ScheduleKind kind, Shape s)
{
    Plan plan = lowered(kind, s);
    enum { STAGES = P_MAX * V_MAX };
    int count[ACTION_KINDS][STAGES] = {{0}}, stages = s.v * s.p;
    for (int rank = 0; rank < s.p; rank++)
        for (int i = 0; i < plan.list[rank].count; i++) {
            Action a = plan.list[rank].action[i];
            assert_int_equal(a.stage % s.p, rank);
            assert_int_equal(a.microbatch, count[a.kind][a.stage]++);
        }
    bool split = kind == SCHEDULE_ZB_H1;
    for (int stage = 0; stage < stages; stage++) {
        int to = s.p > 1 && stage < stages - 1 ? s.m : 0, from = s.p > 1 && stage > 0 ? s.m : 0;
        assert_int_equal(count[ACTION_FORWARD][stage], s.m);
        assert_int_equal(count[ACTION_BACKWARD][stage], split ? 0 : s.m);
        assert_int_equal(count[ACTION_INPUT][stage], split ? s.m : 0);
        assert_int_equal(count[ACTION_WEIGHT][stage], split ? s.m : 0);
        assert_int_equal(count[ACTION_SEND_FORWARD][stage], to);
        assert_int_equal(count[ACTION_RECV_BACKWARD][stage], to);
        assert_int_equal(count[ACTION_RECV_FORWARD][stage], from);
        assert_int_equal(count[ACTION_SEND_BACKWARD][stage], from);
    }
    plan_free(&plan);
}

static void lists_are_whole(void **state)
{
    (void)state;
    for_all(list_is_whole);
}

/* The n-th message of a kind from one rank to another is the n-th that the
 * other receives: a network that keeps order suffices. */
static void messages_keep_order(ScheduleKind kind, Shape s)
{
    Plan plan = lowered(kind, s);
    for (int backward = 0; backward < 2; backward++)
        for (int from = 0; from < s.p && s.p > 1; from++) {
            int to = (from + (backward ? s.p - 1 : 1)) % s.p, j = 0;
            ActionKind send = backward ? ACTION_SEND_BACKWARD : ACTION_SEND_FORWARD;
            ActionKind receive = backward ? ACTION_RECV_BACKWARD : ACTION_RECV_FORWARD;
            for (int i = 0; i < plan.list[from].count; i++) {
                Action a = plan.list[from].action[i];
                if (a.kind != send) continue;
                while (j < plan.list[to].count && plan.list[to].action[j].kind != receive) j++;
                assert_true(j < plan.list[to].count);
                Action b = plan.list[to].action[j++];
                assert_int_equal(b.microbatch, a.microbatch);
                assert_int_equal(b.stage, backward ? a.stage - 1 : a.stage + 1);
            }
        }
    plan_free(&plan);
}

static void order_of_messages(void **state)
{
    (void)state;
    for_all(messages_keep_order);
}

static void refused(ScheduleKind kind, Shape shape, const char *reason)
{
    Error error = {""};
    Plan plan;
    assert_false(plan_write(&plan, kind, shape, &error));
    if (!strstr(error.text, reason)) print_error("%s\n", error.text);
    assert_non_null(strstr(error.text, reason));
}

static void what_cannot_run_is_refused(void **state)
{
    (void)state;
    refused(SCHEDULE_INTERLEAVED, (Shape){.v = 2, .p = 4, .m = 6},
            "6 microbatches are not whole groups of 4 (2 left over)");
    refused(SCHEDULE_INTERLEAVED, (Shape){.v = 2, .p = 4, .m = 1}, "1 microbatch is not whole groups of 4");
    refused(SCHEDULE_INTERLEAVED, (Shape){.v = 1, .p = 4, .m = 4}, "has 1, which is 1f1b");
    for (int kind = 0; kind < SCHEDULE_KINDS; kind++) {
        refused((ScheduleKind)kind, (Shape){.v = 2, .p = 4, .m = 0}, "at least one stage a rank");
        if (kind != SCHEDULE_INTERLEAVED)
            refused((ScheduleKind)kind, (Shape){.v = 2, .p = 4, .m = 8}, "runs one stage a rank, not 2");
    }
}

static void text_of(const Schedule *list, char *text, size_t size)
{
    char action[64];
    text[0] = 0;
    for (int i = 0; i < list->count; i++) {
        size_t used = strlen(text);
        action_text(list->action[i], action, sizeof action);
        snprintf(text + used, size - used, "%s%s", used ? " " : "", action);
    }
}

/* Small ones, by hand. */
static void lists_by_hand(void **state)
{
    (void)state;
    static const struct {
        ScheduleKind kind;
        Shape shape;
        int rank;
        const char *list;
    } by_hand[] = {
        {SCHEDULE_NAIVE, {1, 2, 3}, 0, "0F0 0B0 0F1 0B1 0F2 0B2"},
        {SCHEDULE_GPIPE, {1, 2, 3}, 0, "0F0 0F1 0F2 0B0 0B1 0B2"},
        {SCHEDULE_1F1B, {1, 4, 3}, 0, "0F0 0F1 0F2 0B0 0B1 0B2"},
        {SCHEDULE_1F1B, {1, 4, 3}, 2, "2F0 2F1 2B0 2F2 2B1 2B2"},
        {SCHEDULE_INTERLEAVED, {2, 2, 2}, 1, "1F0 1F1 3F0 3B0 3F1 3B1 1B0 1B1"},
        {SCHEDULE_ZB_H1, {1, 4, 4}, 1, "1F0 1F1 1F2 1I0 1F3 1I1 1W0 1I2 1W1 1I3 1W2 1W3"},
        {SCHEDULE_ZB_H1, {1, 4, 4}, 3, "3F0 3I0 3F1 3I1 3F2 3I2 3F3 3I3 3W0 3W1 3W2 3W3"},
        {SCHEDULE_ZB_H1, {1, 4, 2}, 3, "3F0 3I0 3F1 3I1 3W0 3W1"},
    };
    for (size_t i = 0; i < sizeof by_hand / sizeof *by_hand; i++) {
        Schedule list = {0};
        char text[512];
        schedule_write(&list, by_hand[i].kind, by_hand[i].shape, by_hand[i].rank);
        text_of(&list, text, sizeof text);
        assert_string_equal(text, by_hand[i].list);
        schedule_free(&list);
    }
}

static void lowering_by_hand(void **state)
{
    (void)state;
    static const int v_shaped[] = {0, 1, 1, 0}; /* stages 1 and 2 on one rank need no message */
    static const struct {
        DataParallelConfig data;
        const char *before, *after;
    } strategies[] = {
        {{.kind = DATA_DP}, "UNSHARD ", " REDUCE STEP"},
        {{.kind = DATA_DDP}, "", " REDUCE STEP"},
        {{.kind = DATA_ZERO1}, "", " REDUCE STEP UNSHARD"},
        {{.kind = DATA_ZERO2}, "", " REDUCE STEP UNSHARD"},
        {{.kind = DATA_ZERO1, .gather = GATHER_FORWARD}, "UNSHARD ", " REDUCE STEP"},
        {{.kind = DATA_ZERO2, .gather = GATHER_FORWARD}, "UNSHARD ", " REDUCE STEP"},
        {{.kind = DATA_ZERO3}, "", " REDUCE STEP"},
    };
    for (size_t i = 0; i < sizeof strategies / sizeof *strategies; i++) {
        Plan plan;
        char text[1024], expected[1024];
        plan_empty(&plan, (Shape){.v = 2, .p = 2, .m = 1});
        memcpy(plan.rank_of, v_shaped, sizeof v_shaped);
        Schedule *list = &plan.list[1];
        schedule_add(list, ACTION_FORWARD, 1, 0);
        schedule_add(list, ACTION_FORWARD, 2, 0);
        schedule_add(list, ACTION_INPUT, 2, 0);
        schedule_add(list, ACTION_WEIGHT, 2, 0);
        schedule_add(list, ACTION_BACKWARD, 1, 0);
        stages_lower(&plan, &strategies[i].data);
        text_of(list, text, sizeof text);
        snprintf(
            expected, sizeof expected,
            "%sRECV_F of stage 1, microbatch 0 1F0 2F0 SEND_F of stage 2, microbatch 0 RECV_B of stage 2, "
            "microbatch 0 2I0 2W0 1B0 SEND_B of stage 1, microbatch 0%s",
            strategies[i].before, strategies[i].after);
        assert_string_equal(text, expected);
        assert_int_equal(list->action[list->count - 1].stage, -1);
        plan_free(&plan);
    }
}

/* Behind the last forward and what sends it, before what comes back: of one stage or of several. */
static void between_forwards_and_backwards(void **state)
{
    (void)state;
    Plan plan = lowered(SCHEDULE_GPIPE, (Shape){.v = 1, .p = 2, .m = 2});
    char text[1024];
    assert_true(plan_forwards_first(&plan));
    plan_add_between(&plan, ACTION_BALANCE);
    text_of(&plan.list[0], text, sizeof text);
    assert_string_equal(text,
                        "0F0 SEND_F of stage 0, microbatch 0 0F1 SEND_F of stage 0, microbatch 1 BALANCE "
                        "RECV_B of stage 0, microbatch 0 0B0 RECV_B of stage 0, microbatch 1 0B1");
    assert_int_equal(plan.list[0].action[4].stage, 0);
    text_of(&plan.list[1], text, sizeof text);
    assert_string_equal(text,
                        "RECV_F of stage 1, microbatch 0 1F0 RECV_F of stage 1, microbatch 1 1F1 BALANCE "
                        "1B0 SEND_B of stage 1, microbatch 0 1B1 SEND_B of stage 1, microbatch 1");
    plan_free(&plan);
    plan = lowered(SCHEDULE_INTERLEAVED, (Shape){.v = 2, .p = 1, .m = 1});
    assert_true(plan_forwards_first(&plan));
    plan_add_between(&plan, ACTION_BALANCE);
    text_of(&plan.list[0], text, sizeof text);
    assert_string_equal(text, "0F0 1F0 BALANCE 1B0 0B0");
    assert_int_equal(plan.list[0].action[2].stage, -1);
    Schedule *list = &plan.list[0];
    list->action[1].overlapped = true; /* with 1B0 */
    assert_false(plan_forwards_first(&plan));
    plan_free(&plan);
}

static void forwards_first(ScheduleKind kind, Shape s)
{
    Plan plan = lowered(kind, s);
    assert_true(plan_forwards_first(&plan) == (kind == SCHEDULE_GPIPE || s.m == 1));
    plan_free(&plan);
}

static void which_have_all_forwards_first(void **state)
{
    (void)state;
    for_all(forwards_first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_by_hand),
        cmocka_unit_test(lowering_by_hand),
        cmocka_unit_test(between_forwards_and_backwards),
        cmocka_unit_test(which_have_all_forwards_first),
        cmocka_unit_test(lists_are_whole),
        cmocka_unit_test(order_of_messages),
        cmocka_unit_test(bubbles),
        cmocka_unit_test(in_flight),
        cmocka_unit_test(what_cannot_run_is_refused),
    };
    return cmocka_run_group_tests_name("schedules", tests, NULL, NULL);
}
