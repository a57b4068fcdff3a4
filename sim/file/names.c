/* names.c - the table of names. Ours are GPT-2's; Llama's files cut the packed matrices in parts. DeepSeek's
 * are Llama's but for its attention, which has the same tensors here as there, and its experts; Mixtral's but for other
 * names of these. */
#include "sim/file/names.h"
#include <stdio.h>
#include <string.h>

const char *const naming_title[NAMINGS] = {
    [NAMES_GPT2] = "GPT-2",     [NAMES_GPT2_LM] = "GPT2LMHeadModel", [NAMES_LLAMA] = "LlamaModel",
    [NAMES_LLAMA_LM] = "Llama", [NAMES_MIXTRAL] = "MixtralModel",    [NAMES_MIXTRAL_LM] = "Mixtral"};
static const char *const PREFIX[NAMINGS] = {
    [NAMES_GPT2] = "",    [NAMES_GPT2_LM] = "transformer.", [NAMES_LLAMA] = "", [NAMES_LLAMA_LM] = "model.",
    [NAMES_MIXTRAL] = "", [NAMES_MIXTRAL_LM] = "model."};

typedef struct Name {
    const char *ours;
    const char *llama[CUT_PARTS]; /* of the columns' consecutive parts */
} Name;

static const Name WHOLE_MODEL[] = {
    {"wte.weight", {"embed_tokens.weight"}},
    {"ln_f.weight", {"norm.weight"}},
    {HEAD_NAME, {HEAD_NAME}},
    {NULL, {NULL}},
};
/* after "h.N." and "layers.N."; matrices are transposed */
static const Name LAYER[] = {
    {"ln_1.weight", {"input_layernorm.weight"}},
    {"attn.c_attn.weight", {"self_attn.q_proj.weight", "self_attn.k_proj.weight", "self_attn.v_proj.weight"}},
    {"attn.q_proj.weight", {"self_attn.q_proj.weight"}},
    {"attn.q_a_proj.weight", {"self_attn.q_a_proj.weight"}},
    {"attn.q_a_layernorm.weight", {"self_attn.q_a_layernorm.weight"}},
    {"attn.q_b_proj.weight", {"self_attn.q_b_proj.weight"}},
    {"attn.kv_a_proj_with_mqa.weight", {"self_attn.kv_a_proj_with_mqa.weight"}},
    {"attn.kv_a_layernorm.weight", {"self_attn.kv_a_layernorm.weight"}},
    {"attn.kv_b_proj.weight", {"self_attn.kv_b_proj.weight"}},
    {"attn.c_proj.weight", {"self_attn.o_proj.weight"}},
    {"ln_2.weight", {"post_attention_layernorm.weight"}},
    {"mlp.c_fc.weight", {"mlp.gate_proj.weight", "mlp.up_proj.weight"}},
    {"mlp.c_proj.weight", {"mlp.down_proj.weight"}},
    {ROUTER_NAME, {ROUTER_NAME}},
    {EXPERT_BIAS_NAME, {EXPERT_BIAS_NAME}},
    {"mlp.shared_experts.c_fc.weight",
     {"mlp.shared_experts.gate_proj.weight", "mlp.shared_experts.up_proj.weight"}},
    {"mlp.shared_experts.c_proj.weight", {"mlp.shared_experts.down_proj.weight"}},
    {NULL, {NULL}},
};
/* after "mlp.experts.N." besides, in both */
static const Name EXPERT[] = {
    {"c_fc.weight", {"gate_proj.weight", "up_proj.weight"}},
    {"c_proj.weight", {"down_proj.weight"}},
    {NULL, {NULL}},
};
/* Mixtral's, before those of the same place above; of experts after "block_sparse_moe.experts.N." */
static const Name MIXTRAL_LAYER[] = {
    {ROUTER_NAME, {"block_sparse_moe.gate.weight"}},
    {NULL, {NULL}},
};
static const Name MIXTRAL_EXPERT[] = {
    {"c_fc.weight", {"w1.weight", "w3.weight"}},
    {"c_proj.weight", {"w2.weight"}},
    {NULL, {NULL}},
};

/* Softmax's best, in every layer, whose gates sum to 1, and none shared (2401.04088, section 2.1). Whether a loss balances
 * them and whether tokens are dropped is of training alone; a bias of scores it has not. */
static bool has_experts_of_mixtral(const ExpertsShape *e)
{
    return e->count > 0 && e->shared == 0 && e->first_dense == 0 && e->every == 1 &&
           e->router == ROUTER_SOFTMAX && e->normalise && e->scale == 1 && e->groups == 1 &&
           e->balance != BALANCE_BIAS;
}

Naming naming_of(const GptShape *s)
{
    bool llama = s->norm == NORM_RMSNORM && !s->post_norm && s->activation == ACTIVATION_SWIGLU &&
                 s->position == POSITION_ROPE && !s->bias;
    if (!llama) return NAMES_GPT2;
    return !is_latent(s) && has_experts_of_mixtral(&s->experts) ? NAMES_MIXTRAL_LM : NAMES_LLAMA_LM;
}

static bool is_mixtral(Naming naming)
{
    return naming == NAMES_MIXTRAL || naming == NAMES_MIXTRAL_LM;
}

bool naming_is_llama(Naming naming)
{
    return naming == NAMES_LLAMA || naming == NAMES_LLAMA_LM || is_mixtral(naming);
}

/* Where p is: each is -1 outside of layers, and of experts. */
typedef struct Place {
    int layer, expert;
} Place;

static const Name *row_of(const Name *row, const char *ours)
{
    while (row->ours && strcmp(row->ours, ours) != 0) row++;
    return row->ours ? row : NULL;
}

/* The tables' row for p, or NULL. */
static const Name *find(Naming naming, const Parameter *p, Place *place)
{
    int length = 0;
    *place = (Place){-1, -1};
    if (sscanf(p->name, "h.%d.mlp.experts.%d.%n", &place->layer, &place->expert, &length) != 2) {
        place->expert = -1;
        if (sscanf(p->name, "h.%d.%n", &place->layer, &length) != 1) place->layer = -1;
    }
    const char *ours = p->name + length;
    if (place->layer < 0) return row_of(WHOLE_MODEL, ours);
    bool expert = place->expert >= 0;
    const Name *row = is_mixtral(naming) ? row_of(expert ? MIXTRAL_EXPERT : MIXTRAL_LAYER, ours) : NULL;
    return row ? row : row_of(expert ? EXPERT : LAYER, ours);
}

/* A head stands beside the model, under no prefix. */
static const char *prefix_of(Naming naming, const char *name)
{
    return strcmp(name, HEAD_NAME) == 0 ? "" : PREFIX[naming];
}

int file_tensors(Naming naming, const Parameter *p, FileTensor tensor[CUT_PARTS])
{
    int count = 0;
    Place place;
    const Name *row = naming_is_llama(naming) ? find(naming, p, &place) : NULL;
    if (!row) {
        tensor[0] = (FileTensor){.columns = p->whole_columns};
        snprintf(tensor[0].path, sizeof tensor->path, "/%s%s", prefix_of(naming, p->name), p->name);
        return 1;
    }
    for (int64_t first = 0; count < CUT_PARTS && row->llama[count]; count++) {
        FileTensor *t = &tensor[count];
        char before[64] = "";
        *t = (FileTensor){.first = first, .columns = p->whole_columns};
        if (p->cut == CUT_COLUMNS) t->columns = p->part[count];
        t->transposed = place.layer >= 0 && p->whole_rows > 0;
        if (place.expert >= 0)
            snprintf(before, sizeof before, "layers.%d.%s.experts.%d.", place.layer,
                     is_mixtral(naming) ? "block_sparse_moe" : "mlp", place.expert);
        else if (place.layer >= 0)
            snprintf(before, sizeof before, "layers.%d.", place.layer);
        snprintf(t->path, sizeof t->path, "/%s%s%s", prefix_of(naming, row->llama[count]), before,
                 row->llama[count]);
        first += t->columns;
    }
    return count;
}

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n > m && strcmp(name + n - m, end) == 0;
}

bool naming_passes_over(Naming naming, const char *name)
{
    size_t prefix = strlen(PREFIX[naming]);
    if (strncmp(name, PREFIX[naming], prefix) != 0) return false;
    name += prefix;
    if (naming_is_llama(naming))
        return strcmp(name, "rotary_emb.inv_freq") == 0 || ends_with(name, ".rotary_emb.inv_freq");
    return strncmp(name, "h.", 2) == 0 &&
           (ends_with(name, ".attn.bias") || ends_with(name, ".attn.masked_bias"));
}
