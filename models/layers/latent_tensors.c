/* latent_tensors.c - shapes and names of what latent attention multiplies with. */
#include "models/layers/latent_tensors.h"

static TensorShape uncut(int64_t rows, int64_t columns)
{
    return (TensorShape){.rows = rows, .columns = rows ? columns : 0, .cut = CUT_NONE};
}

static TensorShape by_heads(const GptShape *s, int64_t rows, int64_t width)
{
    int64_t columns = rows ? s->heads * width : 0;
    return (TensorShape){
        .rows = rows, .columns = columns, .part = {columns}, .sharing = 1, .cut = CUT_COLUMNS};
}

static TensorShape q_weight(const GptShape *s, int ranks)
{
    (void)ranks;
    return by_heads(s, s->q_lora_rank ? 0 : s->hidden, key_width(s));
}

static TensorShape q_down_weight(const GptShape *s, int ranks)
{
    (void)ranks;
    return uncut(s->hidden, s->q_lora_rank);
}

static TensorShape q_norm_gain(const GptShape *s, int ranks)
{
    (void)ranks;
    return (TensorShape){.columns = s->q_lora_rank};
}

static TensorShape q_up_weight(const GptShape *s, int ranks)
{
    (void)ranks;
    return by_heads(s, s->q_lora_rank, key_width(s));
}

static TensorShape kv_down_weight(const GptShape *s, int ranks)
{
    (void)ranks;
    return uncut(s->hidden, s->kv_lora_rank + s->qk_rope_head_dim);
}

static TensorShape kv_norm_gain(const GptShape *s, int ranks)
{
    (void)ranks;
    return (TensorShape){.columns = s->kv_lora_rank};
}

static TensorShape kv_up_weight(const GptShape *s, int ranks)
{
    (void)ranks;
    return by_heads(s, s->kv_lora_rank, s->qk_nope_head_dim + s->v_head_dim);
}

static TensorShape q_bias(const GptShape *s, int ranks)
{
    return bias_shape(s, q_weight(s, ranks));
}

static TensorShape q_down_bias(const GptShape *s, int ranks)
{
    return bias_shape(s, q_down_weight(s, ranks));
}

static TensorShape q_up_bias(const GptShape *s, int ranks)
{
    return bias_shape(s, q_up_weight(s, ranks));
}

static TensorShape kv_down_bias(const GptShape *s, int ranks)
{
    return bias_shape(s, kv_down_weight(s, ranks));
}

static TensorShape kv_up_bias(const GptShape *s, int ranks)
{
    return bias_shape(s, kv_up_weight(s, ranks));
}

/* Hugging Face's names of DeepSeek-V3, but for the last and the norm, which every attention has. */
const BranchTensor latent_tensors[LATENT_TENSORS] = {
    [NORM_GAIN] = {"ln_1.weight", norm_gain_shape, INIT_ONE},
    [NORM_BIAS] = {"ln_1.bias", norm_bias_shape, INIT_ZERO},
    [LATENT_Q] = {"attn.q_proj.weight", q_weight, INIT_NORMAL},
    [LATENT_Q + 1] = {"attn.q_proj.bias", q_bias, INIT_ZERO},
    [LATENT_Q_DOWN] = {"attn.q_a_proj.weight", q_down_weight, INIT_NORMAL},
    [LATENT_Q_DOWN + 1] = {"attn.q_a_proj.bias", q_down_bias, INIT_ZERO},
    [LATENT_Q_NORM] = {"attn.q_a_layernorm.weight", q_norm_gain, INIT_ONE},
    [LATENT_Q_UP] = {"attn.q_b_proj.weight", q_up_weight, INIT_NORMAL},
    [LATENT_Q_UP + 1] = {"attn.q_b_proj.bias", q_up_bias, INIT_ZERO},
    [LATENT_KV_DOWN] = {"attn.kv_a_proj_with_mqa.weight", kv_down_weight, INIT_NORMAL},
    [LATENT_KV_DOWN + 1] = {"attn.kv_a_proj_with_mqa.bias", kv_down_bias, INIT_ZERO},
    [LATENT_KV_NORM] = {"attn.kv_a_layernorm.weight", kv_norm_gain, INIT_ONE},
    [LATENT_KV_UP] = {"attn.kv_b_proj.weight", kv_up_weight, INIT_NORMAL},
    [LATENT_KV_UP + 1] = {"attn.kv_b_proj.bias", kv_up_bias, INIT_ZERO},
    [LATENT_OUT] = {"attn.c_proj.weight", attention_out_weight, INIT_NORMAL_RESIDUAL},
    [LATENT_OUT + 1] = {"attn.c_proj.bias", attention_out_bias, INIT_ZERO},
};
