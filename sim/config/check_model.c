/* check_model.c - heads that do not divide, places that cannot be told, models and matrices too large to count. */
#include "sim/config/check_model.h"
#include <stddef.h>
#include "models/kernels/dropout.h"
#include "models/kernels/kinds.h"
#include "sim/base/words.h"
#include "sim/config/refuse.h"

static int64_t at_least(int64_t value, int64_t least)
{
    return value > least ? value : least;
}

/* Divisors of `n` that fit in the place of what is at `offset`; where none does something else is wrong too, and each
 * may be. Nothing when there is nobody to tell. */
static void list_divisors(const Config *config, size_t offset, int64_t n, ConfigTaken *taken,
                          const Error *error, char *text, size_t size)
{
    text[0] = '\0';
    if (!error || config_suggest_divisors(config, offset, n, taken, 0, text, size)) return;
    words_divisors(n, *(const int64_t *)((const char *)config + offset), text, size);
}

/* About. */
static double latent_parameters(const GptShape *s)
{
    double h = (double)s->hidden, q = (double)s->q_lora_rank, kv = (double)s->kv_lora_rank,
           a = (double)s->heads;
    return h * (q + kv + (double)s->qk_rope_head_dim) + a * (q > 0 ? q : h) * (double)key_width(s) +
           a * kv * (double)(s->qk_nope_head_dim + s->v_head_dim) + h * (double)heads_width(s);
}

static bool check_latent(const Config *config, Error *error)
{
    const GptShape *s = &config->model.shape;
    if (s->position != POSITION_ROPE)
        return config_refuse(config, config_blame(config, "model.position", "model.attention_kind"), error,
                             "mla has %lld numbers of each head that rope turns, and knows places by them "
                             "alone; try model.position = rope",
                             (long long)s->qk_rope_head_dim);
    if (s->qk_rope_head_dim % 2)
        return config_refuse(config, "model.qk_rope_head_dim", error,
                             "rope turns pairs, and %lld numbers are no whole number of them; try "
                             "model.qk_rope_head_dim = %lld",
                             (long long)s->qk_rope_head_dim, (long long)(s->qk_rope_head_dim + 1));
    return true;
}

bool config_check_model(const Config *config, ConfigTaken *taken, Error *error)
{
    const GptShape *s = &config->model.shape;
    bool markov = data_is_markov(&config->data);
    if (is_latent(s) && !check_latent(config, error)) return false;
    if (!is_latent(s) && s->hidden % s->heads) {
        char heads[256];
        list_divisors(config, offsetof(Config, model.shape.heads), s->hidden, taken, error, heads,
                      sizeof heads);
        return config_refuse(config, config_blame(config, "model.heads", "model.hidden"), error,
                             "heads must divide hidden, and %lld / %lld = %.2f; try model.heads = %s",
                             (long long)s->hidden, (long long)s->heads, (double)s->hidden / (double)s->heads,
                             heads);
    }
    if (s->heads % kv_heads(s)) {
        char heads[256];
        list_divisors(config, offsetof(Config, model.shape.kv_heads), s->heads, taken, error, heads,
                      sizeof heads);
        return config_refuse(config, config_blame(config, "model.kv_heads", "model.heads"), error,
                             "kv_heads must divide heads, and %lld / %lld = %.2f; try model.kv_heads = %s",
                             (long long)s->heads, (long long)s->kv_heads,
                             (double)s->heads / (double)s->kv_heads, heads);
    }
    if (!is_latent(s) && s->position == POSITION_ROPE && s->hidden / s->heads % 2)
        return config_refuse(
            config, config_blame(config, "model.position", "model.heads"), error,
            "rope turns pairs, and a head of hidden / heads = %lld / %lld = %lld numbers has "
            "no whole number of them; try model.hidden = %lld",
            (long long)s->hidden, (long long)s->heads, (long long)(s->hidden / s->heads),
            (long long)(s->hidden + s->heads));
    double drawn = dropout_drawn(s->dropout);
    if (s->dropout > 0 && (drawn == 0 || drawn == 1))
        return config_refuse(
            config, "model.dropout", error,
            "shares are drawn in steps of 1/65536, and this one would drop %s; try model.dropout = %s",
            drawn == 0 ? "nothing" : "everything", drawn == 0 ? "0" : "0.9999");
    if (markov && s->vocab < 4)
        return config_refuse(
            config, "model.vocab", error,
            "the markov source has four tokens that can follow each; try model.vocab = 4 or more");
    if (!markov && s->vocab < 256)
        return config_refuse(config, config_blame(config, "model.vocab", "data.source"), error,
                             "a text is read as bytes, which are 256 tokens, and model.vocab = %lld; "
                             "try model.vocab = 256, or data.source = markov",
                             (long long)s->vocab);
    double L = (double)s->layers, h = (double)s->hidden, f = (double)s->ffn, V = (double)s->vocab;
    double attention = is_latent(s) ? latent_parameters(s) : 4 * h * h,
           experts = s->experts.count > 0
                         ? (double)(s->experts.count + s->experts.shared) * 3 * h * (double)s->experts.ffn
                         : 0;
    double matrices = L * (attention + 2 * h * f + experts) + 2 * V * h + (double)s->sequence * h;
    if (matrices > 1e17 && L * experts > matrices / 2)
        return config_refuse(
            config, config_blame(config, "moe.ffn", "moe.experts"), error,
            "about %.1e parameters (layers %lld, hidden %lld, %lld experts and %lld shared of ffn "
            "%lld), more than bytes can be counted for; try moe.ffn = 2048",
            matrices, (long long)s->layers, (long long)s->hidden, (long long)s->experts.count,
            (long long)s->experts.shared, (long long)s->experts.ffn);
    if (matrices > 1e17) /* 16 bytes of each must fit into 2^63 with room to spare */
        return config_refuse(
            config, config_blame(config, "model.layers", "model.hidden"), error,
            "about %.1e parameters (layers %lld, hidden %lld, ffn %lld, vocab %lld), more than bytes "
            "can be counted for; try model.preset = gpt2-1558m for a large one",
            matrices, (long long)s->layers, (long long)s->hidden, (long long)s->ffn, (long long)s->vocab);
    return true;
}

/* The widest rows are 3 hidden, or what of latents is in its place, ffn or vocab; of experts there are top_k of a token. */
bool config_check_matrices(const Config *config, Error *error)
{
    const GptShape *s = &config->model.shape;
    int64_t microbatch = config->train.microbatch, rows = s->experts.count ? s->experts.top_k : 1,
            tokens = microbatch * s->sequence * rows, packed = is_latent(s) ? qkv_width(s, 1) : 3 * s->hidden,
            experts = s->experts.count ? at_least(s->experts.shared, 1) * expert_inner_width(s) : 0,
            width = at_least(at_least(packed, inner_width(s)), at_least(s->vocab, experts));
    if (tokens <= INT32_MAX && width <= INT32_MAX) return true;
    return config_refuse(
        config, config_blame(config, "train.microbatch", "model.sequence"), error,
        "%lld samples of %lld tokens at once are matrices of %lld x %lld, and BLAS counts to %d; "
        "try train.microbatch = %lld",
        (long long)microbatch, (long long)s->sequence, (long long)tokens, (long long)width, INT32_MAX,
        (long long)at_least(INT32_MAX / s->sequence / 16, 1));
}
