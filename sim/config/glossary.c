/* glossary.c - names here, each beside the names that it has elsewhere. */
#include "sim/config/glossary.h"
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

const GlossaryTerm glossary_keys[] = {
    {"model.layers", "n_layer n_layers num_layers num_hidden_layers"},
    {"model.hidden", "hidden_size hidden_dim d_model n_embd embed_dim dim"},
    {"model.heads", "n_head n_heads num_heads num_attention_heads"},
    {"model.kv_heads", "n_kv_heads num_key_value_heads num_query_groups"},
    {"model.ffn", "ffn_hidden_size intermediate_size d_ff"},
    {"model.vocab", "vocab_size n_vocab"},
    {"model.sequence", "seq_len seq_length sequence_length max_seq_len block_size n_ctx"},
    {"moe.experts", "num_experts n_experts num_local_experts"},
    {"train.steps", "max_steps num_steps iters train_iters"},
    {"train.global_batch", "batch batch_size global_batch_size"},
    {"train.microbatch", "micro_batch_size"},
    {"train.learning_rate", "lr"},
    {"train.clip", "clip_grad grad_clip max_grad_norm gradient_clipping"},
    {"train.precision", "dtype mixed_precision"},
    {"train.recompute", "activation_checkpointing gradient_checkpointing"},
    {"parallel.data", "zero zero_stage fsdp strategy"},
    {"parallel.tp", "tensor_parallel tensor_parallel_size tensor_model_parallel_size"},
    {"parallel.sequence_parallel", "sp"},
    {"parallel.pp", "pipeline_parallel pipeline_parallel_size pipeline_model_parallel_size"},
    {"parallel.ep", "expert_parallel expert_parallel_size expert_model_parallel_size"},
    {NULL, NULL},
};

const GlossaryTerm glossary_choices[] = {
    {"zero3", "fsdp fsdp1 fsdp2 full_shard"},
    {"zero2", "shard_grad_op"},
    {"bf16", "bfloat16"},
    {"fp16", "float16 half"},
    {"fp32", "float32 float"},
    {"rope", "rotary"},
    {"silu", "swish"},
    {"flash", "sdpa"},
    {NULL, NULL},
};

static bool has_word(const char *words, const char *word)
{
    const size_t length = strlen(word);
    for (const char *at = words; length && *at; at += strcspn(at, " "), at += strspn(at, " "))
        if (strcspn(at, " ") == length && strncasecmp(at, word, length) == 0) return true;
    return false;
}

static const char *find(const GlossaryTerm *term, const char *theirs)
{
    while (term->ours && !has_word(term->theirs, theirs)) term++;
    return term->ours;
}

const char *glossary_key(const char *theirs)
{
    return find(glossary_keys, theirs);
}

const char *glossary_choice(const char *theirs, const char *const *among)
{
    const char *ours = find(glossary_choices, theirs);
    for (int i = 0; ours && among[i]; i++)
        if (strcmp(among[i], ours) == 0) return ours;
    return NULL;
}
