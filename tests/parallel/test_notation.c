/* test_notation.c - schedules in PyTorch's notation, there and back, every
 * refusal with its line and cell; and the grid, drawn by hand. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parallel/schedule/draw_text.h"
#include "parallel/schedule/notation.h"
#include "tests/support/check.h"
#include "tests/support/dual_pipe_v.h"
#include "tests/support/lowered.h"

static char *written(const Plan *plan)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    notation_write(plan, out);
    fclose(out);
    return text;
}

static bool reads(Plan *plan, const char *text, Error *error)
{
    return notation_read(plan, text, (int64_t)strlen(text), "user.csv", error);
}

static bool same(const Schedule *a, const Schedule *b)
{
    bool equal = a->count == b->count;
    for (int i = 0; equal && i < a->count; i++) {
        Action x = a->action[i], y = b->action[i];
        equal = x.kind == y.kind && x.stage == y.stage && x.microbatch == y.microbatch &&
                x.overlapped == y.overlapped;
    }
    return equal;
}

static void there_and_back(void **state)
{
    (void)state;
    for (int kind = 0; kind < SCHEDULE_KINDS; kind++)
        for (int p = 1; p <= 6; p++)
            for (int m = 1; m <= 13; m++)
                for (int v = 1; v <= 3; v++) {
                    Plan plan, again;
                    Error error = {""};
                    Shape shape = {.v = v, .p = p, .m = m};
                    if (!plan_write(&plan, (ScheduleKind)kind, shape, &error)) continue;
                    char *text = written(&plan);
                    assert_true(reads(&again, text, &error));
                    assert_memory_equal(&again.shape, &plan.shape, sizeof shape);
                    assert_memory_equal(again.rank_of, plan.rank_of, (size_t)plan.stages * sizeof(int));
                    assert_false(again.lowered);
                    for (int rank = 0; rank < p; rank++)
                        assert_true(same(&again.list[rank], &plan.list[rank]));
                    plan_lower_messages(&plan); /* what is not computed is not written */
                    char *all = written(&plan);
                    assert_string_equal(all, text);
                    free(all);
                    free(text);
                    plan_free(&plan);
                    plan_free(&again);
                }
}

/* Empty cells, spaces, Windows line ends; both middle stages on one rank. */
static void a_users_own(void **state)
{
    (void)state;
    static const int v_shape[] = {0, 1, 1, 0};
    Plan plan;
    Error error;
    assert_true(reads(&plan, "0F0,,,3F0, 3I0 ,3W0,,0B0\r\n,1F0,2F0,,,2B0,1B0,\r\n\r\n", &error));
    assert_true(plan.shape.v == 2 && plan.shape.p == 2 && plan.shape.m == 1 && plan.stages == 4);
    assert_memory_equal(plan.rank_of, v_shape, sizeof v_shape);
    char *text = written(&plan);
    assert_string_equal(text, "0F0,3F0,3I0,3W0,0B0\n1F0,2F0,2B0,1B0\n");
    free(text);
    plan_free(&plan);
}

static void dual_pipe_v(void **state)
{
    (void)state;
    Plan plan;
    Error error;
    const int v_shape[] = {0, 1, 2, 3, 3, 2, 1, 0}, pairs[] = {9, 10, 11, 11};
    assert_true(reads(&plan, DUAL_PIPE_V, &error));
    assert_true(plan.shape.v == 2 && plan.shape.p == 4 && plan.shape.m == 10);
    assert_memory_equal(plan.rank_of, v_shape, sizeof v_shape);
    for (int lower = 0; lower < 2; lower++) { /* what moves between them parts no pair */
        for (int rank = 0; rank < 4; rank++) {
            const Schedule *list = &plan.list[rank];
            int found = 0;
            for (int i = 0; i < list->count; i++) {
                if (!list->action[i].overlapped) continue;
                int next = schedule_overlapped_with(list, i);
                assert_int_equal(list->action[i].kind, ACTION_FORWARD);
                assert_true(next > i && list->action[next].kind == ACTION_BACKWARD);
                found++;
            }
            assert_int_equal(found, pairs[rank]);
        }
        char *text = written(&plan);
        assert_string_equal(text, DUAL_PIPE_V);
        free(text);
        if (!lower) plan_lower_messages(&plan);
    }
    Timeline t = walked(&plan, (Ideal){.forward = 0.5, .backward = 1, .input = 0.5, .weight = 0.5});
    assert_true(t.end == 31.5);
    for (int rank = 0; rank < 4; rank++) {
        assert_true(t.rank[rank].idle == 1.5 && t.rank[rank].wire == 0);
        assert_true(fabs(t.rank[rank].bubble - 1. / 21) < 1e-15);
    }
    timeline_free(&t);
    plan_free(&plan);
}

/* What a spreadsheet makes of it is the same schedule. */
static void spreadsheets(void **state)
{
    (void)state;
    static const char *const same_as[] = {
        "\xEF\xBB\xBF(0F0;0B0)OVERLAP_F_B,0F1,0B1",
        "\"(0F0;0B0)OVERLAP_F_B\",\"0F1\", \" 0B1 \"\r\n",
        "\xEF\xBB\xBF\"(0F0;0B0)OVERLAP_F_B\",\"\",0F1,\"0B1\",,\n",
        "\t(0F0;0B0)OVERLAP_F_B ,\"\" , 0F1,0B1",
    };
    for (size_t i = 0; i < sizeof same_as / sizeof *same_as; i++) {
        Plan plan;
        Error error = {""};
        if (!reads(&plan, same_as[i], &error)) print_error("%s\n", error.text);
        assert_string_equal(error.text, "");
        char *text = written(&plan);
        assert_string_equal(text, "(0F0;0B0)OVERLAP_F_B,0F1,0B1\n");
        free(text);
        plan_free(&plan);
    }
}

static void refused(const char *text, int64_t bytes, const char *reason)
{
    Plan plan;
    Error error = {""};
    assert_false(notation_read(&plan, text, bytes, "user.csv", &error));
    if (!strstr(error.text, reason)) print_error("%s\n", error.text);
    assert_non_null(strstr(error.text, reason));
    for (const char *c = error.text; *c; c++) assert_true(*c >= ' ' && *c <= '~');
}

/* Nothing of it reaches a terminal as it is, and a NUL ends nothing. */
static void unprintable(void **state)
{
    (void)state;
    static const char nul[] = "0F0,0B0\0,0F1,0B1", nul_alone[] = "\0",
                      utf16[] = "\xFF\xFE"
                                "0\0F\0"
                                "0\0";
    refused(nul, sizeof nul - 1, "line 1, cell 2: \"0B0?\" is not a stage");
    refused(nul_alone, 1, "line 1, cell 1: \"?\" is not");
    refused(utf16, sizeof utf16 - 1, "user.csv: it is in UTF-16; try to save it as UTF-8");
    static const struct {
        const char *text, *reason;
    } bad[] = {
        {"0F0,0\x1b[31mB0", "cell 2: \"0?[31mB0\" is not a stage"},
        {"0F0,0\x7f"
         "B0",
         "\"0?B0\""},
        {"0F0,\xEF\xBB\xBF"
         "0B0",
         "\"?0B0\""}, /* the mark elsewhere than at the start */
        {"0F0,\xC2\xA0"
         "0B0",
         "\"?0B0\""}, /* a blank that is none */
        {"0F0,\xE2\x80\x8B"
         "0B0",
         "\"?0B0\""}, /* one without width */
        {"0F0,\xC2\x9B"
         "31m0B0",
         "\"?31m0B0\""}, /* a control sequence in one character */
        {"0F0,\x9B"
         "31m0B0",
         "\"?31m0B0\""}, /* or in one byte */
        {"0F0,\xE2\x80\xAE"
         "0B0",
         "\"?0B0\""},                              /* right to left */
        {"0F0,\xC0\xAF\xED\xA0\x80", "\"?????\""}, /* no UTF-8 */
        {"0F0,\"0B0", "line 1, cell 2: \"\"0B0\" is not a stage"},
        {"\"0F0,0B0\"", "line 1, cell 1: \"0F0,0B0\" is not a stage"},
        {"0F0\t0B0", "line 1, cell 1: \"0F0?0B0\" are cells with tabs between them; try commas"},
        {"0F0\r0B0", "cell 1: \"0F0?0B0\""},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refused(bad[i].text, (int64_t)strlen(bad[i].text), bad[i].reason);
}

static void refusals_name_line_and_cell(void **state)
{
    (void)state;
    static const struct {
        const char *text, *reason;
    } bad[] = {
        {"", "no schedule in it"},
        {" \n\n", "no schedule in it"},
        {"0F0,0X0", "line 1, cell 2: \"0X0\" is not a stage"},
        {"0F0,\n,,F0", "line 2, cell 3: \"F0\" is not a stage"},
        {"0F", "line 1, cell 1: \"0F\""},
        {"0F0 0B0", "line 1, cell 1: \"0F0 0B0\""},
        {"-1F0", "line 1, cell 1: \"-1F0\""},
        {"0F1234567,0B0", "line 1, cell 1: \"0F1234567\""},
        {"0SEND_F0", "line 1, cell 1: \"0SEND_F0\""},
        {"0F0,0B999999", "microbatches up to 999999 need at least 2000000 actions, and there are 2"},
        {"999999F0,0B0", "stages up to 999999"},
        {"0F0,0B0\n1F0,,0B1", "line 2, cell 3: stage 0 is on line 1 already"},
        {"0F0,0B0\n\n1F0,1B0", "line 2: this rank has nothing to do"},
        {"0F0,0B0,2F0,2B0\n1F0,1B0",
         "line 2: ranks hold equally many stages, and this one 1 where line 1 has 2"},
        {"0F0,0B0\n2F0,2B0", "stage 1 is on no line"},
        {"0F0,0B0,,0F0", "line 1, cell 4: 0F0 repeats"},
        {"0F0,0B0,0B0", "line 1, cell 3: 0B0 repeats"},
        {"0F0,0I0,0B0", "line 1, cell 3: 0B0 repeats"},
        {"0F0,0B0,0W0", "line 1, cell 3: 0W0 repeats"},
        {",0B0,0F0", "line 1, cell 2: 0B0 comes before 0F0"},
        {"0F0,0W0,0I0", "line 1, cell 2: 0W0 comes before 0I0"},
        {"0F0,0F1,0B0", "line 1: stage 0 never runs microbatch 1's B"},
        {"0F0,0F1,0B0,0I1", "line 1: stage 0 never runs microbatch 1's W"},
        {"0F1,0B1", "line 1: stage 0 never runs microbatch 0's F"},
        {"1F0,0F0,1B0,0B0", "line 1, cell 1: 1F0 comes before its input, the output of stage 0"},
        {"0F0,1F0,0B0,1B0", "line 1, cell 3: 0B0 comes before the gradient of its output, from stage 1"},
        {"0F0,(0B0;0F1)OVERLAP_F_B,0B1",
         "line 1, cell 2: \"(0B0;0F1)OVERLAP_F_B\" is not a forward and a backward that overlap, such as "
         "(0F7;7B3)OVERLAP_F_B"},
        {"0F0;0F1;0B0", "line 1, cell 1: \"0F0;0F1;0B0\" are cells with ; between them; try commas"},
        {"0F0,(0F1;0B0)OVERLAP_B_F,0B1", "cell 2: \"(0F1;0B0)OVERLAP_B_F\" is not a forward"},
        {"0F0,(0F1;0B0),0B1", "cell 2: \"(0F1;0B0)\" is not a forward"},
        {"0F0,(0F1;0B0;0F2)OVERLAP_F_B", "cell 2: \"(0F1;0B0;0F2)OVERLAP_F_B\" is not a forward"},
        {"0F0,(0F1)OVERLAP_F_B", "cell 2: \"(0F1)OVERLAP_F_B\" is not a forward"},
        {"0F0,()OVERLAP_F_B", "\"()OVERLAP_F_B\" is not a forward"},
        {"0F0,(0F1;)OVERLAP_F_B", "\"(0F1;)OVERLAP_F_B\" is not a forward"},
        {"0F0,(0F1;0B0OVERLAP_F_B", "\"(0F1;0B0OVERLAP_F_B\" is not a forward"},
        {"0F0,0F1;0B0)OVERLAP_F_B", "\"0F1;0B0)OVERLAP_F_B\" is not a forward"},
        {"0F0,OVERLAP_F_B", "\"OVERLAP_F_B\" is not a stage"},
        {"0F0,(0F1;0B0)OVERLAP_F_BB", "\"(0F1;0B0)OVERLAP_F_BB\" is not a forward"},
        {"0F0,(0F1;0F2)OVERLAP_F_B", "\"(0F1;0F2)OVERLAP_F_B\" is not a forward"},
        {"0F0,(0F1;0I0)OVERLAP_F_B", "\"(0F1;0I0)OVERLAP_F_B\" is not a forward"},
        {"0F0,((0F1;0B0))OVERLAP_F_B", "\"((0F1;0B0))OVERLAP_F_B\" is not a forward"},
        {"0F0,(0F1;0B0)OVERLAP_F_B,0F1", "line 1, cell 3: 0F1 repeats"},
        {"0F0,(0F1;0B1)OVERLAP_F_B,0B1", "line 1, cell 3: 0B1 repeats"},
        {"(0F0;1B0)OVERLAP_F_B,1F0,0B0", "line 1, cell 1: 1B0 comes before 1F0"},
        {"0F0,0F1,0B0,0B1\n1F0,1F1,1B1,1B0", ""}, /* another order: legal */
        {"0F0,0B0,0F1,0B1\n1F0,1F1,1B0,1B1", ""}, /* a deadlock: only a walk tells */
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Plan plan;
        Error error = {""};
        bool good = reads(&plan, bad[i].text, &error);
        if (good != !*bad[i].reason || !strstr(error.text, bad[i].reason))
            print_error("\"%s\": %s\n", bad[i].text, error.text);
        assert_true(good == !*bad[i].reason);
        assert_non_null(strstr(error.text, bad[i].reason));
        if (!good) assert_int_equal(strncmp(error.text, "user.csv: ", 10), 0);
        if (good) plan_free(&plan);
    }
}

/* One character changed anywhere: read or refused, and what is read is what it says. */
static void mistyped(void **state)
{
    (void)state;
    static const char typed[] = "0123FBIW,\n ;";
    Plan plan;
    Error error;
    assert_true(plan_write(&plan, SCHEDULE_ZB_H1, (Shape){.v = 1, .p = 3, .m = 4}, &error));
    char *text = written(&plan);
    plan_free(&plan);
    int refused = 0, accepted = 0;
    for (size_t at = 0; text[at]; at++)
        for (const char *c = typed; *c; c++) {
            char was = text[at];
            text[at] = *c;
            error.text[0] = 0;
            if (reads(&plan, text, &error)) {
                accepted++;
                plan_free(&plan);
            } else {
                refused++;
                assert_true(error.text[0] != 0);
            }
            text[at] = was;
        }
    assert_true(refused > 8 * accepted);
    free(text);
}

/* More than any plan can be is refused as soon as it is seen, without room being made for it. */
static void too_many(void **state)
{
    (void)state;
    enum { MANY = 4 << 20, CELL = 4 };
    char *text = malloc((size_t)MANY * CELL);
    for (int i = 0; i < MANY; i++) memcpy(text + (size_t)i * CELL, "0F0,", CELL);
    refused(text, (int64_t)MANY * CELL,
            "line 1, cell 3145729: more actions than a schedule can have, 3145728");
    for (int i = 0; i < MANY; i++) text[i * CELL + 3] = '\n';
    refused(text, (int64_t)MANY * CELL,
            "user.csv: 4194304 lines, one a rank, are more than a schedule can have, 1048576");
    free(text);
}

static void grid_is(const Plan *plan, int columns, const char *expected)
{
    char *text = NULL;
    size_t size;
    Timeline timeline = walked(plan, (Ideal){.forward = 1, .backward = 2, .input = 1, .weight = 1});
    FILE *out = open_memstream(&text, &size);
    draw_text(plan, &timeline, columns, out);
    fclose(out);
    timeline_free(&timeline);
    assert_string_equal(text, expected);
    free(text);
}

static void grid_of(ScheduleKind kind, Shape shape, int columns, const char *expected)
{
    Plan plan = lowered(kind, shape);
    grid_is(&plan, columns, expected);
    plan_free(&plan);
}

static void grids_by_hand(void **state)
{
    (void)state;
    const Shape shape = {.v = 1, .p = 2, .m = 3}, four = {.v = 1, .p = 4, .m = 4};
    grid_of(SCHEDULE_1F1B, shape, 100,
            "rank 0  F0 F1 .  .  B0--- F2 B1--- .  B2---\n"
            "rank 1  .  F0 B0--- F1 B1--- F2 B2--- .  .\n");
    grid_of(SCHEDULE_ZB_H1, four, 100,
            "rank 0  F0 F1 F2 F3 .  .  .  I0 W0 I1 W1 I2 W2 I3 W3\n"
            "rank 1  .  F0 F1 F2 .  .  I0 F3 I1 W0 I2 W1 I3 W2 W3\n"
            "rank 2  .  .  F0 F1 .  I0 F2 I1 F3 I2 W0 I3 W1 W2 W3\n"
            "rank 3  .  .  .  F0 I0 F1 I1 F2 I2 F3 I3 W0 W1 W2 W3\n");
    grid_of(SCHEDULE_INTERLEAVED, (Shape){.v = 2, .p = 2, .m = 2}, 100,
            "rank 0  0F0 0F1 2F0 2F1 .   .   2B0---- .   2B1---- 0B0---- 0B1----\n"
            "rank 1  .   1F0 1F1 3F0 3B0---- 3F1 3B1---- 1B0---- 1B1---- .   .\n");
    /* the cut goes through rank 1's B0, and is said */
    grid_of(SCHEDULE_GPIPE, shape, 22,
            "rank 0  F0 F1 F2 .  .\n"
            "rank 1  .  F0 F1 F2 B0-\n"
            "5 of 12 slots shown; the other 7 need 43 columns\n");
}

/* A pair is one, but where a wait parts it. */
static void pairs_by_hand(void **state)
{
    (void)state;
    static const char *const own[][2] = {
        {"0F0,(0F1;0B0)OVERLAP_F_B,0B1\n1F0,1B0,1F1,1B1\n", "rank 0  F0 F1 .  .  B0--- .  B1---\n"
                                                            "rank 1  .  F0 B0--- F1 B1--- .  .\n"},
        {"0F0,0F1,0B0,0B1\n1F0,(1F1;1B0)OVERLAP_F_B,1B1\n", "rank 0  F0 F1 .  .  .  B0--- B1---\n"
                                                            "rank 1  .  F0 (F1;B0)- B1--- .  .\n"},
    };
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        Plan plan;
        Error error;
        assert_true(reads(&plan, own[i][0], &error));
        plan_lower_messages(&plan);
        grid_is(&plan, 100, own[i][1]);
        plan_free(&plan);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back), cmocka_unit_test(a_users_own),
        cmocka_unit_test(dual_pipe_v),    cmocka_unit_test(spreadsheets),
        cmocka_unit_test(unprintable),    cmocka_unit_test(refusals_name_line_and_cell),
        cmocka_unit_test(mistyped),       cmocka_unit_test(grids_by_hand),
        cmocka_unit_test(pairs_by_hand),  cmocka_unit_test(too_many),
    };
    return cmocka_run_group_tests_name("notation", tests, NULL, NULL);
}
