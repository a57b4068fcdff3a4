/* test_weight_names.c - what parameters are called in files, of GPT-2's family, Llama's, Mixtral's and in between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "sim/file/names.h"

/* Hugging Face's Llama with 4 heads, 2 of them for keys and values: [out, in] of everything in a layer */
static const GptShape LLAMA = {.layers = 12,
                               .hidden = 16,
                               .heads = 4,
                               .kv_heads = 2,
                               .ffn = 22,
                               .vocab = 32,
                               .sequence = 8,
                               .norm = NORM_RMSNORM,
                               .activation = ACTIVATION_SWIGLU,
                               .position = POSITION_ROPE,
                               .rope_base = 1e4};

typedef struct Named {
    const char *ours;
    FileTensor tensor[CUT_PARTS];
} Named;
static const Named TABLE[] = {
    {"wte.weight", {{"/model.embed_tokens.weight", 0, 16, false}}},
    {"h.0.ln_1.weight", {{"/model.layers.0.input_layernorm.weight", 0, 16, false}}},
    {"h.11.attn.c_attn.weight",
     {{"/model.layers.11.self_attn.q_proj.weight", 0, 16, true},
      {"/model.layers.11.self_attn.k_proj.weight", 16, 8, true},
      {"/model.layers.11.self_attn.v_proj.weight", 24, 8, true}}},
    {"h.1.attn.c_proj.weight", {{"/model.layers.1.self_attn.o_proj.weight", 0, 16, true}}},
    {"h.1.ln_2.weight", {{"/model.layers.1.post_attention_layernorm.weight", 0, 16, false}}},
    {"h.10.mlp.c_fc.weight",
     {{"/model.layers.10.mlp.gate_proj.weight", 0, 22, true},
      {"/model.layers.10.mlp.up_proj.weight", 22, 22, true}}},
    {"h.2.mlp.c_proj.weight", {{"/model.layers.2.mlp.down_proj.weight", 0, 16, true}}},
    {"ln_f.weight", {{"/model.norm.weight", 0, 16, false}}},
    {"lm_head.weight", {{"/lm_head.weight", 0, 16, false}}},
};

/* Of DeepSeek's experts, two shared, 6 wide. */
static const Named EXPERTS[] = {
    {"h.3.mlp.gate.weight", {{"/model.layers.3.mlp.gate.weight", 0, 12, true}}},
    {"h.3.mlp.experts.10.c_fc.weight",
     {{"/model.layers.3.mlp.experts.10.gate_proj.weight", 0, 6, true},
      {"/model.layers.3.mlp.experts.10.up_proj.weight", 6, 6, true}}},
    {"h.1.mlp.experts.0.c_proj.weight", {{"/model.layers.1.mlp.experts.0.down_proj.weight", 0, 16, true}}},
    {"h.3.mlp.shared_experts.c_fc.weight",
     {{"/model.layers.3.mlp.shared_experts.gate_proj.weight", 0, 12, true},
      {"/model.layers.3.mlp.shared_experts.up_proj.weight", 12, 12, true}}},
    {"h.3.mlp.shared_experts.c_proj.weight",
     {{"/model.layers.3.mlp.shared_experts.down_proj.weight", 0, 16, true}}},
    {"h.0.mlp.c_proj.weight", {{"/model.layers.0.mlp.down_proj.weight", 0, 16, true}}},
    {"h.3.mlp.gate.e_score_correction_bias",
     {{"/model.layers.3.mlp.gate.e_score_correction_bias", 0, 12, false}}},
};

/* Of Mixtral's; what else a layer might have is called as above. */
static const Named MIXTRAL[] = {
    {"wte.weight", {{"/model.embed_tokens.weight", 0, 16, false}}},
    {"h.10.attn.c_proj.weight", {{"/model.layers.10.self_attn.o_proj.weight", 0, 16, true}}},
    {"h.3.mlp.gate.weight", {{"/model.layers.3.block_sparse_moe.gate.weight", 0, 12, true}}},
    {"h.3.mlp.experts.10.c_fc.weight",
     {{"/model.layers.3.block_sparse_moe.experts.10.w1.weight", 0, 6, true},
      {"/model.layers.3.block_sparse_moe.experts.10.w3.weight", 6, 6, true}}},
    {"h.1.mlp.experts.0.c_proj.weight",
     {{"/model.layers.1.block_sparse_moe.experts.0.w2.weight", 0, 16, true}}},
    {"h.3.mlp.shared_experts.c_proj.weight",
     {{"/model.layers.3.mlp.shared_experts.down_proj.weight", 0, 16, true}}},
    {"h.0.mlp.c_proj.weight", {{"/model.layers.0.mlp.down_proj.weight", 0, 16, true}}},
};

static GptShape sparse_shape(void)
{
    GptShape shape = LLAMA;
    shape.experts = (ExpertsShape){.count = 12,
                                   .top_k = 2,
                                   .ffn = 6,
                                   .shared = 2,
                                   .first_dense = 1,
                                   .every = 1,
                                   .groups = 1,
                                   .balance = BALANCE_BIAS,
                                   .scale = 1};
    return shape;
}

/* Of DeepSeek-V3, and of V2-Lite, whose queries have no latent: what attention has in place of the above. */
static const struct {
    const char *ours;
    FileTensor tensor;
} LATENT[] = {
    {"h.0.attn.q_a_proj.weight", {"/model.layers.0.self_attn.q_a_proj.weight", 0, 6, true}},
    {"h.0.attn.q_a_layernorm.weight", {"/model.layers.0.self_attn.q_a_layernorm.weight", 0, 6, false}},
    {"h.0.attn.q_b_proj.weight", {"/model.layers.0.self_attn.q_b_proj.weight", 0, 20, true}},
    {"h.9.attn.kv_a_proj_with_mqa.weight",
     {"/model.layers.9.self_attn.kv_a_proj_with_mqa.weight", 0, 10, true}},
    {"h.9.attn.kv_a_layernorm.weight", {"/model.layers.9.self_attn.kv_a_layernorm.weight", 0, 8, false}},
    {"h.9.attn.kv_b_proj.weight", {"/model.layers.9.self_attn.kv_b_proj.weight", 0, 40, true}},
    {"h.1.attn.c_proj.weight", {"/model.layers.1.self_attn.o_proj.weight", 0, 16, true}},
};

static GptShape latent_shape(int64_t q_lora_rank)
{
    GptShape shape = LLAMA;
    shape.attention_kind = ATTENTION_MLA;
    shape.kv_heads = shape.heads;
    shape.q_lora_rank = q_lora_rank;
    shape.kv_lora_rank = 8, shape.qk_nope_head_dim = 3, shape.qk_rope_head_dim = 2, shape.v_head_dim = 7;
    return shape;
}

static const Parameter *named(const Gpt *gpt, const char *name)
{
    for (int i = 0; i < gpt->buffers; i++)
        if (strcmp(gpt->buffer[i].name, name) == 0) return &gpt->buffer[i];
    for (int i = 0; i < gpt->parameters; i++)
        if (strcmp(gpt->parameter[i].name, name) == 0) return &gpt->parameter[i];
    fail_msg("no parameter %s", name);
    return NULL;
}

/* The bare model's names are a language model's without "model.". */
static void assert_names(const GptShape *shape, Naming bare, const Named *table, size_t rows)
{
    Device none = {.dry = true};
    Gpt *gpt = gpt_new(&(GptOptions){.shape = shape, .device = &none});
    for (size_t i = 0; i < rows; i++) {
        FileTensor tensor[CUT_PARTS];
        int count = file_tensors((Naming)(bare + 1), named(gpt, table[i].ours), tensor), wanted = 0;
        while (wanted < CUT_PARTS && table[i].tensor[wanted].path[0]) wanted++;
        assert_int_equal(count, wanted);
        for (int k = 0; k < count; k++) {
            const FileTensor *want = &table[i].tensor[k];
            assert_string_equal(tensor[k].path, want->path);
            assert_int_equal(tensor[k].first, want->first);
            assert_int_equal(tensor[k].columns, want->columns);
            assert_int_equal(tensor[k].transposed, want->transposed);
        }
        file_tensors(bare, named(gpt, table[i].ours), tensor);
        for (int k = 0; k < count; k++) {
            const char *lm = table[i].tensor[k].path + 1;
            assert_string_equal(tensor[k].path + 1, strncmp(lm, "model.", 6) == 0 ? lm + 6 : lm);
        }
    }
    gpt_free(gpt);
}

static void test_llama(void **state)
{
    (void)state;
    assert_names(&LLAMA, NAMES_LLAMA, TABLE, sizeof TABLE / sizeof *TABLE);
}

static void test_experts(void **state)
{
    (void)state;
    const GptShape shape = sparse_shape();
    assert_names(&shape, NAMES_LLAMA, EXPERTS, sizeof EXPERTS / sizeof *EXPERTS);
    assert_names(&shape, NAMES_MIXTRAL, MIXTRAL, sizeof MIXTRAL / sizeof *MIXTRAL);
}

/* Written as Mixtral's: experts as it has them, however they are trained; any other as DeepSeek's. */
static void test_mixtral(void **state)
{
    (void)state;
    GptShape mixtral = LLAMA, other[9];
    mixtral.experts = (ExpertsShape){
        .count = 8, .top_k = 2, .ffn = 6, .every = 1, .normalise = true, .groups = 1, .scale = 1};
    assert_int_equal(naming_of(&mixtral), NAMES_MIXTRAL_LM);
    for (int i = 0; i < 9; i++) other[i] = mixtral;
    other[0].experts.shared = 1;
    other[1].experts.first_dense = 1;
    other[2].experts.every = 2;
    other[3].experts.router = ROUTER_SIGMOID;
    other[4].experts.normalise = false;
    other[5].experts.scale = 2.5;
    other[6].experts.groups = 2;
    other[7].attention_kind = ATTENTION_MLA;
    other[8].experts.count = 0;
    for (int i = 0; i < 9; i++) assert_int_equal(naming_of(&other[i]), NAMES_LLAMA_LM);
    mixtral.experts.balance = BALANCE_AUXILIARY, mixtral.experts.capacity = 1.25;
    assert_int_equal(naming_of(&mixtral), NAMES_MIXTRAL_LM);
    mixtral.experts.balance = BALANCE_BIAS;
    assert_int_equal(naming_of(&mixtral), NAMES_LLAMA_LM);
    mixtral.bias = true;
    assert_int_equal(naming_of(&mixtral), NAMES_GPT2);
}

static void test_latent(void **state)
{
    (void)state;
    Device none = {.dry = true};
    const GptShape shape = latent_shape(6), lite = latent_shape(0);
    FileTensor tensor[CUT_PARTS];
    Gpt *gpt = gpt_new(&(GptOptions){.shape = &shape, .device = &none});
    assert_int_equal(naming_of(&shape), NAMES_LLAMA_LM);
    for (size_t i = 0; i < sizeof LATENT / sizeof *LATENT; i++) {
        const FileTensor *want = &LATENT[i].tensor;
        assert_int_equal(file_tensors(NAMES_LLAMA_LM, named(gpt, LATENT[i].ours), tensor), 1);
        assert_string_equal(tensor->path, want->path);
        assert_int_equal(tensor->columns, want->columns);
        assert_int_equal(tensor->transposed, want->transposed);
    }
    gpt_free(gpt);
    gpt = gpt_new(&(GptOptions){.shape = &lite, .device = &none});
    assert_int_equal(file_tensors(NAMES_LLAMA_LM, named(gpt, "h.3.attn.q_proj.weight"), tensor), 1);
    assert_string_equal(tensor->path, "/model.layers.3.self_attn.q_proj.weight");
    assert_int_equal(tensor->columns, 20);
    gpt_free(gpt);
}

/* Every parameter has a row: the tensors of a file are as many values, and none has a name of GPT-2's. */
static void complete(const GptShape *shape)
{
    Device none = {.dry = true};
    Gpt *gpt = gpt_new(&(GptOptions){.shape = shape, .device = &none});
    for (int i = 0; i < gpt->parameters; i++) {
        const Parameter *p = &gpt->parameter[i];
        FileTensor tensor[CUT_PARTS];
        int64_t columns = 0;
        for (int k = file_tensors(NAMES_LLAMA_LM, p, tensor); k-- > 0; columns += tensor[k].columns)
            assert_true(strstr(tensor[k].path, "/model.") || strstr(tensor[k].path, "/lm_head."));
        assert_int_equal(columns, p->whole_columns);
    }
    gpt_free(gpt);
}

static void test_complete(void **state)
{
    (void)state;
    const GptShape latent = latent_shape(6), lite = latent_shape(0), sparse = sparse_shape();
    complete(&LLAMA);
    complete(&sparse);
    complete(&latent);
    complete(&lite);
}

static void test_gpt2(void **state)
{
    (void)state;
    Device none = {.dry = true};
    GptShape learned = LLAMA;
    learned.position = POSITION_LEARNED;
    assert_int_equal(naming_of(&LLAMA), NAMES_LLAMA_LM);
    assert_int_equal(naming_of(&learned), NAMES_GPT2);
    GptShape bias = LLAMA;
    bias.bias = true;
    assert_int_equal(naming_of(&bias), NAMES_GPT2);
    GptShape post_norm = LLAMA;
    post_norm.post_norm = true;
    assert_int_equal(naming_of(&post_norm), NAMES_GPT2);

    Gpt *gpt = gpt_new(&(GptOptions){.shape = &learned, .device = &none});
    FileTensor tensor[CUT_PARTS];
    assert_int_equal(file_tensors(NAMES_GPT2, named(gpt, "h.3.attn.c_attn.weight"), tensor), 1);
    assert_string_equal(tensor->path, "/h.3.attn.c_attn.weight");
    assert_int_equal(tensor->first, 0);
    assert_int_equal(tensor->columns, 32);
    assert_false(tensor->transposed);
    assert_int_equal(file_tensors(NAMES_GPT2_LM, named(gpt, "h.3.attn.c_attn.weight"), tensor), 1);
    assert_string_equal(tensor->path, "/transformer.h.3.attn.c_attn.weight");
    file_tensors(NAMES_GPT2_LM, named(gpt, "lm_head.weight"), tensor);
    assert_string_equal(tensor->path, "/lm_head.weight");
    gpt_free(gpt);
}

static void test_passed_over(void **state)
{
    (void)state;
    assert_true(naming_passes_over(NAMES_LLAMA_LM, "model.layers.3.self_attn.rotary_emb.inv_freq"));
    assert_true(naming_passes_over(NAMES_LLAMA_LM, "model.rotary_emb.inv_freq"));
    assert_false(naming_passes_over(NAMES_LLAMA_LM, "model.layers.12.mlp.up_proj.weight"));
    assert_false(naming_passes_over(NAMES_LLAMA_LM, "lm_head.weight"));
    assert_true(naming_passes_over(NAMES_MIXTRAL_LM, "model.layers.3.self_attn.rotary_emb.inv_freq"));
    assert_true(naming_passes_over(NAMES_LLAMA, "layers.3.self_attn.rotary_emb.inv_freq"));
    assert_true(naming_passes_over(NAMES_LLAMA, "rotary_emb.inv_freq"));
    assert_false(naming_passes_over(NAMES_LLAMA, "layers.12.mlp.up_proj.weight"));
    assert_false(naming_passes_over(NAMES_LLAMA_LM, "rotary_emb.inv_freq"));
    assert_true(naming_passes_over(NAMES_GPT2, "h.3.attn.masked_bias"));
    assert_true(naming_passes_over(NAMES_GPT2, "h.3.attn.bias"));
    assert_false(naming_passes_over(NAMES_GPT2, "h.3.attn.c_attn.bias"));
    assert_false(naming_passes_over(NAMES_GPT2, "transformer.h.3.attn.bias"));
    assert_true(naming_passes_over(NAMES_GPT2_LM, "transformer.h.3.attn.bias"));
    assert_true(naming_passes_over(NAMES_GPT2_LM, "transformer.h.3.attn.masked_bias"));
    assert_false(naming_passes_over(NAMES_GPT2_LM, "h.3.attn.bias"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_llama),       cmocka_unit_test(test_latent),   cmocka_unit_test(test_experts),
        cmocka_unit_test(test_mixtral),     cmocka_unit_test(test_complete), cmocka_unit_test(test_gpt2),
        cmocka_unit_test(test_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
