/* test_run_file.c - the one reader of run files: what it hands out, and that no change of a complete run goes
 * unseen. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/file/h5.h"
#include "sim/file/layout.h"
#include "sim/file/run_file.h"
#include "tests/support/check.h"
#include "tests/support/damage.h"
#include "tests/support/sample_run.h"

/* ---- what it hands out ---- */

static void check_facts(const RunFile *run, bool complete)
{
    char text[64];
    assert_true(run->complete == complete && !run->dry);
    assert_int_equal(run->ranks, SAMPLE_RANKS);
    assert_true(run->parameters == 106240 && run->entropy == 1.5 && run->timed_step == SAMPLE_STEPS - 1);
    assert_string_equal(run->precision, sample_half() ? "fp16" : "fp64");
    assert_int_equal(run->shape.mesh.pp, 2);
    assert_int_equal(run->shape.mesh.dp, 2);
    assert_string_equal(run->shape.data, "zero3");
    assert_int_equal(run->steps, SAMPLE_STEPS);
    assert_int_equal(run->rows, complete ? SAMPLE_STEPS : 2 * SAMPLE_STEPS);
    assert_int_equal(run->actions, SAMPLE_ACTIONS);
    for (int i = 0; i < LAYOUT_NAMES; i++) {
        const LayoutNames *n = &layout_names[i];
        char **name = n->axis == 'p'   ? run->purpose
                      : n->axis == 'c' ? run->category
                      : n->axis == 'b' ? run->part
                      : n->axis == 'l' ? run->route
                                       : run->kind;
        for (size_t k = 0; k < n->count; k++) assert_string_equal(name[k], n->name(k));
    }
    assert_true(run_file_config(run, "parallel.data", text, sizeof text));
    assert_string_equal(text, "zero3");
    assert_false(run_file_config(run, "no.such", text, sizeof text));
    assert_string_equal(text, "");
}

static void check_rows(const RunFile *run)
{
    Error error = {""};
    double one = 0, *loss = run_file_first(run, "/steps/loss", run->steps, &error);
    for (size_t i = 0; i < run->steps; i++) assert_true(loss[i] == 4 - 0.1 * (double)i);
    free(loss);
    double *bytes = calloc(2 * run->purposes * SAMPLE_RANKS, sizeof *bytes);
    assert_true(run_file_rows(run, "/comm/bytes_sent", run->steps - 2, 2, bytes, &error));
    for (size_t i = 0; i < 2 * run->purposes * SAMPLE_RANKS; i++)
        assert_true(bytes[i] == (double)(1000 + i % (run->purposes * SAMPLE_RANKS)));
    assert_false(run_file_rows(run, "/comm/bytes_sent", run->rows - 1, 2, bytes, &error));
    assert_non_null(strstr(error.text, " of /comm/bytes_sent were asked for; it has "));
    assert_false(run_file_rows(run, "/comm/theory_bytes", 1, (size_t)-1, bytes, &error));
    assert_non_null(strstr(error.text, " of /comm/theory_bytes were asked for; it has 4"));
    free(bytes);
    assert_true(run_file_rows(run, "/pipeline/bubble_ratio_theory", 0, 1, &one, &error) && one == 0.5);
    TimelineRow *row = run_file_actions(run, &error);
    assert_true(row[5].rank == 1 && row[5].simulated_start == 1 && row[5].measured_compute == 0.5);
    assert_string_equal(row[5].action, "B");
    assert_string_equal(row[5].lane, "compute");
    free(row);
}

/* As those of a dry run that did not end. */
static void rows_that_nobody_wrote_are_of_no_rank(void **state)
{
    const SamplePlace *place = *state;
    const TimelineRow nothing = {.rank = 0};
    Error error = {""};
    sample_run(place->copy, false);
    H5 *file = h5_edit(place->copy, &error);
    assert_true(h5_table_write(file, layout_actions, layout_action_row(false), 5, 1, &nothing, &error));
    assert_true(h5_close(file, &error));
    RunFile *run = run_file_open(place->copy, &error);
    assert_string_equal(error.text, "");
    TimelineRow *row = run_file_actions(run, &error);
    assert_true(row[4].rank == 0 && row[5].rank == -1 && row[6].rank == 2);
    free(row);
    run_file_close(run);
}

/* Nor what actions held of a run that ended before it wrote which step they are of. */
static void what_was_held_is_unknown_before_a_step_is_named(void **state)
{
    const SamplePlace *place = *state;
    const TimelineRow one = {.rank = 3, .action = "F", .lane = "compute", .held = 1 << 20};
    Error error = {""};
    for (int named = 0; named < 2; named++) {
        sample_run(place->copy, false);
        H5 *file = h5_edit(place->copy, &error);
        assert_true(h5_table_write(file, layout_actions, layout_action_row(false), 5, 1, &one, &error));
        assert_true(named || h5_set_integer(file, "/timeline", "step", -1, &error));
        assert_true(h5_close(file, &error));
        RunFile *run = run_file_open(place->copy, &error);
        assert_string_equal(error.text, "");
        TimelineRow *row = run_file_actions(run, &error);
        double *held, *peak;
        assert_true((row == NULL) == (named == 1));
        if (row) {
            assert_true(row[5].rank == 3 && row[5].held == -1);
            assert_true(run_file_memory(run, row, &held, &peak, &error) && peak[5] == 0);
            free(held);
            free(peak);
        }
        free(row);
        run_file_close(run);
    }
    assert_non_null(strstr(error.text, "row 5 of /timeline/actions held what row 1048576 of "));
}

/* An action tells of what it held by the number of a row. */
static void rows_that_are_not_there_are_refused(void **state)
{
    const SamplePlace *place = *state;
    const int32_t numbers[] = {-1, SAMPLE_ACTIONS, INT32_MAX};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const TimelineRow held = {.action = "F", .held = numbers[i]};
        char said[96];
        Error error = {""};
        sample_run(place->copy, false);
        H5 *file = h5_edit(place->copy, &error);
        assert_true(h5_table_write(file, layout_actions, layout_action_row(false), 5, 1, &held, &error));
        assert_true(h5_close(file, &error));
        RunFile *run = run_file_open(place->copy, &error);
        assert_string_equal(error.text, "");
        assert_null(run_file_actions(run, &error));
        snprintf(said, sizeof said, "row 5 of /timeline/actions held what row %d of %d says", numbers[i],
                 SAMPLE_ACTIONS);
        assert_non_null(strstr(error.text, said));
        run_file_close(run);
    }
}

static void test_reads(void **state)
{
    const SamplePlace *place = *state;
    Error error = {""};
    for (int complete = 0; complete < 2; complete++) {
        sample_run(place->copy, complete);
        RunFile *run = run_file_open(place->copy, &error);
        assert_string_equal(error.text, "");
        check_facts(run, complete);
        check_rows(run);
        run_file_close(run);
    }
}

/* ---- checksums ---- */

static void unlike(const SamplePlace *place, const char *object)
{
    char said[96];
    snprintf(said, sizeof said, "%s is not as the run left it: its checksum is ", object);
    sample_refused(place, said);
}

static void test_values_changed(void **state)
{
    const SamplePlace *place = *state;
    static const char *const texts[] = {"/timeline/actions", "/config/ini"};
    for (int i = 0; i < LAYOUT_DATASETS + 2; i++) {
        const char *object = i < LAYOUT_DATASETS ? layout_datasets[i].path : texts[i - LAYOUT_DATASETS];
        sample_copy(place);
        Dice dice = {(uint64_t)i};
        damage_values(place->copy, object, &dice);
        unlike(place, object);
    }
    sample_copy(place);
    Dice dice = {0};
    damage_values(place->copy, "/checksums", &dice);
    sample_refused(place, "row 0 of /checksums is not /'s");
}

/* The least change there is: one bit of one value. */
static void test_bit_changed(void **state)
{
    const SamplePlace *place = *state;
    Error error = {""};
    for (int bit = 0; bit < 64; bit++) {
        sample_copy(place);
        uint64_t tokens = 64 ^ 1ull << bit;
        H5 *file = h5_edit(place->copy, &error);
        assert_true(h5_write(file, "/steps/tokens", 7, 1, H5_I64, &tokens, &error));
        assert_true(h5_close(file, &error));
        unlike(place, "/steps/tokens");
        RunFile *looked_at = run_file_look(place->copy, &error);
        assert_non_null(looked_at); /* who does not ask does not see it */
        run_file_close(looked_at);
    }
}

static void test_attributes_changed(void **state)
{
    const SamplePlace *place = *state;
    static const char *const cases[][3] = {
        {"/config", "train.seed", "2"}, {"/config", "model.init", "x.h5"},
        {"/", "precision", "fp8"},      {"/", "created", "2001-01-01T00:00:00Z"},
        {"/steps/loss", "units", "s"},  {"/comm/bytes_sent", "long_name", "bytes received"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sample_copy(place);
        damage_text(place->copy, cases[i][0], cases[i][1], cases[i][2]);
        unlike(place, cases[i][0]);
    }
    sample_copy(place);
    damage_no_attribute(place->copy, "/config", "train.seed");
    unlike(place, "/config");
    sample_copy(place);
    damage_number(place->copy, "/timeline", "step", 3);
    unlike(place, "/timeline");
}

/* What lies elsewhere in the file, and elsewhere than it lay, is the same run. */
static void test_unchanged(void **state)
{
    const SamplePlace *place = *state;
    Error error = {""};
    sample_copy(place);
    const Remade note = {.type = AS_NUMBERS, .rank = 1, .dims = {3}};
    damage_dataset(place->copy, "/note", &note);
    RunFile *run = run_file_open(place->copy, &error);
    assert_string_equal(error.text, "");
    run_file_close(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_reads, sample_setup, sample_teardown),
        cmocka_unit_test_setup_teardown(rows_that_nobody_wrote_are_of_no_rank, sample_setup, sample_teardown),
        cmocka_unit_test_setup_teardown(what_was_held_is_unknown_before_a_step_is_named, sample_setup,
                                        sample_teardown),
        cmocka_unit_test_setup_teardown(rows_that_are_not_there_are_refused, sample_setup, sample_teardown),
        cmocka_unit_test_setup_teardown(test_values_changed, sample_setup, sample_teardown),
        cmocka_unit_test_setup_teardown(test_bit_changed, sample_setup, sample_teardown),
        cmocka_unit_test_setup_teardown(test_attributes_changed, sample_setup, sample_teardown),
        cmocka_unit_test_setup_teardown(test_unchanged, sample_setup, sample_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
