/* ranks_families.c - models that are not GPT-2 train under every kind of
 * split as unsplit, and with dropout every split drops the same elements. On
 * virtual ranks in this process; under mpirun (tests/run.sh does both) on the
 * ranks it was given. */
#include <stdio.h>
#include <string.h>
#include "tests/ranks.h"
#include "tests/support/case_ranks.h"
#include "tests/support/check.h"

enum { STEPS = 2, SPLIT_SETS = 8 };

#define SMALL "model.hidden=24", "model.heads=12", "model.ffn=36", "model.sequence=12", "model.layers=4"
#define LLAMA "model.norm=rmsnorm", "model.activation=swiglu", "model.position=rope", "model.bias=no"
#define EXPERTS "moe.experts=4", "moe.ffn=12"
#define BALANCE "moe.balance=auxiliary", "moe.balance_coefficient=0.1", "moe.balance_scope=sequence"
#define UNTIED "model.tie_embeddings=no"
/* no width is another's, nor hidden / heads */
#define MLA "model.qk_nope_head_dim=3", "model.qk_rope_head_dim=4", "model.v_head_dim=5"

typedef struct Family {
    const char *name;
    int kv_heads;         /* parallel.tp divides them, or they divide it; 0: of latents there are none */
    const char *sets[18]; /* NULL-terminated */
} Family;

static const Family FAMILIES[] = {
    {"llama, 4 kv heads", 4, {LLAMA, UNTIED}},
    {"llama, 6 kv heads", 6, {LLAMA, UNTIED}},
    {"llama, 12 kv heads, tied", 12, {LLAMA}},
    {"multi-query", 1, {NULL}},
    {"llama, multi-query, dropout", 1, {LLAMA, UNTIED, "model.dropout=0.1"}},
    {"two kv heads, RoPE on biases", 2, {"model.position=rope"}},
    {"as first published", 12, {"model.post_norm=yes", "model.position=sinusoidal", "model.activation=relu"}},
    {"SiLU without bias", 3, {"model.activation=silu", "model.bias=no"}},
    {"flash", 12, {"model.attention=flash"}},
    {"flash, 4 kv heads, full", 4, {"model.attention=flash", "train.recompute=full"}},
    {"dropout", 12, {"model.dropout=0.1"}},
    {"dropout and flash", 12, {"model.dropout=0.1", "model.attention=flash"}},
    {"llama, dropout, selective", 4, {LLAMA, "model.dropout=0.1", "train.recompute=selective"}},
    {"llama, dropout, full", 6, {LLAMA, "model.dropout=0.1", "train.recompute=full"}},
    {"post-norm, dropout, full", 12, {"model.post_norm=yes", "model.dropout=0.1", "train.recompute=full"}},
    {"latents", 0, {LLAMA, UNTIED, MLA, "model.q_lora_rank=10", "model.kv_lora_rank=8"}},
    {"latents, none of queries, biases, full",
     0,
     {"model.position=rope", MLA, "model.kv_lora_rank=15", "train.recompute=full"}},
    {"latents, dropout, flash",
     0,
     {LLAMA, MLA, "model.q_lora_rank=7", "model.dropout=0.1", "model.attention=flash"}},
    {"latents, dropout, selective",
     0,
     {"model.position=rope", "model.post_norm=yes", MLA, "model.dropout=0.1", "train.recompute=selective"}},
    {"post-norm, RMSNorm, dropout, flash",
     2,
     {"model.post_norm=yes", "model.norm=rmsnorm", "model.dropout=0.1", "model.attention=flash", UNTIED}},
    /* loads of a sequence, so that microbatches may be of any size */
    {"experts", 12, {EXPERTS, "moe.first_dense=1", "moe.z_loss=0.01"}},
    {"experts, balance, capacity",
     12,
     {EXPERTS, BALANCE, "moe.capacity_factor=1.25", "moe.drop_policy=probability", "train.recompute=full"}},
    {"llama, experts, sigmoid, groups, shared, dropout",
     4,
     {LLAMA, UNTIED, EXPERTS, BALANCE, "moe.groups=2", "moe.router=sigmoid", "moe.shared_experts=1",
      "model.dropout=0.1"}},
    {"llama, experts, sigmoid, bias, groups, their losses",
     4,
     {LLAMA, UNTIED, EXPERTS, "moe.balance=bias", "moe.bias_step=0.1", "moe.balance_coefficient=0.1",
      "moe.balance_scope=sequence", "moe.groups=2", "moe.router=sigmoid", "moe.device_coefficient=0.2",
      "moe.communication_coefficient=0.1"}},
    {"experts in every other layer, gates of 1 together, selective",
     12,
     {EXPERTS, BALANCE, "moe.every=2", "moe.normalise_top_k=yes", "moe.shared_experts=2",
      "train.recompute=selective"}},
    {"as DeepSeek-V2 is built", 0, {"model.preset=deepseek-v2-tiny", BALANCE, "moe.capacity_factor=1.5"}},
    {"as DeepSeek-V3 is built", 0, {"model.preset=deepseek-v3-tiny", BALANCE, "train.recompute=selective"}},
};

typedef struct Split {
    int ranks, pp, tp;
    bool sequence_parallel;
    const char *schedule;
    int virtual_stages, microbatch;
    const char *data, *overlap;
} Split;

/* Microbatches of several sizes: what is dropped follows a sample's number in the run, not in these. */
static const Split SPLITS[] = {
    {2, 1, 1, false, "1f1b", 1, 3, "zero3", "none"},
    {2, 1, 2, false, "1f1b", 1, 12, "ddp", "bulk"},
    {2, 1, 2, true, "1f1b", 1, 8, "ddp", "pipelined"},
    {2, 2, 1, false, "zb-h1", 1, 6, "ddp", "none"},
    {3, 1, 3, true, "1f1b", 1, 6, "ddp", "none"},
    {3, 3, 1, false, "gpipe", 1, 4, "ddp", "none"},
    {4, 1, 2, true, "1f1b", 1, 6, "zero3", "bulk"},
    {4, 1, 4, true, "1f1b", 1, 6, "zero1", "none"},
    {4, 2, 1, false, "interleaved", 2, 3, "zero2", "none"},
    {4, 2, 2, true, "zb-h1", 1, 4, "dp", "pipelined"},
    {6, 1, 6, false, "1f1b", 1, 24, "zero3", "none"},
    {6, 2, 3, true, "interleaved", 2, 6, "zero1", "pipelined"},
    {6, 3, 2, false, "zb-h1", 1, 4, "zero2", "none"},
    {8, 2, 2, true, "naive", 1, 3, "dp", "none"},
    {8, 2, 2, true, "1f1b", 1, 3, "ddp", "none"},
    {8, 2, 2, false, "gpipe", 1, 3, "zero1", "bulk"},
    {8, 2, 2, true, "interleaved", 2, 3, "zero2", "bulk"},
    {8, 2, 2, true, "zb-h1", 1, 3, "zero3", "none"},
    {8, 2, 4, true, "zb-h1", 1, 6, "zero3", "none"},
    {8, 4, 1, false, "1f1b", 1, 2, "zero3", "none"},
};

typedef struct Words {
    char kv_heads[32], split[SPLIT_SETS][48];
} Words;

/* Unsplit: all 24 samples at once. */
static Case unsplit(const Family *f, Words *text)
{
    Case c = {.steps = STEPS, .sets = {SMALL, text->kv_heads, "train.microbatch=0"}};
    int n = 0;
    while (c.sets[n]) n++;
    for (int i = 0; f->sets[i]; i++) c.sets[n++] = f->sets[i];
    snprintf(text->kv_heads, sizeof text->kv_heads,
             f->kv_heads ? "model.kv_heads=%d" : "model.attention_kind=mla", f->kv_heads);
    return c;
}

static Case split_by(const Family *f, const Split *s, Words *text)
{
    Case c = unsplit(f, text);
    int n = 0;
    while (c.sets[n]) n++;
    snprintf(text->split[0], sizeof *text->split, "parallel.pp=%d", s->pp);
    snprintf(text->split[1], sizeof *text->split, "parallel.tp=%d", s->tp);
    snprintf(text->split[2], sizeof *text->split, "parallel.sequence_parallel=%s",
             s->sequence_parallel ? "yes" : "no");
    snprintf(text->split[3], sizeof *text->split, "parallel.schedule=%s", s->schedule);
    snprintf(text->split[4], sizeof *text->split, "parallel.virtual_stages=%d", s->virtual_stages);
    snprintf(text->split[5], sizeof *text->split, "train.microbatch=%d", s->microbatch);
    snprintf(text->split[6], sizeof *text->split, "parallel.data=%s", s->data);
    snprintf(text->split[7], sizeof *text->split, "parallel.tensor_overlap=%s", s->overlap);
    for (int i = 0; i < SPLIT_SETS; i++) c.sets[n++] = text->split[i];
    return c;
}

static void one_case(const Case *truth, const Family *f, const Split *s)
{
    char what[256];
    Words text;
    Case c = split_by(f, s, &text);
    snprintf(what, sizeof what, "%s: pp %d x tp %d%s, %s, overlap %s, %s, microbatches of %d", f->name, s->pp,
             s->tp, s->sequence_parallel ? " sp" : "", s->data, s->overlap, s->schedule, s->microbatch);
    agrees_also_dry(truth, &c, what, s->ranks);
}

/* Each under every third split, and its neighbours in the list under the others; make check-matrix goes further. */
static void every_family_as_unsplit(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof FAMILIES / sizeof *FAMILIES; i++) {
        const Family *f = &FAMILIES[i];
        Words text;
        Case truth = unsplit(f, &text);
        run_truth(&truth);
        for (size_t k = 0; k < sizeof SPLITS / sizeof *SPLITS; k++)
            if ((i + k) % 3 == 0 && ranks_fit(SPLITS[k].ranks) &&
                (f->kv_heads % SPLITS[k].tp == 0 || SPLITS[k].tp % f->kv_heads == 0))
                one_case(&truth, f, &SPLITS[k]);
        case_free(&truth);
    }
}

int ranks_families(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_family_as_unsplit),
    };
    return cmocka_run_group_tests_name("families", tests, NULL, NULL);
}
