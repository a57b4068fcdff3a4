/* test_weights_file.c - whose files are taken as weights, by what names, and what is refused: another kind of file or
 * of number, values that are no finite numbers, and a head that a tied model would lose. And that to read one costs the
 * simulated device nothing. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "models/machine/error.h"
#include "sim/file/weights.h"
#include "sim/file/weights_check.h"
#include "sim/run/carry_weights.h"
#include "tests/support/case.h"
#include "tests/support/check.h"
#include "tests/support/damage.h"
#include "tests/support/folder.h"

static char folder[FOLDER], path[FOLDER + 16];
static const GptShape SMALL = {.layers = 2,
                               .hidden = 6,
                               .heads = 2,
                               .kv_heads = 2,
                               .ffn = 10,
                               .vocab = 11,
                               .sequence = 5,
                               .norm = NORM_LAYERNORM,
                               .activation = ACTIVATION_GELU,
                               .position = POSITION_LEARNED,
                               .bias = true,
                               .tie_embeddings = true};

/* What a file has otherwise than sim writes it. */
typedef struct Oddity {
    const char *schema; /* NULL: none */
    Naming naming;
    bool head;          /* lm_head.weight, a copy of the embedding */
    const char *tensor; /* whose element `at` is `value`, or which is of another kind */
    size_t at;
    double value;
    bool integers;
    const char *without; /* a tensor that is not there */
    const char *extra;   /* one of three numbers that is */
} Oddity;

static void put(H5 *file, const Oddity *odd, const char *name, int rank, const size_t *dims)
{
    Error error;
    if (odd->without && strcmp(odd->without, name + 1) == 0) return;
    size_t count = rank > 1 ? dims[0] * dims[1] : dims[0];
    bool is_odd = odd->tensor && strcmp(odd->tensor, name + 1) == 0;
    H5Array array = {.path = name, .units = "1", .long_name = "parameter", .kind = H5_F64, .rank = rank};
    if (is_odd && odd->integers) array.kind = H5_I32;
    memcpy(array.dims, dims, (size_t)rank * sizeof *dims);
    double *values = allocate(count * sizeof *values);
    for (size_t i = 0; i < count; i++) values[i] = (double)i / 64; /* exact in every type */
    if (is_odd && !odd->integers) values[odd->at] = odd->value;
    assert_true(h5_array(file, &array, &error));
    assert_true(h5_write(file, name, 0, dims[0], H5_F64, values, &error));
    free(values);
}

static void write_file(const Gpt *gpt, const Oddity *odd)
{
    Error error;
    H5 *file = h5_create(path, &error);
    assert_non_null(file);
    if (odd->schema) assert_true(h5_set_text(file, "/", "schema", odd->schema, &error));
    size_t dims[H5_MAX_RANK];
    FileTensor tensor[CUT_PARTS];
    for (int i = 0; i < gpt->parameters; i++)
        for (int k = file_tensors(odd->naming, &gpt->parameter[i], tensor); k-- > 0;)
            put(file, odd, tensor[k].path, weights_shape(&gpt->parameter[i], &tensor[k], dims), dims);
    for (int i = 0; i < gpt->buffers; i++) {
        file_tensors(odd->naming, &gpt->buffer[i], tensor);
        put(file, odd, tensor->path, weights_shape(&gpt->buffer[i], tensor, dims), dims);
    }
    if (odd->extra) {
        char name[80];
        snprintf(name, sizeof name, "/%s", odd->extra);
        put(file, &(Oddity){0}, name, 1, (size_t[]){3}); /* in the place of one that is not there, perhaps */
    }
    file_tensors(odd->naming, &gpt->parameter[0], tensor);
    if (odd->head) put(file, odd, "/lm_head.weight", weights_shape(&gpt->parameter[0], tensor, dims), dims);
    assert_true(h5_close(file, &error));
}

/* Taken when `says` is NULL, with the embedding's values; else refused with this line. */
static void expect(const GptShape *shape, DType dtype, const Oddity *odd, const char *says)
{
    Error error = {0};
    Device device = {0};
    Gpt *gpt = gpt_new(&(GptOptions){.shape = shape, .device = &device, .dtype = dtype});
    write_file(gpt, odd);
    H5 *file = weights_open(path, gpt, &error);
    if (says) {
        assert_null(file);
        assert_string_equal(error.text, says);
    } else {
        if (!file) fail_msg("%s", error.text);
        const Parameter *wte = &gpt->parameter[0];
        real *values = allocate((size_t)parameter_whole_count(wte) * sizeof *values);
        weights_read(file, shape, wte, values);
        for (int64_t i = 0; i < parameter_whole_count(wte); i++) assert_true(values[i] == (real)i / 64);
        free(values);
        h5_close(file, NULL);
    }
    gpt_free(gpt);
}

static void names_of_a_language_model(void **state)
{
    (void)state;
    GptShape untied = SMALL;
    GptShape llama = {.layers = 2,
                      .hidden = 8,
                      .heads = 4,
                      .kv_heads = 2,
                      .ffn = 10,
                      .vocab = 11,
                      .sequence = 5,
                      .norm = NORM_RMSNORM,
                      .activation = ACTIVATION_SWIGLU,
                      .position = POSITION_ROPE,
                      .tie_embeddings = true};
    untied.tie_embeddings = false;
    expect(&SMALL, REAL, &(Oddity){.naming = NAMES_GPT2}, NULL);
    expect(&SMALL, REAL, &(Oddity){.naming = NAMES_GPT2_LM}, NULL);
    expect(&SMALL, REAL, &(Oddity){.naming = NAMES_GPT2_LM, .head = true}, NULL);
    expect(&untied, REAL, &(Oddity){.naming = NAMES_GPT2_LM}, NULL);
    expect(&llama, REAL, &(Oddity){.naming = NAMES_LLAMA_LM, .head = true}, NULL);
    expect(&llama, REAL, &(Oddity){.naming = NAMES_LLAMA}, NULL);
    expect(
        &llama, REAL, &(Oddity){.naming = NAMES_GPT2},
        "tensor 'wte.weight' is one of GPT-2's, this model's have Llama's names; try model.norm, activation, "
        "position and bias as in the file, or a preset of its family");
    expect(&SMALL, REAL, &(Oddity){.naming = NAMES_LLAMA},
           "tensor 'embed_tokens.weight' is one of LlamaModel's, this model's have GPT-2's names; try "
           "model.norm, activation, position and bias as in the file, or a preset of its family");
    llama.tie_embeddings = false; /* a bare model has no head */
    expect(&llama, REAL, &(Oddity){.naming = NAMES_LLAMA, .without = "lm_head.weight"},
           "tensor 'lm_head.weight' is missing; try a file of a model with a head, or model.tie_embeddings = "
           "yes");
    expect(&llama, REAL, &(Oddity){.naming = NAMES_LLAMA_LM, .without = "model.norm.weight"},
           "tensor 'model.norm.weight' is missing; try a file with Hugging Face's Llama names");
}

/* Experts by Mixtral's names or DeepSeek's, whichever of them sim would write. */
static void names_of_experts(void **state)
{
    (void)state;
    static const Naming namings[] = {NAMES_LLAMA, NAMES_LLAMA_LM, NAMES_MIXTRAL, NAMES_MIXTRAL_LM};
    GptShape shape = {.layers = 2,
                      .hidden = 8,
                      .heads = 4,
                      .kv_heads = 2,
                      .ffn = 10,
                      .vocab = 11,
                      .sequence = 5,
                      .norm = NORM_RMSNORM,
                      .activation = ACTIVATION_SWIGLU,
                      .position = POSITION_ROPE,
                      .tie_embeddings = true};
    expect(&shape, REAL, &(Oddity){.naming = NAMES_MIXTRAL_LM}, NULL); /* without experts the same */
    shape.experts = (ExpertsShape){.count = 3, .top_k = 2, .ffn = 6, .every = 1, .groups = 1, .scale = 1};
    for (int mixtral = 0; mixtral < 2; mixtral++) {
        shape.experts.normalise = mixtral, shape.experts.first_dense = !mixtral;
        for (size_t i = 0; i < sizeof namings / sizeof *namings; i++)
            expect(&shape, REAL, &(Oddity){.naming = namings[i]}, NULL);
    }
    expect(&shape, REAL,
           &(Oddity){.naming = NAMES_MIXTRAL_LM,
                     .without = "model.layers.1.block_sparse_moe.experts.2.w3.weight"},
           "tensor 'model.layers.1.block_sparse_moe.experts.2.w3.weight' is missing; try [moe] as in the "
           "file, or a file with Hugging Face's Mixtral names");
    expect(&shape, REAL,
           &(Oddity){.naming = NAMES_MIXTRAL_LM, .without = "model.layers.0.block_sparse_moe.gate.weight"},
           "tensor 'model.layers.0.block_sparse_moe.gate.weight' is missing; try [moe] as in the file, or a "
           "file with Hugging Face's Mixtral names");
}

/* Other experts than the model's, or where it has none, are told from other names. */
static void other_experts(void **state)
{
    (void)state;
    GptShape shape = SMALL;
    expect(&SMALL, REAL, &(Oddity){.without = "h.1.mlp.c_fc.weight"},
           "tensor 'h.1.mlp.c_fc.weight' is missing; try a file with Hugging Face's GPT-2 names");
    expect(&SMALL, REAL, &(Oddity){.without = "h.1.mlp.c_fc.weight", .extra = "h.1.mlp.gate.weight"},
           "tensor 'h.1.mlp.c_fc.weight' is missing; try [moe] as in the file, or a file with Hugging Face's "
           "GPT-2 names");
    expect(&SMALL, REAL, &(Oddity){.without = "h.1.mlp.c_fc.weight", .extra = "h.0.mlp.gate.weight"},
           "tensor 'h.1.mlp.c_fc.weight' is missing; try a file with Hugging Face's GPT-2 names");
    shape.experts = (ExpertsShape){.count = 3, .top_k = 2, .ffn = 6, .every = 1, .groups = 1, .scale = 1};
    expect(
        &shape, REAL, &(Oddity){.extra = "h.0.mlp.shared_experts.c_fc.weight"},
        "tensor 'h.0.mlp.shared_experts.c_fc.weight' has no place in a model of 3 experts and 0 shared; try "
        "[moe] as in the file");
    expect(
        &shape, REAL, &(Oddity){.without = "h.0.mlp.gate.weight", .extra = "h.0.mlp.gate.weight"},
        "tensor 'h.0.mlp.gate.weight' is (3), the model's is (6, 3); try [model] and [moe] sizes as in the "
        "file");
}

/* A bias of scores is there where the model has one, and nowhere else. */
static void biases_of_experts(void **state)
{
    (void)state;
    static const char bias[] = "model.layers.1.mlp.gate.e_score_correction_bias";
    GptShape shape = {.layers = 2,
                      .hidden = 8,
                      .heads = 4,
                      .kv_heads = 2,
                      .ffn = 10,
                      .vocab = 11,
                      .sequence = 5,
                      .norm = NORM_RMSNORM,
                      .activation = ACTIVATION_SWIGLU,
                      .position = POSITION_ROPE,
                      .tie_embeddings = true,
                      .experts = {.count = 3, .top_k = 2, .ffn = 6, .every = 1, .groups = 1, .scale = 1}};
    expect(
        &shape, REAL, &(Oddity){.naming = NAMES_LLAMA_LM, .extra = bias},
        "tensor 'model.layers.1.mlp.gate.e_score_correction_bias' is a bias of experts' scores, which this "
        "model has not; try moe.balance = bias");
    shape.experts.balance = BALANCE_BIAS;
    expect(&shape, REAL, &(Oddity){.naming = NAMES_LLAMA_LM}, NULL);
    expect(
        &shape, REAL, &(Oddity){.naming = NAMES_LLAMA_LM, .without = bias},
        "tensor 'model.layers.1.mlp.gate.e_score_correction_bias' is missing; try a file of a model that was "
        "balanced by it, or moe.balance = auxiliary");
}

static void other_files(void **state)
{
    (void)state;
    expect(&SMALL, REAL, &(Oddity){.schema = "sim-weights/1"}, NULL);
    expect(&SMALL, REAL, &(Oddity){.schema = "someone's/7"}, NULL);
    expect(&SMALL, REAL, &(Oddity){.schema = "sim-gradients/1"},
           "its attribute schema is \"sim-gradients/1\", not \"sim-weights/1\"; try a file that "
           "output.weights wrote");
    expect(
        &SMALL, REAL, &(Oddity){.schema = "sim-run/6"},
        "its attribute schema is \"sim-run/6\", not \"sim-weights/1\"; try a file that output.weights wrote");
    expect(&SMALL, REAL, &(Oddity){.tensor = "h.1.ln_2.bias", .integers = true},
           "tensor 'h.1.ln_2.bias' is not of floating-point numbers; try one of 16, 32 or 64 bits");
}

/* As h5py writes attributes: texts of variable length, which nobody asks for. Of a tensor they are no weights. */
static void texts_of_any_length(void **state)
{
    (void)state;
    Error error = {""};
    Device device = {0};
    Gpt *gpt = gpt_new(&(GptOptions){.shape = &SMALL, .device = &device, .dtype = REAL});
    write_file(gpt, &(Oddity){.naming = NAMES_GPT2});
    damage_any_text(path, "/", "schema", "someone's/7");
    damage_any_text(path, "/ln_f.bias", "note", "the last one");
    H5 *file = weights_open(path, gpt, &error);
    if (!file) fail_msg("%s", error.text);
    h5_close(file, NULL);
    static const DamageType types[] = {AS_ANY_TEXT, AS_SEQUENCE, AS_REFERENCE, AS_TEXT, AS_ROW};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        damage_dataset(path, "/ln_f.bias", &(Remade){.type = types[i], .rank = 1, .dims = {6}});
        assert_null(weights_open(path, gpt, &error));
        assert_string_equal(error.text,
                            "tensor 'ln_f.bias' is not of floating-point numbers; try one of 16, 32 "
                            "or 64 bits");
    }
    gpt_free(gpt);
}

/* wte.weight is [11, 6]: element 27 lies in row 4. */
static void values_without_end(void **state)
{
    (void)state;
    const double nan = (double)NAN, inf = HUGE_VAL;
    expect(&SMALL, REAL, &(Oddity){.tensor = "wte.weight", .at = 27, .value = nan},
           "tensor 'wte.weight' has nan at [4, 3]; try weights of numbers alone");
    expect(&SMALL, REAL, &(Oddity){.tensor = "h.1.attn.c_attn.bias", .at = 17, .value = -inf},
           "tensor 'h.1.attn.c_attn.bias' has -inf at [17]; try weights of numbers alone");
    expect(&SMALL, REAL,
           &(Oddity){.naming = NAMES_GPT2_LM, .tensor = "transformer.ln_f.weight", .value = inf},
           "tensor 'transformer.ln_f.weight' has inf at [0]; try weights of numbers alone");
    if (sizeof(real) > sizeof(float)) return; /* no 16 bits in double */
    expect(&SMALL, BF16, &(Oddity){.tensor = "ln_f.bias", .value = 65520}, NULL);
    expect(&SMALL, FP16, &(Oddity){.tensor = "ln_f.bias", .value = 65519}, NULL);
    expect(&SMALL, FP16, &(Oddity){.tensor = "ln_f.bias", .at = 5, .value = 65520},
           "tensor 'ln_f.bias' has 65520 at [5], more than train.precision holds; try a wider one, or "
           "smaller weights");
    expect(&SMALL, REAL, &(Oddity){.tensor = "ln_f.bias", .value = 1e39},
           "tensor 'ln_f.bias' has 1e+39 at [0], more than train.precision holds; try a wider one, or "
           "smaller weights");
}

static void a_head_of_its_own(void **state)
{
    (void)state;
    expect(&SMALL, REAL, &(Oddity){.head = true}, NULL);
    /* the smallest difference in the last element */
    expect(&SMALL, REAL,
           &(Oddity){.head = true, .tensor = "lm_head.weight", .at = 65, .value = nextafter(65.0 / 64, 2)},
           "tensor 'lm_head.weight' is not 'wte.weight', and the model's head is tied to that; try "
           "model.tie_embeddings = no");
    expect(&SMALL, REAL, &(Oddity){.head = true, .tensor = "lm_head.weight", .integers = true},
           "tensor 'lm_head.weight' is not 'wte.weight', and the model's head is tied to that; try "
           "model.tie_embeddings = no");
    /* more than one piece is compared */
    GptShape large = SMALL;
    large.vocab = 40000;
    expect(&large, REAL, &(Oddity){.head = true}, NULL);
    expect(&large, REAL, &(Oddity){.head = true, .tensor = "lm_head.weight", .at = 239999, .value = 0},
           "tensor 'lm_head.weight' is not 'wte.weight', and the model's head is tied to that; try "
           "model.tie_embeddings = no");
}

/* What HDF5 reads as zeros, or from another file, is no tensor of this one; compressed it is. */
static void values_that_are_elsewhere(void **state)
{
    (void)state;
    static const Remade remade[] = {
        {.type = AS_FLOATS, .rank = 2, .dims = {11, 6}, .sparse = true},
        {.type = AS_FLOATS, .rank = 2, .dims = {11, 6}, .sparse = true, .compressed = true},
        {.type = AS_FLOATS, .rank = 2, .dims = {11, 6}, .raw = true},
        {.type = AS_FLOATS, .rank = 2, .dims = {11, 6}, .virtual = true},
        {.type = AS_FLOATS, .rank = 2, .dims = {11, 6}, .compressed = true}};
    enum { CASES = sizeof remade / sizeof *remade, GOOD = CASES - 1 };
    Error error = {""};
    Device device = {0};
    Gpt *gpt = gpt_new(&(GptOptions){.shape = &SMALL, .device = &device, .dtype = REAL});
    for (int i = 0; i < CASES; i++) {
        write_file(gpt, &(Oddity){.naming = NAMES_GPT2});
        damage_dataset(path, "/wte.weight", &remade[i]);
        H5 *file = weights_open(path, gpt, &error);
        assert_int_equal(file != NULL, i == GOOD);
        if (i == GOOD) h5_close(file, NULL);
        if (i != GOOD)
            assert_string_equal(error.text,
                                "tensor 'wte.weight' has values that are not in the file; try one "
                                "that was written whole, and refers to no other");
    }
    char other[FOLDER + 16], pipe[FOLDER + 16];
    snprintf(other, sizeof other, "%s/other.h5", folder);
    snprintf(pipe, sizeof pipe, "%s/pipe", folder);
    assert_int_equal(rename(path, other), 0);
    assert_int_equal(mkfifo(pipe, 0600), 0);
    alarm(20); /* who opens the pipe waits for ever */
    for (int i = 0; i < 2; i++) {
        write_file(gpt, &(Oddity){.naming = NAMES_GPT2});
        damage_link_to(path, "/ln_f.bias", i ? pipe : other);
        assert_null(weights_open(path, gpt, &error));
        assert_non_null(strstr(error.text, "cannot read /ln_f.bias: it is a link to another file; "));
    }
    alarm(0);
    gpt_free(gpt);
}

/* Of a name of any length there is a line that says what is wrong with it. */
static void names_without_end(void **state)
{
    (void)state;
    Error error = {""};
    Device device = {0};
    Gpt *gpt = gpt_new(&(GptOptions){.shape = &SMALL, .device = &device, .dtype = REAL});
    char name[3000];
    memset(name, 'n', sizeof name - 1);
    name[0] = '/';
    name[1] = '\n';
    name[sizeof name - 1] = '\0';
    write_file(gpt, &(Oddity){.naming = NAMES_GPT2});
    damage_dataset(path, name, &(Remade){.type = AS_FLOATS});
    assert_null(weights_open(path, gpt, &error));
    assert_non_null(strstr(error.text, "tensor '?nnn"));
    assert_non_null(strstr(error.text, "...' has no place in a model of 2 layers with a tied head; try"));
    gpt_free(gpt);
}

/* Removed while the run learned what goes there. */
static void a_folder_is_made_again(void **state)
{
    (void)state;
    Error error = {""};
    char gone[FOLDER + 32];
    snprintf(gone, sizeof gone, "%s/gone/w.h5", folder);
    H5 *file = weights_create(gone, false, &error);
    if (!file) fail_msg("%s", error.text);
    assert_true(h5_close(file, &error));
    assert_int_equal(access(gone, F_OK), 0);
    unlink(gone);
    *strrchr(gone, '/') = '\0';
    assert_int_equal(rmdir(gone), 0);
}

/* ---- memory ---- */

/* Written, and read back while the peaks are what is there. */
static void carry(Trainer *t, const StepResult *result, void *context)
{
    (void)result, (void)context;
    Error error = {""};
    Device *d = &t->device;
    Group *world = group_world(t->comm, CHANNELS);
    Saved saved;
    assert_true(weights_save(path, t, world, false, &saved, &error));
    memcpy(d->peak, d->current, sizeof d->peak);
    d->peak_total = d->total;
    assert_true(weights_load(path, t, world, &error));
    assert_memory_equal(d->peak, d->current, sizeof d->peak);
    assert_int_equal(d->peak_total, d->total);
    group_free(world);
}

static void a_file_is_no_peak(void **state)
{
    (void)state;
    static const char *const splits[] = {"parallel.data=ddp", "parallel.data=zero3",
                                         "parallel.data=zero1 parallel.tp=2", "parallel.pp=2"};
    for (int i = 0; i < 4; i++) {
        Case c = case_of_words(1, "%s", splits[i]);
        c.look = carry;
        assert_true(case_virtual(&c, 4));
        case_free(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_a_language_model),
        cmocka_unit_test(names_of_experts),
        cmocka_unit_test(biases_of_experts),
        cmocka_unit_test(other_experts),
        cmocka_unit_test(other_files),
        cmocka_unit_test(texts_of_any_length),
        cmocka_unit_test(values_without_end),
        cmocka_unit_test(a_head_of_its_own),
        cmocka_unit_test(a_folder_is_made_again),
        cmocka_unit_test(values_that_are_elsewhere),
        cmocka_unit_test(names_without_end),
        cmocka_unit_test(a_file_is_no_peak),
    };
    if (folder_make(folder)) return 1;
    snprintf(path, sizeof path, "%s/weights.h5", folder);
    int failed = cmocka_run_group_tests_name("weights file", tests, NULL, NULL);
    return folder_remove(folder) ? 1 : failed;
}
