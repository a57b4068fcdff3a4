/* test_run_file.c - the one reader of run files: what it hands out, what it refuses and in which words, and that no
 * change of a complete run goes unseen. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parallel/wire/purpose.h"
#include "sim/base/posix.h"
#include "sim/file/h5.h"
#include "sim/file/layout.h"
#include "sim/file/run_file.h"
#include "tests/support/check.h"
#include "tests/support/damage.h"
#include "tests/support/folder.h"
#include "tests/support/sample_run.h"

/* A whole run, and the copy of it that a test changes. */
typedef struct Place {
    char folder[FOLDER], whole[FOLDER + 16], copy[FOLDER + 16];
} Place;

static int setup(void **state)
{
    Place *place = calloc(1, sizeof *place);
    if (!place || folder_make(place->folder)) return -1;
    snprintf(place->whole, sizeof place->whole, "%s/whole.h5", place->folder);
    snprintf(place->copy, sizeof place->copy, "%s/run.h5", place->folder);
    sample_run(place->whole, true);
    *state = place;
    return 0;
}

static int teardown(void **state)
{
    Place *place = *state;
    const int status = folder_remove(place->folder);
    free(place);
    return status;
}

static void copy(const Place *place)
{
    assert_true(files_copy(place->whole, place->copy, NULL));
}

/* The copy is refused with a line that names it and has `part` in it. */
static void refused(const Place *place, const char *part)
{
    Error error = {""};
    RunFile *run = run_file_open(place->copy, &error);
    if (run) fail_msg("read, and not refused: %s", part);
    if (!strstr(error.text, part) || !strstr(error.text, place->copy))
        fail_msg("'%s' has no '%s'", error.text, part);
    assert_null(strchr(error.text, '\n'));
}

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
        char **name = n->axis == 'p' ? run->purpose : n->axis == 'c' ? run->category : run->part;
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

static void test_reads(void **state)
{
    const Place *place = *state;
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

/* ---- what it refuses: files whose checksums are right, so that nothing but the structure tells ---- */

static void test_structure(void **state)
{
    const Place *place = *state;
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
         "/pipeline/bubble_ratio_theory is [100000] of 8-byte floats; one number of 8-byte floats was "
         "expected"},
        /* without end */
        {"/comm/bytes_sent",
         {.type = AS_COUNTS, .rank = 3, .dims = {huge, ranks, 1}, .sparse = true},
         "/comm/bytes_sent is [1099511627776, 4"},
        {"/step",
         {.type = AS_INTEGERS, .rank = 1, .dims = {huge}, .sparse = true},
         "/step is [1099511627776] of 8-byte integers, which are not"},
        {"/action",
         {.type = AS_INTEGERS, .rank = 1, .dims = {huge}, .sparse = true},
         "/action is [1099511627776] of 8-byte integers; "},
        {"/purpose",
         {.type = AS_TEXT, .rank = 1, .dims = {huge}, .sparse = true},
         "/purpose is [1099511627776] of 16-byte texts; a row of 1 to 256"},
        /* of another type */
        {"/purpose",
         {.type = AS_ANY_TEXT, .rank = 1, .dims = {PURPOSES}},
         "/purpose is [21] of texts of variable length; a row of 1 to 256 texts"},
        {"/config/ini",
         {.type = AS_ANY_TEXT, .rank = 0, .dims = {0}},
         "/config/ini is one number of texts of variable length; 1 to 1 texts"},
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
         "/steps/tokens is [12] of 8-byte integers; a row of other fields"},
        {"/timeline/actions",
         {.type = AS_ROW, .rank = 1, .dims = {SAMPLE_ACTIONS}},
         "/timeline/actions is [24] of 8-byte rows; [24] of"},
        {"/checksums", {.type = AS_ROW, .rank = 1, .dims = {3}}, "/checksums is [3] of 8-byte rows; "},
        /* not as they are */
        {"/steps/loss",
         {.type = AS_NUMBERS, .rank = 1, .dims = {steps}, .compressed = true},
         "/steps/loss is [12] of 8-byte floats, which are not all"},
        {"/purpose",
         {.type = AS_TEXT, .rank = 1, .dims = {PURPOSES}},
         "name 0 of /purpose is empty or not of plain letters"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        copy(place);
        damage_dataset(place->copy, cases[i].object, &cases[i].as);
        if (!cases[i].as.sparse) damage_seal(place->copy); /* of what has no end there is no checksum */
        refused(place, cases[i].said);
    }
}

/* Names of control characters, and of none. */
static void test_names(void **state)
{
    const Place *place = *state;
    for (int i = 0; i < LAYOUT_NAMES; i++) {
        char said[96];
        Dice dice = {(uint64_t)i};
        copy(place);
        damage_values(place->copy, layout_names[i].path, &dice);
        damage_seal(place->copy);
        snprintf(said, sizeof said, "name 0 of %s is empty or not of plain letters", layout_names[i].path);
        refused(place, said);
    }
}

static void test_missing(void **state)
{
    const Place *place = *state;
    char said[128];
    for (int i = 0; i < LAYOUT_DATASETS + LAYOUT_NAMES; i++) {
        const char *object =
            i < LAYOUT_DATASETS ? layout_datasets[i].path : layout_names[i - LAYOUT_DATASETS].path;
        copy(place);
        damage_dataset(place->copy, object, NULL);
        snprintf(said, sizeof said, "cannot read %s: object '%s' doesn't exist", object,
                 strrchr(object, '/') + 1);
        refused(place, said);
    }
    copy(place);
    damage_group(place->copy, "/steps/loss");
    refused(place, "cannot read /steps/loss: not a dataset");
    copy(place);
    damage_dataset(place->copy, "/config", NULL);
    refused(place, "cannot read /config: object 'config' doesn't exist");
}

static void test_attributes(void **state)
{
    const Place *place = *state;
    const struct {
        const char *object, *name;
        double value;
        const char *said;
    } numbers[] = {
        {"/", "ranks", 0, "the attribute ranks of / is 0, not 1 to 16777216"},
        {"/", "ranks", 1e300, "the attribute ranks of / is 1e+300, not 1 to 16777216"},
        {"/", "ranks", 1.5, "the attribute ranks of / is 1.5, not 1 to 16777216"},
        {"/", "ranks", 8, "/rank is [4] of 4-byte integers; [8] of"},
        {"/", "complete", 2, "the attribute complete of / is 2, not 0 to 1"},
        {"/", "dry", -1, "the attribute dry of / is -1, not 0 to 1"},
        {"/", "parameters", NAN, "the attribute parameters of / is nan, not 0 to"},
        {"/timeline", "step", -2, "the attribute step of /timeline is -2, not -1 to"},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        copy(place);
        damage_number(place->copy, numbers[i].object, numbers[i].name, numbers[i].value);
        refused(place, numbers[i].said);
    }
    copy(place);
    damage_text(place->copy, "/", "ranks", "4");
    refused(place, "the attribute ranks of / is missing or no number");
    damage_pair(place->copy, "/", "ranks");
    refused(place, "the attribute ranks of / is missing or no number");
    damage_any_text(place->copy, "/", "schema", layout_schema);
    refused(place,
            "its attribute schema is missing, or of variable length as in files before sim-run/2; record");
    damage_text(place->copy, "/", "schema", "sim-run/3");
    refused(place, "its attribute schema is \"sim-run/3\", not \"sim-run/2\"");
}

/* A grid that the ranks do not make up, and counts that are none. */
static void test_config(void **state)
{
    const Place *place = *state;
    static const char *const cases[][3] = {
        {"parallel.pp", "3", "parallel.pp = 3 times parallel.tp = 1 does not divide 4 ranks"},
        {"parallel.pp", "-2", "parallel.pp is -2 in /config, which is no count"},
        {"parallel.tp", "4294967297", "parallel.tp is 4294967297 in /config, which is no count"},
        {"train.microbatch", "two\n", "train.microbatch is two? in /config, which is no count"},
        {"train.global_batch", "1e9", "train.global_batch is 1e9 in /config, which is no count"},
        {"parallel.virtual_stages", "99999999999999999999", "which is no count"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        copy(place);
        damage_text(place->copy, "/config", cases[i][0], cases[i][1]);
        damage_seal(place->copy);
        refused(place, cases[i][2]);
    }
}

/* ---- checksums ---- */

static void unlike(const Place *place, const char *object)
{
    char said[96];
    snprintf(said, sizeof said, "%s is not as the run left it: its checksum is ", object);
    refused(place, said);
}

static void test_values_changed(void **state)
{
    const Place *place = *state;
    static const char *const texts[] = {"/timeline/actions", "/config/ini"};
    for (int i = 0; i < LAYOUT_DATASETS + 2; i++) {
        const char *object = i < LAYOUT_DATASETS ? layout_datasets[i].path : texts[i - LAYOUT_DATASETS];
        copy(place);
        Dice dice = {(uint64_t)i};
        damage_values(place->copy, object, &dice);
        unlike(place, object);
    }
    copy(place);
    Dice dice = {0};
    damage_values(place->copy, "/checksums", &dice);
    refused(place, "row 0 of /checksums is not /'s");
}

/* The least change there is: one bit of one value. */
static void test_bit_changed(void **state)
{
    const Place *place = *state;
    Error error = {""};
    for (int bit = 0; bit < 64; bit++) {
        copy(place);
        uint64_t tokens = 64 ^ 1ull << bit;
        H5 *file = h5_edit(place->copy, &error);
        assert_true(h5_write(file, "/steps/tokens", 7, 1, H5_I64, &tokens, &error));
        assert_true(h5_close(file, &error));
        unlike(place, "/steps/tokens");
    }
}

static void test_attributes_changed(void **state)
{
    const Place *place = *state;
    static const char *const cases[][3] = {
        {"/config", "train.seed", "2"}, {"/config", "model.init", "x.h5"},
        {"/", "precision", "fp8"},      {"/", "created", "2001-01-01T00:00:00Z"},
        {"/steps/loss", "units", "s"},  {"/comm/bytes_sent", "long_name", "bytes received"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        copy(place);
        damage_text(place->copy, cases[i][0], cases[i][1], cases[i][2]);
        unlike(place, cases[i][0]);
    }
    copy(place);
    damage_no_attribute(place->copy, "/config", "train.seed");
    unlike(place, "/config");
    copy(place);
    damage_number(place->copy, "/timeline", "step", 3);
    unlike(place, "/timeline");
}

/* What lies elsewhere in the file, and elsewhere than it lay, is the same run. */
static void test_unchanged(void **state)
{
    const Place *place = *state;
    Error error = {""};
    copy(place);
    const Remade note = {.type = AS_NUMBERS, .rank = 1, .dims = {3}};
    damage_dataset(place->copy, "/note", &note);
    RunFile *run = run_file_open(place->copy, &error);
    assert_string_equal(error.text, "");
    run_file_close(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_reads, setup, teardown),
        cmocka_unit_test_setup_teardown(test_structure, setup, teardown),
        cmocka_unit_test_setup_teardown(test_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_missing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_attributes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_config, setup, teardown),
        cmocka_unit_test_setup_teardown(test_values_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bit_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_attributes_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unchanged, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
