/* matrix_cases.c - families and grids, what covers them, and a case's sets and name. */
#include "tests/support/matrix_cases.h"
#include <stdio.h>
#include <string.h>

static const Numbers FORMAT[] = {
#ifdef SIM_DOUBLE
    {"fp64", "train.precision=fp32", NULL, 1e-12, 0},
#else
    {"bf16", "train.precision=bf16", "train.gradients=same", 0.02, 0x1p-9},
    {"bf16 with fp32 gradients", "train.precision=bf16", "train.gradients=fp32", 0.02, 0x1p-9},
    {"fp16", "train.precision=fp16", "train.gradients=same", 0.0025, 0x1p-12},
#endif
};
enum { FORMATS = sizeof FORMAT / sizeof *FORMAT };

/* 19 words divide by nothing; 24 samples are a multiple of pp microbatches on every grid, as interleaved wants. No
 * clipping: its norm is added up in an order that follows which rank has which layers, and weights shall be
 * compared bit by bit. Layers come with the grid: 2 pp + 1 of them fill 2 pp stages and divide by none. The
 * unsplit run has all samples in one microbatch, the others one in each. */
#define MODEL "model.heads=24", "model.ffn=48", "model.sequence=24", "train.clip=0", "train.microbatch=0"
#define SHARED_EXPERTS "moe.experts=24", "moe.ffn=24", "moe.top_k=2"
enum {
    GPT2,
    PUBLISHED,
    GPT2_DROPOUT,
    LLAMA,
    LATENT,
    MOE,
    SHARED, /* the first of those whose replicas share experts */
    SHARED_SIGMOID,
    SHARED_DROPLESS,
    SHARED_BY_GATE,
    SHARED_BATCH, /* under gpipe alone */
    FAMILIES
};
static const struct {
    const char *name, *sets[32]; /* NULL-terminated */
} FAMILY[FAMILIES] = {
    [GPT2] = {"gpt-2", {MODEL, "model.hidden=24"}},
    [PUBLISHED] = {"as first published",
                   {MODEL, "model.hidden=24", "model.post_norm=yes", "model.position=sinusoidal",
                    "model.activation=relu"}},
    [GPT2_DROPOUT] = {"gpt-2 with SiLU, dropout, flash, one kv head",
                      {MODEL, "model.hidden=24", "model.kv_heads=1", "model.activation=silu",
                       "model.dropout=0.1", "model.attention=flash"}},
    [LLAMA] = {"llama with dropout",
               {MODEL, "model.hidden=48", "model.kv_heads=12", "model.norm=rmsnorm",
                "model.activation=swiglu", "model.position=rope", "model.bias=no", "model.tie_embeddings=no",
                "model.dropout=0.1"}},
    [LATENT] = {"latents with dropout",
                {MODEL, "model.hidden=48", "model.attention_kind=mla", "model.q_lora_rank=18",
                 "model.kv_lora_rank=14", "model.qk_nope_head_dim=3", "model.qk_rope_head_dim=2",
                 "model.v_head_dim=5", "model.norm=rmsnorm", "model.activation=swiglu", "model.position=rope",
                 "model.bias=no", "model.dropout=0.1"}},
    /* in 16 bits a split may choose other experts where scores are as good as equal */
    [MOE] = {"experts in every other layer",
             {MODEL, "model.hidden=24", "moe.experts=6", "moe.ffn=24", "moe.every=2", "moe.shared_experts=1",
              "moe.balance=auxiliary", "moe.balance_coefficient=0.1", "moe.balance_scope=sequence",
              "moe.capacity_factor=1.5", "moe.z_loss=0.01"}},
    [SHARED] = {"experts over replicas",
                {MODEL, "model.hidden=24", SHARED_EXPERTS, "moe.every=2", "moe.shared_experts=1",
                 "moe.balance=auxiliary", "moe.balance_coefficient=0.1", "moe.balance_scope=sequence",
                 "moe.capacity_factor=1.5", "moe.z_loss=0.01"}},
    [SHARED_SIGMOID] = {"experts over replicas, of DeepSeek-V3's kind",
                        {MODEL,
                         "model.hidden=48",
                         "model.attention_kind=mla",
                         "model.q_lora_rank=18",
                         "model.kv_lora_rank=14",
                         "model.qk_nope_head_dim=3",
                         "model.qk_rope_head_dim=2",
                         "model.v_head_dim=5",
                         "model.norm=rmsnorm",
                         "model.activation=swiglu",
                         "model.position=rope",
                         "model.bias=no",
                         SHARED_EXPERTS,
                         "moe.router=sigmoid",
                         "moe.groups=4",
                         "moe.groups_limited=2",
                         "moe.normalise_top_k=yes",
                         "moe.route_scale=2.5",
                         "moe.first_dense=1",
                         "moe.shared_experts=2",
                         "moe.balance=bias",
                         "moe.bias_step=0.05"}},
    [SHARED_DROPLESS] = {"experts over replicas, of Llama's kind",
                         {MODEL, "model.hidden=48", "model.kv_heads=12", "model.norm=rmsnorm",
                          "model.activation=swiglu", "model.position=rope", "model.bias=no",
                          "model.tie_embeddings=no", SHARED_EXPERTS, "moe.normalise_top_k=yes",
                          "moe.balance=auxiliary", "moe.balance_scope=sequence"}},
    [SHARED_BY_GATE] = {"experts over replicas, the smallest gates dropped",
                        {MODEL, "model.hidden=24", SHARED_EXPERTS, "moe.capacity_factor=0.6",
                         "moe.drop_policy=probability", "moe.balance_scope=sequence", "moe.z_loss=0.01"}},
    [SHARED_BATCH] = {"experts over replicas, their load of the batch",
                      {MODEL, "model.hidden=24", SHARED_EXPERTS, "moe.groups=4", "moe.groups_limited=2",
                       "moe.balance=auxiliary", "moe.balance_coefficient=0.1", "moe.device_coefficient=0.1",
                       "moe.communication_coefficient=0.1", "moe.balance_scope=global_batch"}},
};
enum { SHARED_KINDS = SHARED_BATCH - SHARED };
_Static_assert(64 * FAMILIES * FORMATS <= MATRIX_SPLITS, "the header has room for all");

static const int RANKS[] = {8, 6, 3};
static const struct {
    const char *data, *reduce;
    bool each_microbatch; /* reduces */
} DATA[] = {{"ddp", "auto", false},   {"zero1", "auto", false}, {"zero2", "auto", true},
            {"zero2", "step", false}, {"zero3", "auto", true},  {"zero3", "step", false}};
static const char *const RECOMPUTE[MATRIX_RECOMPUTES] = {"none", "selective", "full"};
_Static_assert(sizeof DATA / sizeof *DATA == MATRIX_DATAS, "the header has how many");

bool matrix_shares_experts(const Split *s)
{
    return s->family >= SHARED;
}

/* All of GPT-2's, and where replicas share experts; of the others those with two axes or three. The first two and experts
 * in fp64 alone. */
static bool is_listed(const Split *s)
{
    if ((s->family <= PUBLISHED || s->family >= MOE) && s->format->roundoff > 0) return false;
    if (matrix_shares_experts(s)) return s->ep > 1;
    if (s->ep > 1) return false;
    return s->family == GPT2 || (s->pp > 1) + (s->dp > 1) + (s->tp > 1) > 1;
}

int matrix_splits(Split *split)
{
    int count = 0;
    for (int i = 0; i < FAMILIES * FORMATS * (int)(sizeof RANKS / sizeof *RANKS); i++) {
        int ranks = RANKS[i / (FAMILIES * FORMATS)];
        Split s = {.family = i % FAMILIES, .format = &FORMAT[i / FAMILIES % FORMATS], .ranks = ranks};
        for (s.pp = 1; s.pp <= ranks; s.pp++)
            for (s.tp = 1; s.tp <= ranks / s.pp; s.tp++) {
                s.dp = ranks / (s.pp * s.tp);
                for (s.ep = 1; s.ep <= s.dp; s.ep++) {
                    if (s.dp * s.pp * s.tp != ranks || s.dp % s.ep || !is_listed(&s)) continue;
                    s.sequence_parallel = false;
                    split[count++] = s;
                    s.sequence_parallel = true;
                    split[count++] = s;
                }
            }
    }
    return count;
}

/* The slice: all data, reduce and schedules, every other one of a pair, on one grid with everything in it, deeper
 * pipelines beside it; in 16 bits the schedules with each kind of sharding, a pair in every other format. */
bool matrix_in_slice(const Choice *c)
{
    const Split *s = &c->split;
    bool all = s->ranks == 8 && s->pp == 2 && s->dp == 2 && s->sequence_parallel && c->recompute == 2;
    bool deep = s->ranks == 8 && s->pp == 4 && s->tp == 2 && !s->sequence_parallel &&
                c->recompute == (s->family == GPT2_DROPOUT ? 0 : 1);
    bool odd = s->ranks == 6 && s->pp == 3 && s->dp == 2 && !s->sequence_parallel && c->recompute == 0;
    bool sharded = odd && DATA[c->data].each_microbatch, even = (c->data / 2 + c->schedule) % 2 == 0;
    bool some = (c->data + 4 * c->schedule + s->ep) % 6 == 0;
    if (matrix_shares_experts(s))
        return some &&
               ((s->ranks == 8 && s->pp == 2 && s->tp == 2 && s->sequence_parallel) ||
                (s->ranks == 8 && s->dp == 8 && s->ep == 4) || (s->ranks == 6 && s->ep == 3 && s->pp == 2));
    if (s->format->roundoff > 0) return sharded && s->family >= LLAMA && even == (s->format - FORMAT) % 2;
    if (s->family != GPT2)
        return (all || deep) && c->data == MATRIX_DATAS - 2 && all == (s->family + c->schedule) % 2;
    return (all && (c->data + c->schedule) % 2 == 0) || (deep && c->data == 0) || (sharded && even);
}

/* Of a split whose replicas share experts: one kind of them, and one way to compute again, for each data and schedule. */
bool matrix_in_cover(const Choice *c)
{
    const Split *s = &c->split;
    if (!matrix_shares_experts(s)) return true;
    if (s->sequence_parallel && s->tp == 1) return false; /* that this is refused the others see */
    int first = s->pp + 2 * s->tp + s->ep + s->sequence_parallel;
    if (s->family == SHARED_BATCH) /* others want the first backwards before the last forwards */
        return c->schedule == SCHEDULE_GPIPE && (c->data + first) % MATRIX_RECOMPUTES == c->recompute;
    return (c->data + c->schedule + first) % SHARED_KINDS == s->family - SHARED &&
           (c->data + 2 * c->schedule + first) % MATRIX_RECOMPUTES == c->recompute;
}

bool matrix_reduces_each(const Choice *c)
{
    return DATA[c->data].each_microbatch;
}

/* What there is no such thing as: slices of a sequence that nobody shares, scores that flash attention would have kept.
 * The config must refuse this and nothing else. */
bool matrix_impossible(const Choice *c)
{
    bool selective = strcmp(RECOMPUTE[c->recompute], "selective") == 0;
    return (c->split.sequence_parallel && c->split.tp == 1) || (selective && c->split.family == GPT2_DROPOUT);
}

/* Some of each that can be; bulk changes no bit. */
RegionOverlap matrix_overlap(const Choice *c)
{
    int some = (c->schedule + c->data + c->recompute) % 3;
    if (c->split.tp == 1 || some == 0) return REGION_WAITS;
    if (c->split.sequence_parallel && some == 2) return REGION_PIPELINED;
    return c->schedule == SCHEDULE_ZB_H1 ? REGION_WAITS : REGION_BULK;
}

/* hardware.all_to_all, on nodes that two of those that share experts lie in; NULL: there are none. */
static const char *hops_of(const Choice *c)
{
    static const char *const ways[] = {NULL, "hierarchical", "auto"};
    return c->split.ep < 4 ? NULL : ways[(c->data + c->schedule / 2 * 2) % 3];
}

Case matrix_truth(const Split *split, Settings *settings)
{
    Case truth = {.steps = MATRIX_STEPS};
    int n = 0;
    for (; FAMILY[split->family].sets[n]; n++) truth.sets[n] = FAMILY[split->family].sets[n];
    snprintf(settings->layers, sizeof settings->layers, "model.layers=%d", 2 * split->pp + 1);
    truth.sets[n++] = settings->layers;
    truth.sets[n++] = split->format->set;
    truth.sets[n] = split->format->gradients;
    return truth;
}

Case matrix_case(const Choice *c, Settings *settings)
{
    const Split *s = &c->split;
    Case one = matrix_truth(s, settings);
    int n = 0;
    while (one.sets[n]) n++;
    bool interleaved = c->schedule == SCHEDULE_INTERLEAVED;
    char(*text)[48] = settings->text;
    snprintf(text[0], sizeof *text, "parallel.pp=%d", s->pp);
    snprintf(text[1], sizeof *text, "parallel.tp=%d", s->tp);
    snprintf(text[2], sizeof *text, "parallel.sequence_parallel=%s", s->sequence_parallel ? "yes" : "no");
    snprintf(text[3], sizeof *text, "parallel.data=%s", DATA[c->data].data);
    snprintf(text[4], sizeof *text, "parallel.reduce=%s", DATA[c->data].reduce);
    snprintf(text[5], sizeof *text, "parallel.schedule=%s", schedule_name[c->schedule]);
    snprintf(text[6], sizeof *text, "parallel.virtual_stages=%d", interleaved ? 2 : 1);
    snprintf(text[7], sizeof *text, "train.recompute=%s", RECOMPUTE[c->recompute]);
    snprintf(text[8], sizeof *text, "train.microbatch=1");
    static const char *const overlap[] = {"none", "bulk", "pipelined"};
    snprintf(text[9], sizeof *text, "parallel.tensor_overlap=%s", overlap[matrix_overlap(c)]);
    snprintf(text[10], sizeof *text, "parallel.ep=%d", s->ep);
    const char *hops = hops_of(c);
    snprintf(text[11], sizeof *text, "hardware.profile=%s", "slow.ini");
    snprintf(text[12], sizeof *text, "hardware.all_to_all=%s", hops ? hops : "");
    snprintf(text[13], sizeof *text, "node.devices=%d", 2 * s->tp);
    for (int i = 0; i < (hops ? MATRIX_SETS : 11); i++) one.sets[n + i] = text[i];
    return one;
}

void matrix_name(const Choice *c, char *name, size_t size)
{
    const Split *s = &c->split;
    char ep[32] = "";
    if (s->ep > 1)
        snprintf(ep, sizeof ep, ", ep %d%s%s", s->ep, hops_of(c) ? " " : "", hops_of(c) ? hops_of(c) : "");
    snprintf(name, size, "%s in %s, pp %d x dp %d x tp %d%s%s, %-5s reduce %-4s, %-11s, recompute %-9s",
             FAMILY[s->family].name, s->format->name, s->pp, s->dp, s->tp, ep,
             s->sequence_parallel ? " sp" : "   ", DATA[c->data].data, DATA[c->data].reduce,
             schedule_name[c->schedule], RECOMPUTE[c->recompute]);
}
