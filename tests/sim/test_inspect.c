/* test_inspect.c - what sim inspect and sim diff are made of: a tensor in pieces, how far numbers are apart, and that a
 * checkpoint is refused of which any part is missing, of another shape, or not as it was written. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parallel/collectives/collectives.h"
#include "sim/base/posix.h"
#include "sim/base/standard.h"
#include "sim/inspect/apart.h"
#include "sim/inspect/diff.h"
#include "sim/inspect/held.h"
#include "sim/inspect/pieces.h"
#include "sim/run/checkpoint_save.h"
#include "tests/support/case.h"
#include "tests/support/check.h"
#include "tests/support/damage.h"
#include "tests/support/folder.h"

static uint64_t damaged = 60;
static char folder[FOLDER], path[FOLDER + 16], copy[FOLDER + 16];

/* Each value once, in their order, and never more than a piece holds. */
static void pieces_have_each_value_once(void **state)
{
    (void)state;
    static const struct {
        int rank;
        size_t dims[2];
    } shapes[] = {{1, {0}},
                  {1, {1}},
                  {1, {PIECE}},
                  {1, {2 * PIECE + 3}},
                  {2, {3, 0}},
                  {2, {0, 3}},
                  {2, {1, 1}},
                  {2, {5, 7}},
                  {2, {PIECE + 1, 1}},
                  {2, {3, PIECE}},
                  {2, {3, PIECE + 1}},
                  {2, {1000, 1000}},
                  {2, {7, PIECE / 2 + 1}}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        const Array a = {.rank = shapes[s].rank, .dims = {shapes[s].dims[0], shapes[s].dims[1]}};
        const size_t columns = a.dims[a.rank - 1];
        size_t next = 0;
        for (ArrayPieces p = pieces_of(&a); pieces_next(&p); next += p.count) {
            assert_int_equal(p.first, next);
            assert_int_equal(p.slab.row * columns + p.slab.column, next);
            assert_int_equal(p.slab.rows * p.slab.columns, p.count);
            assert_true(p.count >= 1 && p.count <= PIECE);
            assert_true(p.slab.rows == 1 || p.slab.columns == columns);
            assert_true(p.slab.column + p.slab.columns <= columns);
        }
        assert_int_equal(next, array_values(&a));
    }
}

static void apart_is_the_largest_difference(void **state)
{
    (void)state;
    const double nan = (double)NAN, infinite = HUGE_VAL, a[] = {1, -8, nan, infinite, 3},
                 b[] = {1.5, -8, nan, infinite, 2};
    Apart x = {0};
    apart_add(&x, 10, a, b, 3);
    apart_add(&x, 13, a + 3, b + 3, 2);
    assert_int_equal(x.values, 5);
    assert_int_equal(x.differ, 2);
    assert_int_equal(x.at, 14);
    assert_true(x.largest == 1 && x.scale == 8 && x.a == 3 && x.b == 2);
    assert_true(apart_relative(&x) == 0.125);
    assert_true(apart_is(&x, &(DiffOptions){.within = 0}));
    assert_true(apart_is(&x, &(DiffOptions){.within = 0.12}));
    assert_false(apart_is(&x, &(DiffOptions){.within = 0.125}));
    apart_add(&x, 15, &nan, a, 1); /* no number beside one is as far as can be */
    assert_true(isinf(x.largest) && x.at == 15 && apart_is(&x, &(DiffOptions){.within = 1e300}));
    Apart zero = {0};
    apart_add(&zero, 0, (double[]){0}, (double[]){1e-30}, 1); /* a part of nothing is all */
    assert_true(apart_is(&zero, &(DiffOptions){.within = 1}));
    assert_false(apart_is(&(Apart){0}, &(DiffOptions){.within = 0}));
}

/* ---- a checkpoint ---- */

static void save(Trainer *t, const StepResult *result, void *context)
{
    (void)result;
    (void)context;
    Saved saved;
    Error error;
    Group *world = group_world(t->comm, CHANNELS);
    if (!checkpoint_save(t, world, path, t->step + 1, "test", &saved, &error)) fail("%s", error.text);
    group_free(world);
}

static int make(void **state)
{
    (void)state;
    if (folder_make(folder)) return -1;
    snprintf(path, sizeof path, "%s/ck.h5", folder);
    snprintf(copy, sizeof copy, "%s/copy.h5", folder);
    Case c = case_of_words(1, "model.layers=1 train.optimizer=adam");
    c.look = save;
    const bool ran = case_virtual(&c, 1);
    case_free(&c);
    return ran ? 0 : -1;
}

static int clear(void **state)
{
    (void)state;
    return folder_remove(folder);
}

static void copy_again(void)
{
    Error error;
    remove(copy);
    if (!files_copy(path, copy, &error)) fail_msg("%s", error.text);
}

static void is_refused(const char *says)
{
    Held held;
    Error error = {.text = "taken"};
    const bool taken = held_open(&held, copy, &error);
    if (taken) held_close(&held);
    if (taken || !strstr(error.text, says)) print_error("not \"%s\": %s\n", says, error.text);
    assert_true(!taken && strstr(error.text, says) && strstr(error.text, copy));
}

static void a_checkpoint_is_read_as_it_was_written(void **state)
{
    (void)state;
    Held held;
    Error error;
    if (!held_open(&held, path, &error)) fail_msg("%s", error.text);
    assert_int_equal(held.kind, SCHEMA_CHECKPOINT);
    assert_int_equal(held.state.step, 1);
    assert_int_equal(held.real, sizeof(real) == sizeof(double) ? H5_F64 : H5_F32);
    size_t parts[3] = {0};
    for (size_t i = 0; i < held.arrays.count; i++) {
        const char *name = held.arrays.array[i].path;
        parts[0] += strncmp(name, "/model/", 7) == 0;
        parts[1] += strncmp(name, "/optimizer/adam_m/", 18) == 0;
        parts[2] += strncmp(name, "/optimizer/adam_v/", 18) == 0;
    }
    assert_true(parts[0] > 10 && parts[1] == parts[0] && parts[2] == parts[0]);
    held_close(&held);
}

/* The byte so far behind where a text begins, of which there is one in the file, is another one. */
static void change_byte(const char *text, size_t behind)
{
    size_t bytes;
    FILE *file = fopen(copy, "r+b");
    char *all = files_read(file, SIZE_MAX, &bytes), *at = memmem(all, bytes, text, strlen(text));
    assert_true(at && !memmem(at + 1, bytes - (size_t)(at + 1 - all), text, strlen(text)));
    fseek(file, at + behind - all, SEEK_SET);
    fputc(at[behind] ^ 1, file);
    fclose(file);
    free(all);
}

/* Of each tensor there is a row, and what the file has of that is refused with its name. */
static void a_checksum_that_is_damaged_is_refused(void **state)
{
    (void)state;
    const Remade row = {.type = AS_ROW, .rank = 1, .dims = {48}}, none = {.type = AS_INTEGERS, .rank = 0};
    copy_again();
    change_byte("/model/ln_f.bias", CHECKPOINT_PATH + 7);
    is_refused("tensor /model/ln_f.bias is not as it was written: its checksum is ");
    copy_again();
    change_byte("/optimizer/adam_v/ln_f.bias", 26);
    is_refused("tensor /optimizer/adam_v/ln_f.bias is not as it was written: its checksum is ");
    is_refused(", not there; try an earlier checkpoint");
    copy_again();
    damage_dataset(copy, "/checksums", NULL);
    is_refused("cannot read /checksums: ");
    copy_again();
    damage_dataset(copy, "/checksums", &row);
    is_refused("/checksums is [48] of 8-byte rows; [48] of 104-byte rows was expected");
    copy_again();
    damage_dataset(copy, "/checksums", &none);
    is_refused("/checksums is a scalar of 8-byte integers; [0] of 104-byte rows was expected");
}

static void a_checkpoint_in_part_is_refused(void **state)
{
    (void)state;
    const Remade shorter = {.type = sizeof(real) == sizeof(double) ? AS_NUMBERS : AS_FLOATS,
                            .rank = 1,
                            .dims = {3}},
                 other = {.type = AS_INTEGERS, .rank = 1, .dims = {3}};
    static const char bias[] = "/model/ln_f.bias", state_of_it[] = "/optimizer/adam_v/ln_f.bias";
    Dice dice = {.state = 1};
    copy_again();
    damage_dataset(copy, state_of_it, NULL);
    is_refused("it has no /optimizer/adam_v/ln_f.bias in the shape of /model/ln_f.bias");
    copy_again();
    damage_dataset(copy, bias, NULL);
    is_refused("it has no /model/ln_f.bias in the shape of /optimizer/adam_m/ln_f.bias");
    copy_again();
    damage_dataset(copy, state_of_it, &shorter);
    is_refused("it has no /optimizer/adam_v/ln_f.bias in the shape of");
    copy_again();
    damage_dataset(copy, bias, &other);
    is_refused("/model/ln_f.bias is [3] of 8-byte integers");
    copy_again();
    damage_values(copy, bias, &dice);
    is_refused("tensor /model/ln_f.bias is not as it was written: its checksum is ");
    copy_again();
    damage_values(copy, state_of_it, &dice);
    is_refused("tensor /optimizer/adam_v/ln_f.bias is not as it was written");
    copy_again();
    damage_dataset(copy, bias, NULL);
    damage_dataset(copy, "/optimizer/adam_m/ln_f.bias", NULL);
    damage_dataset(copy, state_of_it, NULL);
    is_refused("it has 48 checksums of 45 tensors");
    copy_again();
    damage_group(copy, "/model");
    is_refused("it has no /model/h.0.attn.c_attn.bias in the shape of");
    damage_group(copy, "/optimizer");
    is_refused("it has no tensor in /model");
    copy_again();
    damage_text(copy, "/config", "train.optimizer", "lion");
    is_refused("its train.optimizer is lion, which this sim has not");
    copy_again();
    damage_text(copy, "/", "precision", "fp8");
    is_refused("precision is neither fp32 nor fp64");
    copy_again();
    damage_number(copy, "/", "step", -1);
    is_refused("its attribute step is missing or no count");
    copy_again();
    damage_text(copy, "/", "schema", "sim-soup/1");
    is_refused("not a file of this sim: its attribute schema is \"sim-soup/1\"; try a run's file");
    copy_again();
    damage_text(copy, "/", "schema", "sim-weights/2");
    is_refused("not a file of this sim: its attribute schema is \"sim-weights/2\"; try a run's file");
    copy_again();
    damage_text(copy, "/", "schema", "sim-run/6");
    is_refused("cannot read /timeline");
}

static bool same_state(const CheckpointState *a, const CheckpointState *b)
{
    return a->step == b->step && a->updates == b->updates && a->next_sample == b->next_sample &&
           a->fine == b->fine && a->loss_scale == b->loss_scale && a->scaled == b->scaled &&
           a->data == b->data && strcmp(a->run, b->run) == 0;
}

/* Bytes changed, zeroed or cut off anywhere: refused in a line that names the file, or nothing that counts was hit. */
static void damaged_anywhere_it_is_refused_or_as_it_was(void **state)
{
    (void)state;
    int refused = 0;
    Held whole;
    Error error;
    assert_true(held_open(&whole, path, &error));
    for (uint64_t i = 0; i < damaged; i++) {
        Dice dice = {.state = 7u << 20 | i};
        Held held;
        char words[DAMAGE_WORDS];
        copy_again();
        damage_bytes(copy, &dice, words);
        if (!held_open(&held, copy, &error)) {
            if (!strstr(error.text, copy)) fail_msg("%s: %s", words, error.text);
            refused++;
            continue;
        }
        if (held.kind != SCHEMA_CHECKPOINT || !same_state(&held.state, &whole.state) ||
            held.arrays.count != whole.arrays.count)
            fail_msg("%s: taken for another", words);
        held_close(&held);
    }
    held_close(&whole);
    print_message("# %d of %d refused\n", refused, (int)damaged);
    assert_true(2 * refused > (int)damaged);
}

/* A tensor that has no value, as another's file may have one, has no place where two are farthest apart. */
static void an_empty_tensor_is_equal(void **state)
{
    (void)state;
    char empty[FOLDER + 16];
    Error error;
    snprintf(empty, sizeof empty, "%s/empty.h5", folder);
    H5 *file = h5_create(empty, &error);
    const H5Array array = {
        .path = "/none", .units = "1", .long_name = "nothing", .kind = H5_F32, .rank = 1, .grows = true};
    if (!file || !h5_array(file, &array, &error) || !h5_close(file, &error)) fail_msg("%s", error.text);
    char *words[] = {"diff", empty, empty, "--all", NULL};
    assert_int_equal(diff_command(4, words), STATUS_OK);
}

/* test_inspect [DAMAGED] */
int main(int argc, char **argv)
{
    if (argc > 1) damaged = strtoull(argv[1], NULL, 10);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_have_each_value_once),
        cmocka_unit_test(apart_is_the_largest_difference),
        cmocka_unit_test(a_checkpoint_is_read_as_it_was_written),
        cmocka_unit_test(a_checkpoint_in_part_is_refused),
        cmocka_unit_test(a_checksum_that_is_damaged_is_refused),
        cmocka_unit_test(damaged_anywhere_it_is_refused_or_as_it_was),
        cmocka_unit_test(an_empty_tensor_is_equal),
    };
    return cmocka_run_group_tests(tests, make, clear);
}
