/* test_run_file_refusals.c - which run files the reader refuses, and in which words. Their checksums are right where
 * they can be, so that nothing but the structure tells. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "parallel/wire/purpose.h"
#include "sim/file/layout.h"
#include "sim/file/run_file.h"
#include "sim/file/schema.h"
#include "tests/support/check.h"
#include "tests/support/damage.h"
#include "tests/support/sample_run.h"

static void test_structure(void **state)
{
    const SamplePlace *place = *state;
    const uint64_t ranks = SAMPLE_RANKS, steps = SAMPLE_STEPS, huge = 1ull << 40;
    const struct {
        const char *object;
        Remade as;
        const char *said;
    } cases[] = {
        /* shorter than its ranks, purposes, categories or steps: once read past its end */
        {"/comm/theory_bytes",
         {.type = AS_NUMBERS, .rank = 2, .dims = {ranks - 1, 1}},
         "/comm/theory_bytes is [3, 1] of 8-byte floats; [4, "},
        {"/memory/theory",
         {.type = AS_NUMBERS, .rank = 2, .dims = {0, 6}},
         "/memory/theory is [0, 6] of 8-byte floats; [4, 6] of 8-byte"},
        {"/steps/tokens_per_second",
         {.type = AS_NUMBERS, .rank = 1, .dims = {steps - 1}},
         "/steps/tokens_per_second is [11] of"},
        {"/comm/bytes_sent",
         {.type = AS_COUNTS, .rank = 3, .dims = {steps, ranks, 1}},
         "/comm/bytes_sent is [12, 4, 1] of"},
        {"/comm/bytes_sent",
         {.type = AS_COUNTS, .rank = 2, .dims = {steps, ranks}},
         "/comm/bytes_sent is [12, 4] of"},
        {"/pipeline/bubble_ratio_simulated",
         {.type = AS_NUMBERS, .rank = 1, .dims = {0}},
         "/pipeline/bubble_ratio_simulated is [0] of"},
        /* longer: once written past the stack */
        {"/pipeline/bubble_ratio_theory",
         {.type = AS_NUMBERS, .rank = 1, .dims = {100000}},
         "/pipeline/bubble_ratio_theory is [100000] of 8-byte floats; a scalar of 8-byte floats was "
         "expected"},
        /* without end */
        {"/comm/bytes_sent",
         {.type = AS_COUNTS, .rank = 3, .dims = {huge, ranks, 1}, .sparse = true},
         "/comm/bytes_sent is [1099511627776, 4"},
        {"/step",
         {.type = AS_INTEGERS, .rank = 1, .dims = {huge}, .sparse = true},
         "/step is [1099511627776] of 8-byte integers that are compressed or not all in the file"},
        {"/action",
         {.type = AS_INTEGERS, .rank = 1, .dims = {huge}, .sparse = true},
         "/action is [1099511627776] of 8-byte integers; "},
        {"/purpose",
         {.type = AS_TEXT, .rank = 1, .dims = {huge}, .sparse = true},
         "/purpose is [1099511627776] of 16-byte texts; a row of 1 to 256"},
        /* of another type */
        {"/purpose",
         {.type = AS_ANY_TEXT, .rank = 1, .dims = {PURPOSES}},
         "] of texts of variable length; a row of 1 to 256 texts"},
        {"/config/ini",
         {.type = AS_ANY_TEXT, .rank = 0, .dims = {0}},
         "/config/ini is a scalar of texts of variable length; 1 to 1 texts"},
        {"/steps/loss",
         {.type = AS_ANY_TEXT, .rank = 1, .dims = {steps}},
         "/steps/loss is [12] of texts of variable length; [12] of 8-byte floats"},
        {"/steps/loss",
         {.type = AS_SEQUENCE, .rank = 1, .dims = {steps}},
         "/steps/loss is [12] of 16-byte sequences; "},
        {"/steps/loss",
         {.type = AS_REFERENCE, .rank = 1, .dims = {steps}},
         "/steps/loss is [12] of 8-byte references; "},
        {"/steps/loss",
         {.type = AS_FLOATS, .rank = 1, .dims = {steps}},
         "/steps/loss is [12] of 4-byte floats; [12] of 8-byte floats"},
        {"/steps/tokens",
         {.type = AS_COUNTS, .rank = 1, .dims = {steps}},
         "/steps/tokens is [12] of 8-byte unsigned integers; [12] of 8-byte integers was"},
        {"/timeline/actions",
         {.type = AS_ROW, .rank = 1, .dims = {SAMPLE_ACTIONS}},
         "/timeline/actions is [24] of 8-byte rows; [24] of"},
        {"/checksums", {.type = AS_ROW, .rank = 1, .dims = {3}}, "/checksums is [3] of 8-byte rows; "},
        /* not as they are */
        {"/steps/loss",
         {.type = AS_NUMBERS, .rank = 1, .dims = {steps}, .compressed = true},
         "/steps/loss is [12] of 8-byte floats that are compressed or not all"},
        {"/purpose",
         {.type = AS_TEXT, .rank = 1, .dims = {PURPOSES}},
         "name 0 of /purpose is empty or not of plain letters"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sample_copy(place);
        damage_dataset(place->copy, cases[i].object, &cases[i].as);
        if (!cases[i].as.sparse) damage_seal(place->copy); /* of what has no end there is no checksum */
        sample_refused(place, cases[i].said);
    }
}

/* Names of control characters, and of none. */
static void test_names(void **state)
{
    const SamplePlace *place = *state;
    for (int i = 0; i < LAYOUT_NAMES; i++) {
        char said[96];
        Dice dice = {(uint64_t)i};
        sample_copy(place);
        damage_values(place->copy, layout_names[i].path, &dice);
        damage_seal(place->copy);
        snprintf(said, sizeof said, "name 0 of %s is empty or not of plain letters", layout_names[i].path);
        sample_refused(place, said);
    }
}

static void test_missing(void **state)
{
    const SamplePlace *place = *state;
    char said[128];
    for (int i = 0; i < LAYOUT_DATASETS + LAYOUT_NAMES; i++) {
        const char *object =
            i < LAYOUT_DATASETS ? layout_datasets[i].path : layout_names[i - LAYOUT_DATASETS].path;
        sample_copy(place);
        damage_dataset(place->copy, object, NULL);
        snprintf(said, sizeof said, "cannot read %s: object '%s' doesn't exist", object,
                 strrchr(object, '/') + 1);
        sample_refused(place, said);
    }
    sample_copy(place);
    damage_group(place->copy, "/steps/loss");
    sample_refused(place, "cannot read /steps/loss: not a dataset");
    sample_copy(place);
    damage_link_to(place->copy, "/steps/loss", place->whole);
    sample_refused(place, "cannot read /steps/loss: it is a link to another file");
    sample_copy(place);
    damage_dataset(place->copy, "/config", NULL);
    sample_refused(place, "cannot read /config: object 'config' doesn't exist");
}

static void test_attributes(void **state)
{
    const SamplePlace *place = *state;
    const struct {
        const char *object, *name;
        double value;
        const char *said;
    } numbers[] = {
        {"/", "ranks", 0, "the attribute ranks of / is 0, not 1 to 16777216"},
        {"/", "ranks", 1e300, "the attribute ranks of / is 1e+300, not 1 to 16777216"},
        {"/", "ranks", 1.5, "the attribute ranks of / is 1.5, not 1 to 16777216"},
        {"/", "ranks", 8, ": 4 ranks are recorded of 8; is the file damaged?"},
        {"/", "complete", 2, "the attribute complete of / is 2, not 0 to 1"},
        {"/", "dry", -1, "the attribute dry of / is -1, not 0 to 1"},
        {"/", "given_rows", 2, "the attribute given_rows of / is 2, not 0 to 1"},
        {"/", "parameters", NAN, "the attribute parameters of / is nan, not 0 to"},
        {"/", "entropy", HUGE_VAL, "the attribute entropy of / is inf, which no data has"},
        {"/", "entropy", -1, "the attribute entropy of / is -1, which no data has"},
        {"/timeline", "step", -2, "the attribute step of /timeline is -2, not -1 to"},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        sample_copy(place);
        damage_number(place->copy, numbers[i].object, numbers[i].name, numbers[i].value);
        sample_refused(place, numbers[i].said);
    }
    sample_copy(place);
    damage_text(place->copy, "/", "ranks", "4");
    sample_refused(place, "the attribute ranks of / is missing or no number");
    damage_pair(place->copy, "/", "ranks");
    sample_refused(place, "the attribute ranks of / is missing or no number");
    damage_any_text(place->copy, "/", "schema", schema_name[SCHEMA_RUN]);
    sample_refused(
        place, "its attribute schema is missing, or of variable length as in files before sim-run/6; record");
    damage_text(place->copy, "/", "schema", "sim-run/3");
    sample_refused(place, "recorded by another version of sim: its attribute schema is \"sim-run/3\", not "
                          "\"sim-run/6\"; record the run again");
}

/* Steps are counted from 0. */
static void test_steps(void **state)
{
    const SamplePlace *place = *state;
    Dice dice = {3};
    sample_copy(place);
    damage_values(place->copy, "/step", &dice);
    damage_seal(place->copy);
    sample_refused(place, "row 0 of /step is ");
}

/* What a file says of its config is shown on a terminal, whoever made the file. */
static void test_control_bytes(void **state)
{
    const SamplePlace *place = *state;
    char text[64];
    sample_copy(place);
    damage_text(place->copy, "/config", "parallel.data", "\033[31mzero9\nsim: all is well");
    damage_text(place->copy, "/", "precision", "\007fp4");
    damage_seal(place->copy);
    RunFile *run = run_file_open(place->copy, NULL);
    assert_non_null(run);
    assert_true(run_file_config(run, "parallel.data", text, sizeof text));
    assert_string_equal(text, "?[31mzero9?sim: all is well");
    assert_string_equal(run->precision, "?fp4");
    run_file_close(run);
}

/* A grid that the ranks do not make up, and counts that are none. */
static void test_config(void **state)
{
    const SamplePlace *place = *state;
    static const char *const cases[][3] = {
        {"parallel.pp", "3", "parallel.pp = 3 times parallel.tp = 1 does not divide 4 ranks"},
        {"parallel.pp", "-2", "parallel.pp is -2 in /config, which is no count"},
        {"parallel.tp", "4294967297", "parallel.tp is 4294967297 in /config, which is no count"},
        {"train.microbatch", "two\n", "train.microbatch is two? in /config, which is no count"},
        {"train.global_batch", "1e9", "train.global_batch is 1e9 in /config, which is no count"},
        {"parallel.virtual_stages", "99999999999999999999", "which is no count"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sample_copy(place);
        damage_text(place->copy, "/config", cases[i][0], cases[i][1]);
        damage_seal(place->copy);
        sample_refused(place, cases[i][2]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_structure, sample_setup, sample_teardown),
        cmocka_unit_test_setup_teardown(test_names, sample_setup, sample_teardown),
        cmocka_unit_test_setup_teardown(test_missing, sample_setup, sample_teardown),
        cmocka_unit_test_setup_teardown(test_attributes, sample_setup, sample_teardown),
        cmocka_unit_test_setup_teardown(test_steps, sample_setup, sample_teardown),
        cmocka_unit_test_setup_teardown(test_control_bytes, sample_setup, sample_teardown),
        cmocka_unit_test_setup_teardown(test_config, sample_setup, sample_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
