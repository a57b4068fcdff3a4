/* test_overlap.c - what parallel.overlap changes: with it rings move on between kernels and are waited for at the
 * end; without, nothing is under way when the model computes. And parallel.tensor_overlap: beside which products the
 * rings of tensor parallelism are under way. */
#include <math.h>
#include <stdio.h>
#include "tests/support/case.h"
#include "tests/support/check.h"
#include "tests/support/probe.h"

enum { RANKS = 4 };
static const char *const DATA[] = {
    "ddp", "zero1", "zero2", "zero1 parallel.gather=forward", "zero2 parallel.gather=forward", "zero3"};
enum { DATAS = sizeof DATA / sizeof *DATA };

/* ---- what is under way ---- */

/* One rank's: the strategy's own hooks, and what was seen around them. */
typedef struct Watch {
    GptHooks own;
    DataParallel *d;
    int calls, under_way; /* of hooks, and those that left a ring under way */
    int most_steps[2];    /* that a ring moved before it was waited for: of gradients, of parameters */
} Watch;

static void note(Watch *w)
{
    const DataParallel *d = w->d;
    bool any = false;
    for (int kind = 0; kind < 2; kind++)
        for (int i = 0; i < d->domain->buckets; i++) {
            const Bucket *b = &d->domain->bucket[i];
            const Collective *ring = kind ? &b->gathering.ring : &b->reducing.ring;
            if (!ring->group) continue;
            any = true;
            if (ring->step > w->most_steps[kind]) w->most_steps[kind] = ring->step;
        }
    w->calls++;
    w->under_way += any;
}

static Tensor need(void *context, int microbatch, int unit)
{
    Watch *w = context;
    note(w); /* of what was fetched ahead: how far it came by itself */
    Tensor weights = w->own.need(w->d, microbatch, unit);
    note(w);
    return weights;
}

static void prefetch(void *context, int microbatch, int unit)
{
    Watch *w = context;
    w->own.prefetch(w->d, microbatch, unit);
    note(w);
}

static void done(void *context, int microbatch, int unit)
{
    Watch *w = context;
    w->own.done(w->d, microbatch, unit);
    note(w);
}

static Tensor gradient_begin(void *context, int microbatch, int unit)
{
    Watch *w = context;
    note(w);
    return w->own.gradient_begin(w->d, microbatch, unit);
}

static void gradient_ready(void *context, int microbatch, int unit)
{
    Watch *w = context;
    note(w);
    w->own.gradient_ready(w->d, microbatch, unit);
    note(w);
}

/* From the first step's end on. */
static void start_watching(Trainer *t, const StepResult *result, void *context)
{
    (void)result;
    Watch *w = (Watch *)context + t->comm->rank;
    DataParallel *d = t->data_parallel;
    if (w->d) return;
    *w = (Watch){.own = d->hooks, .d = d};
    d->hooks = (GptHooks){w, need, prefetch, done, gradient_begin, gradient_ready};
}

static void watch_case(const char *words, const char *quantize, Watch w[RANKS])
{
    Case c = case_of_words(2, "parallel.data=%s parallel.quantize=%s", words, quantize);
    c.look = start_watching;
    c.context = w;
    assert_true(case_virtual(&c, RANKS));
    case_free(&c);
}

static void without_it_nothing_is_under_way(void **state)
{
    (void)state;
    for (int d = 0; d < DATAS; d++)
        for (int overlap = 0; overlap < 2; overlap++) {
            Watch w[RANKS] = {0};
            char words[100];
            snprintf(words, sizeof words, "%s parallel.overlap=%s", DATA[d], overlap ? "yes" : "no");
            watch_case(words, "none", w);
            for (int r = 0; r < RANKS; r++) {
                assert_true(w[r].calls > 0);
                assert_int_equal(w[r].under_way > 0, overlap);
            }
        }
}

/* Virtual ranks run one after the other, each until it waits: the first finds no message of another, the last all
 * it needs. A unit that is fetched ahead is there before it is asked for. */
static void rings_move_between_kernels(void **state)
{
    (void)state;
    for (int d = 0; d < DATAS; d++)
        for (int quantized = 0; quantized < 2; quantized++) {
            int gradients = 0, parameters = 0;
            Watch w[RANKS] = {0};
            watch_case(DATA[d], !quantized ? "none" : d == 0 ? "gradients" : "both", w);
            for (int r = 0; r < RANKS; r++) {
                gradients += w[r].most_steps[0];
                parameters += w[r].most_steps[1];
            }
            assert_true(gradients > 0);
            if (d == DATAS - 1)
                assert_int_equal(parameters, RANKS * (RANKS - 1));
            else
                assert_int_equal(parameters > 0, d >= 3);
        }
}

/* ---- when it is waited for ---- */

/* Seconds of one rank's last step that its backwards waited for messages, and that its REDUCE did; and what the
 * buckets' rings take one after the other, and begun together: then they share the port, but not their latencies. */
typedef struct Waits {
    double backward, reduce, apart, together;
} Waits;

static void add_waits(Trainer *t, const StepResult *result, void *context)
{
    (void)result;
    Waits *w = (Waits *)context + t->comm->rank;
    const DataParallel *d = t->data_parallel;
    const Schedule *list = &t->plan->list[0];
    for (int i = 0; i < list->count; i++) {
        if (list->action[i].kind == ACTION_BACKWARD) w->backward += t->laps.lap[i].communication;
        if (list->action[i].kind == ACTION_REDUCE) w->reduce += t->laps.lap[i].communication;
    }
    const Link *link = &t->comm->network.ring[ROUTE_INSIDE];
    const int steps = 2 * (RANKS - 1);
    w->together = steps * link->latency;
    for (int i = 0; i < d->domain->buckets; i++) {
        const Bucket *b = &d->domain->bucket[i];
        int64_t block = 0;
        for (int k = 0; k < b->units; k++) block += d->unit[b->unit[k]].padded / RANKS;
        w->apart += steps * link_seconds(link, (size_t)block * sizeof(real));
        w->together += steps * link_busy(link, (size_t)block * sizeof(real));
    }
}

/* Of a dry run, whose computing takes no time: without overlap each bucket is waited for in the backward that ends
 * it; with it all of them at the end, together. */
static void without_it_backward_waits(void **state)
{
    (void)state;
    for (int overlap = 0; overlap < 2; overlap++) {
        Waits w[RANKS] = {0};
        Case c = case_of_words(1, "parallel.data=ddp parallel.overlap=%s hardware.profile=measured",
                               overlap ? "yes" : "no");
        c.dry = true;
        c.look = add_waits;
        c.context = w;
        assert_true(case_virtual(&c, RANKS));
        for (int r = 0; r < RANKS; r++) {
            assert_true(w[r].apart > 1.5 * w[r].together);
            assert_below(fabs(w[r].backward - (overlap ? 0 : w[r].apart)), 1e-12 * w[r].apart);
            assert_below(fabs(w[r].reduce - (overlap ? w[r].together : 0)), 1e-12 * w[r].apart);
        }
        case_free(&c);
    }
}

/* ---- beside which products ---- */

/* Of one rank's last step: products, and those that began while a ring was under way. */
typedef struct Products {
    Between between; /* first */
    Device *device;
    int64_t counted, all, beside;
} Products;

static void note_product(void *context)
{
    Products *p = context;
    int64_t now = p->device->done[WORK_MATMUL].kernels;
    if (now == p->counted) return;
    p->counted = now;
    p->all++;
    p->beside += p->device->between != &p->between || p->between.next;
}

static void watch_products(Trainer *t, const StepResult *result, void *context)
{
    (void)result;
    Products *p = (Products *)context + t->comm->rank;
    if (p->device) return;
    *p = (Products){.between = {.call = note_product, .context = p},
                    .device = &t->device,
                    .counted = t->device.done[WORK_MATMUL].kernels};
    device_between(&t->device, &p->between);
}

typedef struct Beside {
    const char *overlap;
    int all, beside; /* a microbatch */
} Beside;

static void products_beside(const Beside *want, bool sp)
{
    enum { MICROBATCHES = 2 };
    Products p[RANKS] = {0};
    Case c = case_of_words(2,
                           "model.hidden=24 model.heads=12 model.sequence=12 train.microbatch=12 "
                           "parallel.tp=4 parallel.sequence_parallel=%s parallel.tensor_overlap=%s",
                           sp ? "yes" : "no", want->overlap);
    c.look = watch_products;
    c.context = p;
    assert_true(case_virtual(&c, RANKS));
    for (int r = 0; r < RANKS; r++) {
        assert_int_equal(p[r].all, MICROBATCHES * want->all);
        assert_int_equal(p[r].beside, MICROBATCHES * want->beside);
    }
    case_free(&c);
}

/* Three blocks have six linear layers into a region and six out of one, the head one more into it: forward computes a
 * product of each, backward two. Attention has its own kernels. By pieces, what arrives takes one product more than
 * there are pieces, of which the last is beside nothing; of what leaves it is the first. */
static void tensor_overlap_is_beside_products(void **state)
{
    (void)state;
    enum { BLOCKS = 6, INTO = BLOCKS + 1, ALL = 3 * (INTO + BLOCKS), PIECES = 2, LEAST = 3 };
    products_beside(&(Beside){"none", ALL, 0}, false);
    products_beside(&(Beside){"none", ALL, 0}, true);
    products_beside(&(Beside){"bulk", ALL, INTO}, false);
    products_beside(&(Beside){"bulk", ALL, 2 * INTO}, true);
    products_beside(&(Beside){"pipelined parallel.tensor_pieces=2", ALL + BLOCKS * (3 * PIECES - 1),
                              2 * INTO + BLOCKS * (3 * PIECES - 1)},
                    true);
    /* a rank has three rows of twelve, so no more pieces */
    products_beside(
        &(Beside){"pipelined", ALL + BLOCKS * (3 * LEAST - 1), 2 * INTO + BLOCKS * (3 * LEAST - 1)}, true);
}

/* ---- rows of experts ---- */

/* Seconds of one rank's step that it waited for rows, those that went on beside its computing, and all. */
typedef struct RowWaits {
    double exposed, hidden, now;
} RowWaits;

static void note_rows(Trainer *t, const StepResult *result, void *context)
{
    (void)result;
    const Lanes *lanes = &t->device.lanes;
    ((RowWaits *)context)[t->comm->rank] =
        (RowWaits){lanes->spent[PART_EP_EXPOSED], lanes->hidden[PART_EP_EXPOSED], lanes->now};
}

static RowWaits waits_for_rows(bool overlap, int shared, const char *dispatch)
{
    RowWaits w[RANKS] = {{0}};
    Case c = case_of_words(1,
                           "model.hidden=1024 model.heads=8 model.sequence=512 model.layers=2 moe.experts=8 "
                           "moe.ffn=4096 moe.shared_experts=%d parallel.ep=4 moe.dispatch=%s "
                           "parallel.data=zero1 parallel.overlap=%s hardware.profile=h100-dgx",
                           shared, dispatch, overlap ? "yes" : "no");
    c.dry = true;
    c.look = note_rows;
    c.context = w;
    bool done = case_virtual(&c, RANKS);
    if (!done) fail_msg("%s", c.refused);
    for (int r = 1; r < RANKS; r++) assert_true(w[r].now == w[0].now && w[r].exposed == w[0].exposed);
    case_free(&c);
    return w[0];
}

/* Under a machine's time: with it part of what was waited for is hidden, more where there are shared experts to compute,
 * and the step is as much shorter; without it nothing is. */
static void rows_go_beside_what_does_not_wait_for_them(void **state)
{
    (void)state;
    static const char *const ways[] = {"all_to_all", "all_gather"};
    for (int w = 0; w < 2; w++) {
        double saved[2];
        for (int shared = 0; shared < 2; shared++) {
            RowWaits without = waits_for_rows(false, shared, ways[w]),
                     with = waits_for_rows(true, shared, ways[w]);
            assert_true(without.hidden == 0 && with.hidden > 0);
            assert_true(with.exposed < without.exposed);
            assert_true(with.now < without.now);
            saved[shared] = without.exposed - with.exposed;
        }
        assert_true(saved[1] > 1.2 * saved[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_it_nothing_is_under_way),
        cmocka_unit_test(rings_move_between_kernels),
        cmocka_unit_test(without_it_backward_waits),
        cmocka_unit_test(tensor_overlap_is_beside_products),
        cmocka_unit_test(rows_go_beside_what_does_not_wait_for_them),
    };
    return cmocka_run_group_tests_name("overlap", tests, NULL, NULL);
}
