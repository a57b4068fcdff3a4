/* ranks_dispatch.c - experts that ranks share: which rows come, in which order, and what goes home, to the last bit; and a
 * block's results and gradients as of one rank that has all experts. On 1 to 9 virtual ranks; under mpirun on the ranks it
 * was given. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "models/kernels/matmul.h"
#include "models/layers/branch_experts.h"
#include "models/layers/expert_rows.h"
#include "models/machine/tensor_values.h"
#include "tests/ranks.h"
#include "tests/support/check.h"
#include "tests/support/expert_rank.h"
#include "tests/support/probe.h"

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

static void route(const ExpertRank *r, int of, BranchSaved *s)
{
    BlockRun run = expert_rank_run(r, of, RECOMPUTE_NONE);
    Tensor x = noise(r->weights.device, expert_rank_values(r), 500 + (uint64_t)of, 1);
    routing_forward(&run, MEM_ACTIVATIONS, x, r->p.branch[1][ROUTER_WEIGHT], routing_in(s));
    tensor_free(&x);
}

static void saved_free(BranchSaved *s)
{
    for (int i = 0; i < BRANCH_KEPT; i++) tensor_free(&s->kept[i]);
}

/* ExpertRank, token, choice after one another: what an expert is to see; returns how many rows. */
static int64_t expect_rows(Findings *f, const ExpertRank *one, BranchSaved *routed, int ranks, int64_t expert,
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
static void expect_sums(Findings *f, const ExpertRank *one, const BranchSaved *s, int rank, real before,
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

static void rows_and_back(Findings *f, ExpertRank *r, const ExpertRank *one, BranchSaved *routed, int ranks)
{
    int rank = r->dispatch.rank;
    BranchSaved s = {.kept = {{0}}};
    BlockRun run = expert_rank_run(r, rank, RECOMPUTE_NONE);
    route(r, rank, &s);
    Tensor whole = tensor_new(&r->device, MEM_WORKSPACE, REAL, expert_rank_values(r)),
           y = constant(&r->device, expert_rank_values(r), 3);
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
    for (int i = 0; i < EXPERT_FAMILIES; i++) {
        ExpertRank *one = expert_rank_new(&EXPERT_FAMILY[i].shape, NULL, (ExpertParallelConfig){.size = 1});
        BranchSaved *routed = calloc((size_t)comm->size, sizeof *routed);
        for (int of = 0; of < comm->size; of++) route(one, of, &routed[of]);
        for (int w = 0; w < 3; w++) {
            ExpertRank *r = expert_rank_new(&EXPERT_FAMILY[i].shape, world, ways[w]);
            rows_and_back(f, r, one, routed, comm->size);
            expert_rank_free(r, f);
        }
        for (int of = 0; of < comm->size; of++) saved_free(&routed[of]);
        free(routed);
        expert_rank_free(one, f);
    }
    group_free(world);
}

static void an_expert_sees_tokens_by_their_places(void **state)
{
    (void)state;
    on_all_ranks(rows_by_place);
}

/* ---- a block ---- */

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
static void expect_gradients(Findings *f, const char *name, ExpertRank *r, const ExpertRank *one)
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
static void expect_bytes(Findings *f, const char *name, ExpertRank *r, Recompute recompute, const Comm *comm)
{
    const GptShape *s = &r->shape;
    int size = r->dispatch.size, forwards = recompute == RECOMPUTE_FULL ? 2 : 1;
    double width = sizeof(real), leave = 0, to = 0, home = 0;
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
    double told = (double)(forwards * (size - 1) * E) * sizeof(int32_t);
    double sent[] = {(double)comm->bytes[MOE_COUNTS], (double)comm->bytes[MOE_DISPATCH],
                     (double)comm->bytes[MOE_COMBINE]};
    if (r->dispatch.way == DISPATCH_ALL_TO_ALL) { /* home goes what others sent: of all ranks as much */
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
    const char *name = EXPERT_FAMILY[family].name;
    Group *world = group_world(comm, CHANNEL);
    ExpertRank *one = expert_rank_new(&EXPERT_FAMILY[family].shape, NULL, config),
               *r = expert_rank_new(&EXPERT_FAMILY[family].shape, world, config);
    Tensor y, dx, truth_y = {0}, truth_dx = {0};
    for (int replica = 0; replica < comm->size; replica++) {
        expert_rank_microbatch(one, replica, recompute, false, &y, &dx);
        if (replica == comm->rank)
            truth_y = y, truth_dx = dx;
        else
            give_back((Tensor[]){y, dx}, 2);
    }
    memset(comm->bytes, 0, sizeof comm->bytes);
    expert_rank_microbatch(r, comm->rank, recompute, comm->size % 2, &y, &dx);
    if (r->dispatch.size > 1) expect_bytes(f, name, r, recompute, comm);
    expect_near(f, name, "y", y, truth_y);
    expect_near(f, name, "dx", dx, truth_dx);
    expect_gradients(f, name, r, one);
    give_back((Tensor[]){y, dx, truth_y, truth_dx}, 4);
    expert_rank_free(r, f);
    expert_rank_free(one, f);
    group_free(world);
}

static void blocks_as_one(Comm *comm, void *findings)
{
    if (E % comm->size) return;
    for (int family = 0; family < EXPERT_FAMILIES; family++)
        for (int k = RECOMPUTE_NONE; k <= RECOMPUTE_FULL; k++)
            for (int way = DISPATCH_ALL_TO_ALL; way <= DISPATCH_ALL_GATHER; way++)
                for (int overlap = 0; overlap < 2; overlap++)
                    as_one(comm, findings, family, (Recompute)k,
                           (ExpertParallelConfig){.overlap = overlap, .way = way});
}

static void blocks_are_those_of_one_rank(void **state)
{
    (void)state;
    on_all_ranks(blocks_as_one);
}

/* ---- beside ---- */

/* The ops of a rank, and how many kernels start while rows are on their way. */
typedef struct Spy {
    Dispatch own;
    Between between;
    Device *device;
    Passage passage;
    int kernels[2]; /* to experts, to tokens */
    void *moving;
} Spy;

static void kernel_starts(void *context)
{
    Spy *spy = context;
    spy->kernels[spy->passage]++;
}

static void spied_counts(void *context, Device *device, int64_t each, int32_t *counts)
{
    const Spy *spy = context;
    spy->own.ops->counts(spy->own.context, device, each, counts);
}

static void *spied_exchange(void *context, Passage passage, Tensor out, Tensor in, int64_t width,
                            const int64_t *rows)
{
    Spy *spy = context;
    spy->passage = passage;
    spy->moving = spy->own.ops->exchange(spy->own.context, passage, out, in, width, rows);
    device_between(spy->device, &spy->between);
    return spy;
}

static void spied_end(void *context)
{
    Spy *spy = context;
    device_between_end(spy->device, &spy->between);
    spy->own.ops->end(spy->moving);
}

static const DispatchOps SPIED = {.counts = spied_counts, .exchange = spied_exchange, .end = spied_end};

static void spied(Findings *f, Group *world, int family, bool overlap, Tensor to[3])
{
    bool shared = EXPERT_FAMILY[family].shape.experts.shared;
    ExpertRank *r =
        expert_rank_new(&EXPERT_FAMILY[family].shape, world, (ExpertParallelConfig){.overlap = overlap});
    Spy spy = {.own = r->dispatch, .between = {kernel_starts, &spy, NULL}, .device = &r->device};
    r->dispatch.ops = &SPIED, r->dispatch.context = &spy;
    Tensor y, dx;
    expert_rank_microbatch(r, world->rank, RECOMPUTE_NONE, false, &y, &dx);
    const Tensor made[] = {y, dx, r->gradients};
    for (int i = 0; i < 3; i++) {
        if (overlap)
            expect(f, memcmp(to[i].data, made[i].data, tensor_bytes(to[i])) == 0, "%s: other bits",
                   EXPERT_FAMILY[family].name);
        else
            to[i] = noise(to[i].device, made[i].count, 0, 1),
            memcpy(to[i].data, made[i].data, tensor_bytes(to[i]));
    }
    expect(f, (spy.kernels[TO_EXPERTS] > 0) == (overlap && shared) && (spy.kernels[TO_TOKENS] > 0) == overlap,
           "%s: %d and %d kernels", EXPERT_FAMILY[family].name, spy.kernels[TO_EXPERTS],
           spy.kernels[TO_TOKENS]);
    give_back((Tensor[]){y, dx}, 2);
    expert_rank_free(r, f);
}

static void beside_rows(Comm *comm, void *findings)
{
    if (E % comm->size || comm->size == 1) return;
    Group *world = group_world(comm, CHANNEL);
    Device aside = {.dry = false};
    for (int family = 0; family < EXPERT_FAMILIES; family++) {
        Tensor without[3] = {{.device = &aside}, {.device = &aside}, {.device = &aside}};
        for (int overlap = 0; overlap < 2; overlap++) spied(findings, world, family, overlap, without);
        give_back(without, 3);
    }
    group_free(world);
}

/* What the shared experts and the weights' gradients compute is beside them, with the same bits. */
static void rows_move_between_kernels(void **state)
{
    (void)state;
    on_all_ranks(beside_rows);
}

int ranks_dispatch(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_expert_sees_tokens_by_their_places),
        cmocka_unit_test(blocks_are_those_of_one_rank),
        cmocka_unit_test(rows_move_between_kernels),
    };
    matmul_one_thread();
    return cmocka_run_group_tests_name("dispatch", tests, NULL, NULL);
}
