/* test_block.c - a block's backward in two halves: the same bits as in one, in every order of microbatches;
 * what the ledger holds between the halves; what is sent; what is dropped. Of every family, on one virtual rank,
 * and on two with and without sequence parallelism. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "models/kernels/matmul.h"
#include "models/layers/block.h"
#include "models/layers/branch_attention.h"
#include "models/machine/tensor_values.h"
#include "parallel/tensor_parallel.h"
#include "parallel/wire/comm_virtual.h"
#include "tests/support/check.h"
#include "tests/support/probe.h"
#include "tests/support/ranks.h"

enum { BATCH = 3, MICROBATCHES = 3, MODES = 3, MASKS = BLOCK_BRANCHES + 1 };
#define SIZES(kv) .hidden = 12, .heads = 6, .kv_heads = (kv), .ffn = 18, .sequence = 8, .rope_base = 100
#define GPT_2 SIZES(6), .bias = true
#define LLAMA_OF(kv) \
    SIZES(kv), .norm = NORM_RMSNORM, .activation = ACTIVATION_SWIGLU, .position = POSITION_ROPE
#define LLAMA LLAMA_OF(2)
#define LATENTS                                                                                       \
    .attention_kind = ATTENTION_MLA, .kv_lora_rank = 5, .qk_nope_head_dim = 3, .qk_rope_head_dim = 2, \
    .v_head_dim = 4
#define EXPERTS(...)                 \
    .experts = {.count = 4,          \
                .top_k = 2,          \
                .ffn = 6,            \
                .every = 1,          \
                .scale = 2,          \
                .groups = 2,         \
                .groups_limited = 1, \
                __VA_ARGS__}
static const struct {
    const char *name;
    GptShape shape;
} FAMILIES[] = {
    {"GPT-2", {GPT_2}},
    {"post-norm", {GPT_2, .post_norm = true, .activation = ACTIVATION_RELU}},
    {"dropout", {GPT_2, .dropout = 0.25}},
    {"flash", {GPT_2, .attention = ATTENTION_FLASH}},
    {"flash, dropout", {GPT_2, .attention = ATTENTION_FLASH, .dropout = 0.25}},
    {"Llama", {LLAMA}},
    {"Llama, dropout", {LLAMA, .dropout = 0.25}},
    {"latents", {LLAMA_OF(6), LATENTS, .q_lora_rank = 7}},
    {"latents, none of queries, with biases", {GPT_2, .position = POSITION_ROPE, LATENTS}},
    {"latents, post-norm, dropout",
     {LLAMA_OF(6), LATENTS, .q_lora_rank = 7, .post_norm = true, .dropout = 0.25}},
    {"latents, none of queries, flash", {LLAMA_OF(6), LATENTS, .attention = ATTENTION_FLASH}},
    {"Llama, post-norm, flash, dropout",
     {LLAMA, .post_norm = true, .attention = ATTENTION_FLASH, .dropout = 0.25}},
    {"experts", {GPT_2, EXPERTS(.normalise = true)}},
    {"experts, z-loss, dropout", {LLAMA, .dropout = 0.25, EXPERTS(.z_loss = 0.1, .capacity = 0.75)}},
    {"experts, shared, balance",
     {LLAMA, EXPERTS(.shared = 2, .router = ROUTER_SIGMOID, .balance = BALANCE_AUXILIARY, .auxiliary = 0.1,
                     .scope = SCOPE_SEQUENCE)}},
    {"latents, experts", {LLAMA_OF(6), LATENTS, .q_lora_rank = 7, EXPERTS(.shared = 1)}},
    {"experts, post-norm",
     {GPT_2, .post_norm = true, EXPERTS(.shared = 1, .balance = BALANCE_AUXILIARY, .auxiliary = 0.1)}},
};
enum { FAMILY_COUNT = sizeof FAMILIES / sizeof *FAMILIES };
static const char *const MODE_NAME[MODES] = {"none", "selective", "full"};

typedef struct Case {
    Findings findings; /* first: check_findings() */
    const char *name;
    const GptShape *shape;
    Recompute recompute;
    bool sequence;
    uint8_t *whole[MASKS]; /* every_split_drops_the_same() */
} Case;

/* ---- one rank and its microbatches ---- */

typedef struct Rank {
    Device device;
    Comm *comm;
    Group *group;
    Region region;
    Dispatch dispatch;
    const Case *of;
    BlockLayout layout;
    int64_t outside; /* elements of a (B, T', C) */
    Tensor truth, weights, gradients;
    BlockParameters p, d;
    BlockSaved saved[MICROBATCHES];
    Tensor dy[MICROBATCHES];
} Rank;

/* Both units, one after the other. */
static BlockParameters tensors_in(const BlockLayout *layout, Tensor all)
{
    int64_t own = layout->values[BLOCK_OWN];
    Tensor flat[BLOCK_UNITS] = {tensor_view(all, 0, own), tensor_view(all, own, all.count - own)};
    return block_parameters(layout, flat);
}

/* The weights need not fit together over the ranks: nothing here compares with the whole. */
static void rank_open(Rank *r, const Case *c, Comm *comm)
{
    *r = (Rank){.comm = comm, .group = group_world(comm, CHANNEL), .of = c, .dispatch = {.size = 1}};
    TensorParallelConfig config = {.size = comm->size, .sequence_parallel = c->sequence};
    r->region = tensor_parallel_region(&config, r->group, NULL);
    r->outside = BATCH * region_rows(&r->region, c->shape->sequence) * c->shape->hidden;
    r->layout =
        block_layout(c->shape, comm->size, c->shape->experts.count, &block_kind[block_of(c->shape, 1)]);
    int64_t count = r->layout.values[BLOCK_OWN] + r->layout.values[BLOCK_EXPERTS];
    r->truth = noise(&r->device, count, 100 + (uint64_t)comm->rank, 0.5);
    r->weights = constant(&r->device, count, NAN);
    r->gradients = constant(&r->device, count, 1);
    r->p = tensors_in(&r->layout, r->weights);
    r->d = tensors_in(&r->layout, r->gradients);
}

static void rank_close(Rank *r)
{
    for (int m = 0; m < MICROBATCHES; m++) tensor_free(&r->dy[m]);
    Tensor *own[] = {&r->truth, &r->weights, &r->gradients};
    for (int i = 0; i < 3; i++) tensor_free(own[i]);
    group_free(r->group);
}

/* F, B, I or W of microbatch m. The weights are there only while it may read them, and NaN otherwise. */
static void act(Rank *r, char kind, int m)
{
    const GptShape *shape = r->of->shape;
    BlockSaved *s = &r->saved[m];
    BlockRun run = {.shape = shape,
                    .block = r->layout.block,
                    .region = &r->region,
                    .dispatch = &r->dispatch,
                    .recompute = r->of->recompute,
                    .B = BATCH,
                    .scale = 0.5};
    run.dropout =
        (Dropout){.rate = shape->dropout, .seed = 1, .step = 2, .layer = 3, .first_sample = m * BATCH};
    /* outside a region without sequence parallelism all ranks hold the same */
    uint64_t which = (uint64_t)(10 * m + (r->region.sequence ? r->comm->rank : 0));
    if (kind != 'W') tensor_copy(r->weights, r->truth);
    if (kind == 'F') {
        Tensor x = noise(&r->device, r->outside, 200 + which, 1);
        tensor_rebook(&x, MEM_ACTIVATIONS);
        Tensor y = block_forward(&run, MEM_COMMUNICATION, &r->p, x, s);
        tensor_free(&y);
        r->dy[m] = noise(&r->device, r->outside, 300 + which, 1);
    }
    if (kind == 'B') block_backward(&run, &r->p, &r->d, s, r->dy[m]);
    if (kind == 'I') block_backward_input(&run, &r->p, s, r->dy[m]);
    if (kind != 'W')
        for (int64_t i = 0; i < r->weights.count; i++) reals(r->weights)[i] = NAN;
    if (kind == 'W') block_backward_weight(&run, &r->d, s);
}

static void walk(Rank *r, const char *actions)
{
    for (; *actions; actions += 2) act(r, actions[0], actions[1] - '0');
}

static bool same(Tensor a, Tensor b)
{
    return memcmp(a.data, b.data, tensor_bytes(a)) == 0;
}

/* Runs body on every region for a family under a mode of recomputation. */
static void on_every_region(void (*body)(Comm *comm, void *context), int family, Recompute recompute)
{
    for (int ranks = 1; ranks <= 2; ranks++)
        for (int sequence = 0; sequence < ranks; sequence++) {
            Case c = {.name = FAMILIES[family].name,
                      .shape = &FAMILIES[family].shape,
                      .recompute = recompute,
                      .sequence = sequence};
            Error error;
            assert_true(virtual_run(ranks, body, &c, &error));
            check_findings(&c.findings, ranks, sequence);
        }
}

static void everywhere(void (*body)(Comm *comm, void *context))
{
    for (int f = 0; f < FAMILY_COUNT; f++)
        for (int k = 0; k < MODES; k++) on_every_region(body, f, (Recompute)k);
}

/* ---- the same bits ---- */

static void in_any_order(Comm *comm, void *context)
{
    /* gradients are added to in the order of the microbatches in all of them */
    static const char *const orders[] = {"F0F1I0I1W0W1F2I2W2", "F0I0W0F1I1W1F2I2W2", "F0F1F2I0I1W0I2W1W2",
                                         "F0B0F1F2I1I2W1W2", "F0F1F2I2B0B1W2"};
    Case *c = context;
    Rank one;
    rank_open(&one, c, comm);
    walk(&one, "F0F1F2B0B1B2");
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        Rank halves;
        rank_open(&halves, c, comm);
        walk(&halves, orders[i]);
        for (int m = 0; m < MICROBATCHES; m++)
            expect(&c->findings, same(one.dy[m], halves.dy[m]), "%s, %s, recompute %s: dx of %d", c->name,
                   orders[i], MODE_NAME[c->recompute], m);
        expect(&c->findings, same(one.gradients, halves.gradients),
               "%s, %s, recompute %s: gradients of rank %d", c->name, orders[i], MODE_NAME[c->recompute],
               comm->rank);
        rank_close(&halves);
        expect(&c->findings, halves.device.total == 0, "%s, %s: %zu bytes left", c->name, orders[i],
               halves.device.total);
    }
    rank_close(&one);
}

static void halves_give_the_bits_of_the_whole(void **state)
{
    (void)state;
    everywhere(in_any_order);
}

/* ---- the ledger ---- */

static void holds(Case *c, const Rank *r, const char *after, int64_t bytes)
{
    const Device *d = &r->device;
    expect(&c->findings, d->current[MEM_ACTIVATIONS] == (size_t)bytes,
           "%s, recompute %s after %s: %zu bytes, not %zu", c->name, MODE_NAME[c->recompute], after,
           d->current[MEM_ACTIVATIONS], (size_t)bytes);
    expect(&c->findings, d->current[MEM_WORKSPACE] + d->current[MEM_COMMUNICATION] == 0,
           "%s, recompute %s after %s: scratch is left", c->name, MODE_NAME[c->recompute], after);
}

/* One action; what it held at most is the greater of what there was before and after. */
static void peaks_at_an_end(Case *c, Rank *r, const char *action)
{
    Device *d = &r->device;
    size_t before = d->peak[MEM_ACTIVATIONS] = d->current[MEM_ACTIVATIONS];
    walk(r, action);
    size_t after = d->current[MEM_ACTIVATIONS];
    expect(&c->findings, d->peak[MEM_ACTIVATIONS] == (before > after ? before : after),
           "%s, recompute %s: %s goes from %zu over %zu to %zu bytes", c->name, MODE_NAME[c->recompute],
           action, before, d->peak[MEM_ACTIVATIONS], after);
}

/* Bytes that routing and experts keep: in either case; after forward, and between the halves. */
typedef struct Experts {
    int64_t both, forward, halfway;
} Experts;

static Experts experts_kept(const GptShape *s, int64_t t)
{
    const ExpertsShape *e = &s->experts;
    int64_t w = sizeof(real), n = BATCH * s->sequence, choices = n * e->top_k, scores = w * n * e->count;
    int64_t rows = e->capacity > 0 ? (int64_t)(e->capacity * (double)choices) : choices; /* the room */
    int64_t widths = (expert_inner_width(s) + e->ffn) / t;
    if (e->count == 0) return (Experts){0};
    /* both layers' inputs and outputs, or the gradients of these; where the rows are, and how many of each expert */
    return (Experts){.both = w * (rows * (widths + s->hidden) + n * e->shared * widths) +
                             (int64_t)sizeof(int32_t) * (choices + e->count),
                     .forward =
                         scores * (e->z_loss > 0 ? 2 : 1) + (w + (int64_t)sizeof(int32_t)) * choices +
                         (has_balance_loss(e) ? w * e->count * (e->scope == SCOPE_SEQUENCE ? BATCH : 1) : 0),
                     .halfway = scores};
}

static void ledger_of(Comm *comm, void *context)
{
    Case *c = context;
    const GptShape *s = c->shape;
    Rank r;
    rank_open(&r, c, comm);
    int64_t t = comm->size, w = sizeof(real), n = BATCH * s->sequence, out = r.outside;
    int64_t rows = n * s->heads / t, cells = rows * s->sequence;
    bool flash = s->attention == ATTENTION_FLASH, drops = s->dropout > 0;
    /* of both branches x and norm, inner and outer; their masks; the latents, as they come and normed */
    Experts e = experts_kept(s, t);
    int64_t mlp = s->experts.count ? 0 : (inner_width(s) + s->ffn) / t,
            latents = s->q_lora_rank + s->kv_lora_rank;
    int64_t heads = heads_width(s) / t, outside = out / s->hidden;
    int64_t linear = w * (4 * out + 2 * outside * latents + n * (qkv_width(s, t) + heads + mlp)) + e.both;
    int64_t both = linear + e.forward + (drops ? 2 * out : 0) + (flash ? w * rows : 0);
    int64_t scores = flash ? 0 : drops ? cells * (2 * w + 1) : cells * w;
    const int64_t forward[MODES] = {both + scores, both, w * out};
    /* of both branches the linear layers' inputs, and their outputs' gradients; the norms' gradients. Where there are
     * latents those of queries and of what makes keys and values, and not of q, k and v */
    int64_t ups = s->heads / t * (key_width(s) + s->qk_nope_head_dim + s->v_head_dim),
            gradients = is_latent(s) ? ups : qkv_width(s, t);
    int64_t halfway =
        w * (4 * out + outside * (2 * latents + s->qk_rope_head_dim) + n * (gradients + heads + mlp)) +
        w * (4 * s->hidden + latents) + e.both + e.halfway;

    walk(&r, "F0");
    holds(c, &r, "F0", forward[c->recompute]);
    peaks_at_an_end(c, &r, "F1");
    peaks_at_an_end(c, &r, "I0");
    holds(c, &r, "F0 F1 I0", forward[c->recompute] + halfway);
    peaks_at_an_end(c, &r, "I1");
    holds(c, &r, "I0 I1", 2 * halfway);
    peaks_at_an_end(c, &r, "W0");
    holds(c, &r, "W0", halfway);
    peaks_at_an_end(c, &r, "W1");
    holds(c, &r, "W1", 0);
    walk(&r, "F2");
    peaks_at_an_end(c, &r, "B2");
    holds(c, &r, "B2", 0);
    rank_close(&r);
}

static void ledger_between_the_halves(void **state)
{
    (void)state;
    everywhere(ledger_of);
}

/* ---- work and bytes ---- */

typedef struct Cost {
    double flops;
    uint64_t gathered, sent; /* bytes: in all-gathers, in all */
} Cost;

static Cost cost(Rank *r, const char *action)
{
    Cost before = {.flops = work_sum(r->device.done).flops, .gathered = r->comm->bytes[TP_ALL_GATHER]}, after;
    for (int i = 0; i < PURPOSES; i++) before.sent += r->comm->bytes[i];
    walk(r, action);
    after = (Cost){.flops = work_sum(r->device.done).flops - before.flops,
                   .gathered = r->comm->bytes[TP_ALL_GATHER] - before.gathered};
    for (int i = 0; i < PURPOSES; i++) after.sent += r->comm->bytes[i];
    after.sent -= before.sent;
    return after;
}

/* The halves compute what the whole does; under sequence parallelism the
 * gradients of both branches' results are gathered once more. */
static void costs_of(Comm *comm, void *context)
{
    Case *c = context;
    Rank r;
    rank_open(&r, c, comm);
    walk(&r, "F0F1");
    Cost whole = cost(&r, "B0"), input = cost(&r, "I1"), weight = cost(&r, "W1");
    /* on two ranks each sends its half of what is gathered */
    const GptShape *s = c->shape;
    uint64_t column = c->sequence ? (uint64_t)(r.outside / s->hidden) * sizeof(real) : 0,
             gather = column * (uint64_t)s->hidden;
    /* what enters both branches, again, and in forward */
    int64_t latents = s->kv_lora_rank + (s->q_lora_rank ? s->q_lora_rank - s->hidden : 0);
    uint64_t entered = 2 * gather + column * (uint64_t)latents,
             entering = entered + column * (uint64_t)s->qk_rope_head_dim;
    uint64_t again = c->recompute == RECOMPUTE_FULL ? entering : 0;
    /* experts that none is shared beside keep what they need of their result's gradient */
    uint64_t twice = s->experts.count && !s->experts.shared ? gather : 2 * gather;
    bool alike = s->experts.capacity == 0; /* else each microbatch has other rows */
    expect(&c->findings, !alike || input.flops + weight.flops == whole.flops,
           "%s: %.0f + %.0f flops, not %.0f", c->name, input.flops, weight.flops, whole.flops);
    expect(&c->findings, whole.gathered == 2 * gather + entered + again, "B gathers %.0f bytes",
           (double)whole.gathered);
    expect(&c->findings, input.gathered == 2 * gather + again, "I gathers %.0f bytes",
           (double)input.gathered);
    expect(&c->findings, weight.gathered == twice + entered && weight.sent == weight.gathered,
           "W gathers %.0f and sends %.0f bytes", (double)weight.gathered, (double)weight.sent);
    expect(&c->findings, input.sent + weight.sent == whole.sent + twice, "%.0f + %.0f bytes, not %.0f",
           (double)input.sent, (double)weight.sent, (double)(whole.sent + twice));
    rank_close(&r);
}

static void halves_gather_dy_twice(void **state)
{
    (void)state;
    everywhere(costs_of);
}

/* ---- dropout ---- */

/* Keeps one rank's masks, (B, ...) each, or finds this rank's slice of each sample in them. */
static void drops_alike(Comm *comm, void *context)
{
    Case *c = context;
    Rank r;
    rank_open(&r, c, comm);
    walk(&r, "F0");
    const BranchSaved *branch = r.saved[0].branch;
    for (int i = 0; i < MASKS; i++) {
        bool scores = i == BLOCK_BRANCHES, cut = scores || c->sequence;
        Tensor mask = scores ? branch[0].kept[ATTENTION_MASK] : branch[i].mask;
        size_t each = (size_t)mask.count / BATCH, whole = cut ? each * (size_t)comm->size : each;
        if (comm->size == 1) {
            c->whole[i] = allocate(tensor_bytes(mask));
            memcpy(c->whole[i], mask.data, tensor_bytes(mask));
        }
        for (size_t b = 0; b < BATCH; b++)
            expect(&c->findings,
                   memcmp(masks(mask) + b * each,
                          c->whole[i] + b * whole + (cut ? (size_t)comm->rank * each : 0), each) == 0,
                   "mask %d of sample %zu on rank %d", i, b, comm->rank);
    }
    walk(&r, "B0");
    rank_close(&r);
}

static void every_split_drops_the_same(void **state)
{
    (void)state;
    static const GptShape shape = {GPT_2, .dropout = 0.25};
    static const struct {
        int ranks;
        bool sequence;
    } splits[] = {{1, false}, {2, false}, {2, true}, {3, false}, {6, false}};
    Case c = {.shape = &shape};
    for (size_t i = 0; i < sizeof splits / sizeof *splits; i++) {
        Error error;
        c.sequence = splits[i].sequence;
        assert_true(virtual_run(splits[i].ranks, drops_alike, &c, &error));
        check_findings(&c.findings, splits[i].ranks, c.sequence);
    }
    for (int i = 0; i < MASKS; i++) free(c.whole[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(halves_give_the_bits_of_the_whole),
        cmocka_unit_test(ledger_between_the_halves),
        cmocka_unit_test(halves_gather_dy_twice),
        cmocka_unit_test(every_split_drops_the_same),
    };
    matmul_one_thread();
    return cmocka_run_group_tests_name("block", tests, NULL, NULL);
}
