/* ranks_dispatch.c - experts that ranks share: which rows come, in which order, and what goes home, to the last bit; and a
 * block's results and gradients as of one rank that has all experts. On 1 to 9 virtual ranks; under mpirun on the ranks it
 * was given. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "models/kernels/matmul.h"
#include "models/layers/block.h"
#include "models/layers/branch_experts.h"
#include "models/layers/expert_rows.h"
#include "models/machine/tensor_values.h"
#include "parallel/expert_parallel.h"
#include "tests/ranks.h"
#include "tests/support/check.h"
#include "tests/support/probe.h"
#include "tests/support/ranks.h"

enum { E = 24, BATCH = 2 };
#define SIZES .hidden = 8, .heads = 2, .kv_heads = 2, .ffn = 12, .sequence = 7, .rope_base = 100, .bias = true
#define LLAMA .norm = NORM_RMSNORM, .activation = ACTIVATION_SWIGLU, .position = POSITION_ROPE
#define EXPERTS_OF(of, limited, ...)         \
    .experts = {.count = E,                  \
                .top_k = 3,                  \
                .ffn = 6,                    \
                .every = 1,                  \
                .scale = 2,                  \
                .groups = (of),              \
                .groups_limited = (limited), \
                __VA_ARGS__}
#define EXPERTS(...) EXPERTS_OF(1, 1, __VA_ARGS__)
static const struct {
    const char *name;
    GptShape shape;
} FAMILIES[] = {
    {"dropless", {SIZES, EXPERTS(.normalise = true)}},
    {"a capacity", {SIZES, EXPERTS(.capacity = 0.75, .z_loss = 0.1)}},
    {"a capacity of a sequence, by probability",
     {SIZES, EXPERTS(.capacity = 1, .scope = SCOPE_SEQUENCE, .drop = DROP_BY_PROBABILITY)}},
    {"one shared, balance, gated",
     {SIZES, LLAMA, EXPERTS(.shared = 1, .balance = BALANCE_AUXILIARY, .auxiliary = 0.1)}},
    {"groups, two shared, dropout",
     {SIZES, .dropout = 0.25, EXPERTS_OF(6, 2, .router = ROUTER_SIGMOID, .shared = 2)}},
};
enum { FAMILY_COUNT = sizeof FAMILIES / sizeof *FAMILIES };

/* ---- one rank ---- */

typedef struct Rank {
    Device device;
    Group *group;
    GptShape shape;
    Region region;
    Dispatch dispatch;
    BlockLayout layout;
    Tensor weights, gradients; /* of both units, one after the other */
    BlockParameters p, d;
    double told[ROUTING_LOAD + E]; /* of routing, by the last microbatch */
} Rank;

static BlockParameters tensors_in(const BlockLayout *layout, Tensor all)
{
    int64_t own = layout->values[BLOCK_OWN];
    Tensor flat[BLOCK_UNITS] = {tensor_view(all, 0, own), tensor_view(all, own, all.count - own)};
    return block_parameters(layout, flat);
}

/* Each of an expert's tensors begins by its number in the whole. */
static void begin_experts(Rank *r)
{
    static const int tensors[] = {EXPERTS_IN_WEIGHT, EXPERTS_OUT_WEIGHT};
    int64_t held = dispatch_held(&r->dispatch, E), first = dispatch_first(&r->dispatch, E);
    for (int i = 0; i < 2; i++)
        for (int64_t e = 0; e < held; e++) {
            Tensor all = r->p.branch[1][tensors[i]],
                   one = tensor_view(all, e * (all.count / held), all.count / held),
                   values = noise(&r->device, one.count, 1000 + 2 * (uint64_t)(first + e) + (uint64_t)i, 0.5);
            tensor_copy(one, values);
            tensor_free(&values);
        }
}

/* Of the ranks of `group`; NULL: all experts are here. */
static Rank *rank_new(const GptShape *shape, Group *group, ExpertParallelConfig config)
{
    Rank *r = calloc(1, sizeof *r);
    r->group = group, r->shape = *shape, r->region.size = 1;
    r->dispatch = expert_parallel_dispatch(&config, group);
    r->layout = block_layout(shape, 1, dispatch_held(&r->dispatch, E), &block_kind[block_of(shape, 1)]);
    int64_t own = r->layout.values[BLOCK_OWN], count = own + r->layout.values[BLOCK_EXPERTS];
    r->weights = tensor_new(&r->device, MEM_PARAMETERS, REAL, count);
    r->gradients = constant(&r->device, count, 0);
    r->p = tensors_in(&r->layout, r->weights);
    r->d = tensors_in(&r->layout, r->gradients);
    Tensor values = noise(&r->device, own, 1, 0.5);
    tensor_copy(tensor_view(r->weights, 0, own), values);
    tensor_free(&values);
    begin_experts(r);
    return r;
}

static void rank_free(Rank *r, Findings *f)
{
    tensor_free(&r->weights);
    tensor_free(&r->gradients);
    expect(f, r->device.total == 0, "%zu bytes are left", r->device.total);
    free(r);
}

static BlockRun run_of(const Rank *r, int replica, Recompute recompute)
{
    return (BlockRun){.shape = &r->shape,
                      .block = r->layout.block,
                      .region = &r->region,
                      .dispatch = &r->dispatch,
                      .recompute = recompute,
                      .B = BATCH,
                      .scale = 0.5,
                      .dropout = {.rate = r->shape.dropout, .seed = 1, .first_sample = replica * BATCH}};
}

static int64_t outside(const Rank *r)
{
    return BATCH * r->shape.sequence * r->shape.hidden;
}

/* ---- the rows ---- */

/* A token's value names it, exactly: whose it is, which, and where in its width. */
static real token_value(int rank, int64_t at)
{
    return (real)(rank * 4096 + at);
}

static Routing routing_in(BranchSaved *s)
{
    Tensor *k = s->kept;
    return (Routing){.logits = &k[EXPERTS_LOGITS],
                     .scores = &k[EXPERTS_SCORES],
                     .experts = &k[EXPERTS_CHOSEN],
                     .gates = &k[EXPERTS_GATES],
                     .weights = &k[EXPERTS_BALANCE],
                     .row = &k[EXPERTS_ROW],
                     .counts = &k[EXPERTS_COUNTS],
                     .dlogits = &k[EXPERTS_DLOGITS]};
}

static void route(const Rank *r, int of, BranchSaved *s)
{
    BlockRun run = run_of(r, of, RECOMPUTE_NONE);
    Tensor x = noise(r->weights.device, outside(r), 500 + (uint64_t)of, 1);
    routing_forward(&run, MEM_ACTIVATIONS, x, r->p.branch[1][ROUTER_WEIGHT], routing_in(s));
    tensor_free(&x);
}

static void saved_free(BranchSaved *s)
{
    for (int i = 0; i < BRANCH_KEPT; i++) tensor_free(&s->kept[i]);
}

/* Rank, token, choice after one another: what an expert is to see; returns how many rows. */
static int64_t expect_rows(Findings *f, const Rank *one, BranchSaved *routed, int ranks, int64_t expert,
                           const real *rows)
{
    int64_t C = one->shape.hidden, k = one->shape.experts.top_k, seen = 0;
    for (int from = 0; from < ranks; from++) {
        const int32_t *chosen = ints(routed[from].kept[EXPERTS_CHOSEN]),
                      *row = ints(routed[from].kept[EXPERTS_ROW]);
        for (int64_t j = 0; j < routed[from].kept[EXPERTS_CHOSEN].count; j++) {
            if (chosen[j] != expert || row[j] < 0) continue;
            for (int64_t c = 0; c < C; c++)
                expect(f, rows[seen * C + c] == token_value(from, j / k * C + c),
                       "row %lld of expert %lld has token %.0f, not %lld of rank %d", (long long)seen,
                       (long long)expert, (double)rows[seen * C + c], (long long)(j / k), from);
            seen++;
        }
    }
    return seen;
}

/* Each expert makes of a row so many times it. */
static real factor(int64_t expert)
{
    return (real)(expert + 1);
}

/* What comes home: choice after choice its gate times what its expert makes of the token, after what was there. */
static void expect_sums(Findings *f, const Rank *one, const BranchSaved *s, int rank, real before,
                        const real *y)
{
    int64_t C = one->shape.hidden, k = one->shape.experts.top_k, n = BATCH * one->shape.sequence;
    for (int64_t i = 0; i < n * C; i++) {
        real sum = before;
        for (int64_t j = i / C * k; j < (i / C + 1) * k; j++)
            if (ints(s->kept[EXPERTS_ROW])[j] >= 0)
                sum += reals(s->kept[EXPERTS_GATES])[j] *
                       (factor(ints(s->kept[EXPERTS_CHOSEN])[j]) * token_value(rank, i));
        double apart = fabs((double)(y[i] - sum)),
               most = 16 * (double)VALUE_TOLERANCE * (1 + fabs((double)sum));
        expect(f, apart <= most, "value %lld is %.17g, not %.17g", (long long)i, (double)y[i], (double)sum);
    }
}

static void rows_and_back(Findings *f, Rank *r, const Rank *one, BranchSaved *routed, int ranks)
{
    int rank = r->dispatch.rank;
    BranchSaved s = {.kept = {{0}}};
    BlockRun run = run_of(r, rank, RECOMPUTE_NONE);
    route(r, rank, &s);
    Tensor whole = tensor_new(&r->device, MEM_WORKSPACE, REAL, outside(r)),
           y = constant(&r->device, outside(r), 3);
    for (int64_t i = 0; i < whole.count; i++) reals(whole)[i] = token_value(rank, i);
    ExpertRows rows = expert_rows_new(&run, MEM_ACTIVATIONS, &s);
    RowsMoving moving = dispatch_begin(&run, &rows, MEM_ACTIVATIONS, whole);
    Tensor here = dispatch_end(&run, &rows, MEM_ACTIVATIONS, whole, &moving);
    int64_t C = r->shape.hidden, first = dispatch_first(&r->dispatch, E), seen = 0;
    for (int64_t e = 0; e < rows.experts; e++) {
        real *of = reals(here) + seen * C;
        int64_t there = expect_rows(f, one, routed, ranks, first + e, of);
        expect(f, there == rows.counts[e], "expert %lld has %lld rows, not %lld", (long long)(first + e),
               (long long)rows.counts[e], (long long)there);
        for (int64_t i = 0; i < there * C; i++) of[i] *= factor(first + e);
        seen += there;
    }
    expect(f, seen == rows.rows && seen <= rows.room, "%lld rows, room for %lld", (long long)seen,
           (long long)rows.room);
    Tensor home = combine(&run, &rows, MEM_ACTIVATIONS, here, s.kept[EXPERTS_GATES], 1, y);
    expect_sums(f, one, &routed[rank], rank, 3, reals(y));
    expert_rows_free(&rows);
    give_back((Tensor[]){whole, y, home}, 3);
    saved_free(&s);
}

static void rows_by_place(Comm *comm, void *findings)
{
    static const ExpertParallelConfig ways[] = {
        {.way = DISPATCH_ALL_TO_ALL}, {.overlap = true}, {.way = DISPATCH_ALL_GATHER, .overlap = true}};
    Findings *f = findings;
    if (E % comm->size) return;
    Group *world = group_world(comm, CHANNEL);
    for (int i = 0; i < FAMILY_COUNT; i++) {
        Rank *one = rank_new(&FAMILIES[i].shape, NULL, (ExpertParallelConfig){.size = 1});
        BranchSaved *routed = calloc((size_t)comm->size, sizeof *routed);
        for (int of = 0; of < comm->size; of++) route(one, of, &routed[of]);
        for (int w = 0; w < 3; w++) {
            Rank *r = rank_new(&FAMILIES[i].shape, world, ways[w]);
            rows_and_back(f, r, one, routed, comm->size);
            rank_free(r, f);
        }
        for (int of = 0; of < comm->size; of++) saved_free(&routed[of]);
        free(routed);
        rank_free(one, f);
    }
    group_free(world);
}

static void an_expert_sees_tokens_by_their_places(void **state)
{
    (void)state;
    on_all_ranks(rows_by_place);
}

/* ---- a block ---- */

/* Forward and backward of a replica's microbatch: y and dx, which are the caller's. */
static void microbatch(Rank *r, int replica, Recompute recompute, bool halves, Tensor *y, Tensor *dx)
{
    BlockRun run = run_of(r, replica, recompute);
    memset(r->told, 0, sizeof r->told);
    run.routing = r->told;
    BlockSaved saved;
    Tensor x = noise(&r->device, outside(r), 200 + (uint64_t)replica, 1);
    tensor_rebook(&x, MEM_ACTIVATIONS);
    *y = block_forward(&run, MEM_COMMUNICATION, &r->p, x, &saved);
    *dx = noise(&r->device, outside(r), 300 + (uint64_t)replica, 1);
    if (halves) {
        block_backward_input(&run, &r->p, &saved, *dx);
        block_backward_weight(&run, &r->d, &saved);
    } else {
        block_backward(&run, &r->p, &r->d, &saved, *dx);
    }
}

static void expect_near(Findings *f, const char *name, const char *what, Tensor is, Tensor expected)
{
    double most = 0, apart = 0;
    for (int64_t i = 0; i < is.count; i++) {
        most = fmax(most, fabs((double)reals(expected)[i]));
        apart = fmax(apart, fabs((double)(reals(is)[i] - reals(expected)[i])));
    }
    expect(f, is.count == expected.count && apart <= 64 * VALUE_TOLERANCE * most,
           "%s, %s: %.3g apart of %.3g", name, what, apart, most);
}

/* The experts' gradients here, of all replicas' tokens; and of the block's own the sum of all ranks'. */
static void expect_gradients(Findings *f, const char *name, Rank *r, const Rank *one)
{
    static const int tensors[] = {EXPERTS_IN_WEIGHT, EXPERTS_OUT_WEIGHT};
    int64_t own = r->layout.values[BLOCK_OWN], held = dispatch_held(&r->dispatch, E);
    for (int i = 0; i < 2; i++) {
        Tensor is = r->d.branch[1][tensors[i]];
        int64_t each = is.count / held;
        expect_near(
            f, name, "gradients of experts", is,
            tensor_view(one->d.branch[1][tensors[i]], dispatch_first(&r->dispatch, E) * each, is.count));
    }
    Tensor sum = tensor_view(r->gradients, 0, own);
    Collective ring;
    ring_all_reduce_begin(&ring, r->group, DP_ALL_REDUCE, &sum, 1);
    ring_end(&ring);
    expect_near(f, name, "gradients", sum, tensor_view(one->gradients, 0, own));
}

/* What a rank sent of one microbatch: by all-to-all its rows of experts elsewhere, to them and home, and in backward their
 * gradients, where it is known that none was dropped; by all-gather all tokens, and choices and gates once. */
static void expect_bytes(Findings *f, const char *name, Rank *r, Recompute recompute, const Comm *comm)
{
    const GptShape *s = &r->shape;
    int size = r->dispatch.size, forwards = recompute == RECOMPUTE_FULL ? 2 : 1;
    double width = sizeof(real), leave = 0, to = 0, home = 0, held = E / size;
    if (r->dispatch.way == DISPATCH_ALL_TO_ALL) {
        if (s->experts.capacity > 0) return;
        for (int64_t e = 0; e < E; e++)
            if (e / dispatch_held(&r->dispatch, E) != r->dispatch.rank) leave += r->told[ROUTING_LOAD + e];
        to = (forwards + 1) * leave * (double)s->hidden * width;
    } else {
        double n = BATCH * (double)s->sequence, tokens = n * (double)s->hidden * width,
               choices = n * (double)s->experts.top_k;
        to = (size - 1) * (forwards * (tokens + choices * (sizeof(int32_t) + width)) + tokens);
        home = (size - 1) * ((forwards + 1) * tokens + choices * width);
    }
    double told = forwards * (size - 1) * size * held * sizeof(int32_t);
    double sent[] = {(double)comm->bytes[MOE_COUNTS], (double)comm->bytes[MOE_DISPATCH],
                     (double)comm->bytes[MOE_COMBINE]};
    if (r->dispatch.way ==
        DISPATCH_ALL_TO_ALL) { /* what goes home is what others sent: of all ranks as much */
        home = sum_in_rank_order(r->group, CONTROL, &r->device, to);
        sent[2] = sum_in_rank_order(r->group, CONTROL, &r->device, sent[2]);
    }
    expect(f, sent[0] == told && sent[1] == to && sent[2] == home,
           "%s: %.0f, %.0f and %.0f bytes, not %.0f, %.0f and %.0f", name, sent[0], sent[1], sent[2], told,
           to, home);
}

/* The truth: the replicas' microbatches one after the other where all experts are. */
static void as_one(Comm *comm, Findings *f, int family, Recompute recompute, ExpertParallelConfig config)
{
    const char *name = FAMILIES[family].name;
    Group *world = group_world(comm, CHANNEL);
    Rank *one = rank_new(&FAMILIES[family].shape, NULL, config),
         *r = rank_new(&FAMILIES[family].shape, world, config);
    Tensor y, dx, truth_y = {0}, truth_dx = {0};
    for (int replica = 0; replica < comm->size; replica++) {
        microbatch(one, replica, recompute, false, &y, &dx);
        if (replica == comm->rank)
            truth_y = y, truth_dx = dx;
        else
            give_back((Tensor[]){y, dx}, 2);
    }
    memset(comm->bytes, 0, sizeof comm->bytes);
    microbatch(r, comm->rank, recompute, comm->size % 2, &y, &dx);
    if (r->dispatch.size > 1) expect_bytes(f, name, r, recompute, comm);
    expect_near(f, name, "y", y, truth_y);
    expect_near(f, name, "dx", dx, truth_dx);
    expect_gradients(f, name, r, one);
    give_back((Tensor[]){y, dx, truth_y, truth_dx}, 4);
    rank_free(r, f);
    rank_free(one, f);
    group_free(world);
}

static void blocks_as_one(Comm *comm, void *findings)
{
    if (E % comm->size) return;
    for (int family = 0; family < FAMILY_COUNT; family++)
        for (int k = RECOMPUTE_NONE; k <= RECOMPUTE_FULL; k++)
            for (int way = 0; way < 4; way++)
                as_one(comm, findings, family, (Recompute)k,
                       (ExpertParallelConfig){.overlap = way & 1, .way = way >> 1});
}

static void blocks_are_those_of_one_rank(void **state)
{
    (void)state;
    on_all_ranks(blocks_as_one);
}

int ranks_dispatch(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_expert_sees_tokens_by_their_places),
        cmocka_unit_test(blocks_are_those_of_one_rank),
    };
    matmul_one_thread();
    return cmocka_run_group_tests_name("dispatch", tests, NULL, NULL);
}
