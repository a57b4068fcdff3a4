/* test_attention.c - attention, plain and flash, against one query at a time in
 * double, their backward against finite differences, and causality to the bit;
 * with heads that share keys and values, and with dropout. */
#include <math.h>
#include <stdlib.h>
#include <time.h>
#include "models/kernels/attention.h"
#include "models/kernels/matmul.h"
#include "models/machine/tensor_values.h"
#include "tests/support/check.h"
#include "tests/support/probe.h"

static Device device; /* all tests allocate here, and leave it empty */

typedef struct Attention {
    AttentionShape s;
    bool flash;
    const AttentionDropout *dropout;
    Tensor qkv, lse, y, weights;
    AttentionSaved saved;
} Attention;

/* One position, a row block less and more than full, exactly full ones, and three blocks; each head with keys
 * of its own, groups of two and of three, and all with the same; values narrower and wider than keys. */
static const AttentionShape SHAPES[] = {
    {.B = 1, .T = 1, .heads = 2, .kv_heads = 2, .hd = 2, .hd_v = 2},
    {.B = 2, .T = 5, .heads = 3, .kv_heads = 3, .hd = 4, .hd_v = 4},
    {.B = 1, .T = 64, .heads = 2, .kv_heads = 2, .hd = 3, .hd_v = 3},
    {.B = 2, .T = 70, .heads = 3, .kv_heads = 3, .hd = 3, .hd_v = 3},
    {.B = 1, .T = 128, .heads = 1, .kv_heads = 1, .hd = 5, .hd_v = 5},
    {.B = 1, .T = 131, .heads = 3, .kv_heads = 3, .hd = 2, .hd_v = 2},
    {.B = 2, .T = 70, .heads = 4, .kv_heads = 2, .hd = 3, .hd_v = 3},
    {.B = 1, .T = 197, .heads = 6, .kv_heads = 2, .hd = 2, .hd_v = 2},
    {.B = 2, .T = 67, .heads = 3, .kv_heads = 1, .hd = 4, .hd_v = 4},
    {.B = 2, .T = 70, .heads = 3, .kv_heads = 3, .hd = 5, .hd_v = 3},
    {.B = 1, .T = 197, .heads = 4, .kv_heads = 2, .hd = 2, .hd_v = 7},
};
enum { ALL = sizeof SHAPES / sizeof *SHAPES, THREE_BLOCKS = 5, PAIRS = 6, TRIPLES = 7 };
static const AttentionDropout DROPOUT = {
    {.rate = 0.3, .seed = 5, .step = 2, .layer = 1, .place = DROPOUT_ATTENTION, .first_sample = 9}, 2, 8};
static const double KEPT = 1 - 19661. / 65536; /* what is drawn for 0.3 */

static Tensor uint8(int64_t count)
{
    return tensor_new(&device, MEM_ACTIVATIONS, UINT8, count);
}

static Attention attention_of(int which, bool flash, const AttentionDropout *dropout)
{
    Attention a = {.s = SHAPES[which], .flash = flash, .dropout = dropout};
    int64_t rows = a.s.B * a.s.T, C = a.s.heads * a.s.hd_v, cells = rows * a.s.heads * a.s.T;
    a.qkv = noise(&device, rows * attention_width(a.s), 1, 1), a.weights = noise(&device, rows * C, 2, 1);
    a.y = constant(&device, rows * C, NAN), a.lse = constant(&device, rows * a.s.heads, NAN);
    a.saved.probabilities = constant(&device, cells, NAN);
    if (dropout) a.saved.mask = uint8(cells), a.saved.dropped = constant(&device, cells, NAN);
    return a;
}

static void attention_free(Attention *a)
{
    give_back((Tensor[]){a->qkv, a->y, a->lse, a->weights}, 4);
    give_back((Tensor[]){a->saved.probabilities, a->saved.mask, a->saved.dropped}, 3);
}

static double attention_loss(void *context)
{
    Attention *a = context;
    if (a->flash)
        flash_forward(a->s, a->qkv, a->dropout, a->lse, a->y);
    else
        attention_forward(a->s, a->qkv, a->dropout, a->saved, a->y);
    return weighted(a->weights, a->y);
}

static Tensor attention_gradient(Attention *a)
{
    Tensor dqkv = constant(&device, a->qkv.count, NAN);
    if (a->flash)
        flash_backward(a->s, a->weights, a->qkv, a->dropout, a->lse, a->y, dqkv);
    else
        attention_backward(a->s, a->weights, a->qkv, a->dropout, a->saved, dqkv);
    return dqkv;
}

/* softmax(q k^T / sqrt(hd)) v, one query at a time; of the probabilities those that are `kept` (NULL: all) */
static void one_at_a_time(const Attention *a, const uint8_t *kept, double *P, double *y, double *lse)
{
    AttentionShape s = a->s;
    int64_t hd = s.hd, hd_v = s.hd_v, ld = attention_width(s), C = s.heads * hd_v, i = 0;
    for (int64_t b = 0; b < s.B; b++)
        for (int64_t h = 0; h < s.heads; h++)
            for (int64_t t = 0; t < s.T; t++, i++) {
                const real *sample = reals(a->qkv) + b * s.T * ld, *q = sample + t * ld + h * hd;
                int64_t shared = h * s.kv_heads / s.heads;
                const real *k = sample + (s.heads + shared) * hd,
                           *v = sample + (s.heads + s.kv_heads) * hd + shared * hd_v;
                double *row = P + i * s.T, sum = 0;
                for (int64_t j = 0; j <= t; j++) {
                    double score = 0;
                    for (int64_t c = 0; c < hd; c++) score += (double)q[c] * (double)k[j * ld + c];
                    sum += row[j] = exp(score / sqrt((double)hd));
                }
                lse[i] = sum;
                for (int64_t j = 0; j <= t; j++) {
                    row[j] /= sum;
                    double seen = !kept ? row[j] : kept[i * s.T + j] ? row[j] / KEPT : 0;
                    for (int64_t c = 0; c < hd_v; c++)
                        y[(b * s.T + t) * C + h * hd_v + c] += seen * (double)v[j * ld + c];
                }
            }
    for (i = 0; i < a->lse.count; i++) lse[i] = log(lse[i]);
}

static void check_saved(const Attention *a, const double *expected)
{
    int64_t T = a->s.T;
    Tensor P = a->saved.probabilities;
    assert_below(distance(P, expected), VALUE_TOLERANCE); /* zeros above the diagonal included */
    for (int64_t i = 0; i < P.count / T; i++) {
        double sum = 0;
        for (int64_t j = 0; j < T; j++) sum += (double)reals(P)[i * T + j];
        for (int64_t j = i % T + 1; j < T; j++) assert_true(reals(P)[i * T + j] == 0);
        assert_below(fabs(sum - 1), VALUE_TOLERANCE);
    }
    for (int64_t i = 0; a->dropout && i < P.count; i++) {
        double left = masks(a->saved.mask)[i] ? (double)reals(P)[i] / KEPT : 0;
        assert_below(fabs((double)reals(a->saved.dropped)[i] - left), VALUE_TOLERANCE);
    }
    AttentionSaved again = a->saved; /* alone: the same bits */
    again.probabilities = constant(&device, P.count, NAN);
    attention_probabilities(a->s, a->qkv, a->dropout, again);
    assert_memory_equal(again.probabilities.data, P.data, tensor_bytes(P));
    tensor_free(&again.probabilities);
}

static void check(int which, const AttentionDropout *dropout)
{
    Attention a = attention_of(which, false, dropout), f = attention_of(which, true, dropout);
    double *P = doubles(a.saved.probabilities.count), *y = doubles(a.y.count), *lse = doubles(a.lse.count);
    attention_loss(&a);
    one_at_a_time(&a, dropout ? masks(a.saved.mask) : NULL, P, y, lse);
    check_saved(&a, P);
    assert_below(distance(a.y, y), VALUE_TOLERANCE);
    Tensor da = attention_gradient(&a);
    assert_gradient(attention_loss, &a, a.qkv, da, 0);

    attention_loss(&f); /* draws the same mask */
    assert_below(distance(f.y, y), VALUE_TOLERANCE);
    assert_below(distance(f.lse, lse), VALUE_TOLERANCE);
    Tensor df = attention_gradient(&f);
    assert_gradient(attention_loss, &f, f.qkv, df, 0);
    for (int64_t i = 0; i < da.count; i++)
        assert_below(fabs((double)reals(df)[i] - (double)reals(da)[i]), 10 * VALUE_TOLERANCE);
    free(P);
    free(y);
    free(lse);
    give_back((Tensor[]){da, df}, 2);
    attention_free(&a);
    attention_free(&f);
    assert_true(device.total == 0);
}

static void attention(void **state)
{
    (void)state;
    for (int which = 0; which < ALL; which++) check(which, NULL);
}

static void attention_with_dropout(void **state)
{
    (void)state;
    for (int which = 0; which < ALL; which++) check(which, &DROPOUT);
}

/* Heads that share keys and values are heads with copies of them: the same bits. */
static void shared_keys_are_copies(void **state)
{
    (void)state;
    Attention a = attention_of(TRIPLES, false, NULL), copies = attention_of(TRIPLES, false, NULL);
    AttentionShape s = a.s;
    copies.s.kv_heads = s.heads;
    int64_t hd = s.hd, rows = s.B * s.T, ld = attention_width(s), wide = attention_width(copies.s);
    tensor_free(&copies.qkv);
    copies.qkv = constant(&device, rows * wide, NAN);
    for (int64_t i = 0; i < rows * wide; i++) {
        int64_t head = i % wide / hd, part = head / s.heads, h = head % s.heads;
        int64_t from = part == 0 ? h : s.heads + (part - 1) * s.kv_heads + h / 3;
        reals(copies.qkv)[i] = reals(a.qkv)[i / wide * ld + from * hd + i % hd];
    }
    attention_loss(&a);
    attention_loss(&copies);
    assert_memory_equal(a.y.data, copies.y.data, tensor_bytes(a.y));
    attention_free(&a);
    attention_free(&copies);
    assert_true(device.total == 0);
}

/* Scores of hundreds, larger from tile to tile: no overflow, and what was gathered is scaled down. */
static void flash_keeps_up_with_rising_scores(void **state)
{
    (void)state;
    Attention plain = attention_of(THREE_BLOCKS, false, NULL), flash = attention_of(THREE_BLOCKS, true, NULL);
    int64_t ld = attention_width(plain.s), keys = plain.s.heads * plain.s.hd;
    for (int64_t i = 0; i < plain.qkv.count; i++)
        if (i % ld >= keys && i % ld < 2 * keys) {
            int64_t row = i / ld;
            reals(plain.qkv)[i] *= (real)row;
        }
    tensor_copy(flash.qkv, plain.qkv);
    attention_loss(&plain);
    attention_loss(&flash);
    for (int64_t i = 0; i < plain.y.count; i++) /* a score of hundreds has less behind the point */
        assert_below(fabs((double)reals(plain.y)[i] - (double)reals(flash.y)[i]), 300 * VALUE_TOLERANCE);
    attention_free(&plain);
    attention_free(&flash);
    assert_true(device.total == 0);
}

/* Heads and samples cut over ranks drop what the whole drops. */
static void dropout_is_of_the_whole(void **state)
{
    (void)state;
    AttentionDropout whole = DROPOUT;
    whole.first_head = 0, whole.all_heads = 4;
    Attention a = attention_of(PAIRS, false, &whole); /* 2 samples, 4 heads */
    attention_loss(&a);
    AttentionShape half = {.B = 1, .T = a.s.T, .heads = 2, .kv_heads = 1, .hd = a.s.hd, .hd_v = a.s.hd_v};
    int64_t cells = 2 * half.T * half.T;
    const uint8_t *mask = masks(a.saved.mask);
    for (int64_t part = 0; part < 4; part++) {
        AttentionDropout here = whole;
        here.first_head = part % 2 * 2, here.dropout.first_sample += part / 2;
        Tensor qkv = noise(&device, half.T * attention_width(half), 7, 1);
        AttentionSaved saved = {constant(&device, cells, NAN), uint8(cells), constant(&device, cells, NAN)};
        attention_probabilities(half, qkv, &here, saved);
        assert_memory_equal(saved.mask.data, mask + part * cells, (size_t)cells);
        if (part) assert_memory_not_equal(mask, mask + part * cells, (size_t)cells);
        give_back((Tensor[]){qkv, saved.probabilities, saved.mask, saved.dropped}, 4);
    }
    assert_memory_not_equal(mask, mask + cells / 2, (size_t)cells / 2); /* nor has a head another's */
    attention_free(&a);
    assert_true(device.total == 0);
}

/* What comes later is not seen: other numbers from position t on leave y before t as it was, bit for bit. */
static void check_causality(bool flash)
{
    for (int which = 1; which < ALL; which++) {
        Attention a = attention_of(which, flash, NULL), other = attention_of(which, flash, NULL);
        int64_t T = a.s.T, C = a.s.heads * a.s.hd_v, ld = attention_width(a.s);
        attention_loss(&a);
        for (int64_t t = T - 1; t > 0; t -= T / 5) {
            for (int64_t b = 0; b < a.s.B; b++)
                for (int64_t i = t * ld; i < T * ld; i++) reals(other.qkv)[b * T * ld + i] += 5;
            attention_loss(&other);
            for (int64_t b = 0; b < a.s.B; b++) {
                const real *was = reals(a.y) + b * T * C, *is = reals(other.y) + b * T * C;
                assert_memory_equal(is, was, (size_t)(t * C) * sizeof(real));
                assert_memory_not_equal(is + t * C, was + t * C, (size_t)C * sizeof(real));
            }
        }
        attention_free(&a);
        attention_free(&other);
        assert_true(device.total == 0);
    }
}

static void attention_is_causal(void **state)
{
    (void)state;
    check_causality(false);
    check_causality(true);
}

/* Forward and backward on a device of its own; a product of attention is hd or hd_v flops a cell. */
static void run_on(Device *d, bool flash)
{
    AttentionShape s = {.B = 2, .T = 300, .heads = 4, .kv_heads = 2, .hd = 8, .hd_v = 6};
    int64_t rows = s.B * s.T, cells = rows * s.heads * s.T;
    Tensor qkv = tensor_new(d, MEM_ACTIVATIONS, REAL, rows * attention_width(s));
    Tensor dqkv = tensor_new(d, MEM_GRADIENTS, REAL, qkv.count);
    Tensor y = tensor_new(d, MEM_ACTIVATIONS, REAL, rows * s.heads * s.hd_v);
    Tensor lse = tensor_new(d, MEM_ACTIVATIONS, REAL, rows * s.heads);
    AttentionSaved saved = {0};
    tensor_zero(qkv);
    if (flash) {
        flash_forward(s, qkv, &DROPOUT, lse, y);
        flash_backward(s, y, qkv, &DROPOUT, lse, y, dqkv);
        assert_true(d->peak[MEM_WORKSPACE] < (size_t)(s.T * s.T) * sizeof(real) / 4);
    } else {
        saved.probabilities = tensor_new(d, MEM_ACTIVATIONS, REAL, cells);
        saved.dropped = tensor_new(d, MEM_ACTIVATIONS, REAL, cells);
        saved.mask = tensor_new(d, MEM_ACTIVATIONS, UINT8, cells);
        attention_forward(s, qkv, &DROPOUT, saved, y);
        attention_backward(s, y, qkv, &DROPOUT, saved, dqkv);
    }
    /* 6 products of 2 T T hd or hd_v a head, or 7, of which causality needs half; softmax; its dropout, twice */
    const WorkDone done = work_sum(d->done), *dropped = &d->done[WORK_DROPOUT];
    const int64_t numbers = (flash ? 1 + 3 : 1 + 2) * s.hd + (1 + 2) * s.hd_v, passes = flash ? 0 : 2;
    assert_true(done.products == 2.0 * (double)(cells * numbers));
    assert_true(done.flops == (double)(cells * (numbers + 12 + passes)));
    assert_true(dropped->flops == (double)(cells * passes) && dropped->kernels == (double)passes);
    assert_true(dropped->bytes == (double)(cells * passes) * (2 * sizeof(real) + 1)); /* and a byte of mask */
    if (!flash) { /* a product reads or makes scores, what each head has, and what two heads share */
        const WorkDone *six = &d->done[WORK_ATTENTION];
        assert_true(six->kernels == 6);
        assert_true(six->bytes == 3.0 *
                                      (double)(2 * cells + rows * (s.heads + s.kv_heads) * (s.hd + s.hd_v)) *
                                      sizeof(real));
    }
    give_back((Tensor[]){qkv, dqkv, y, lse, saved.probabilities, saved.dropped, saved.mask}, 7);
}

/* Dry, all is booked and reported as when computing; flash needs no (T, T). */
static void dry_is_like_real(void **state)
{
    (void)state;
    for (int flash = 0; flash < 2; flash++) {
        Device real_one = {.dry = false}, dry_one = {.dry = true};
        run_on(&real_one, flash);
        run_on(&dry_one, flash);
        assert_memory_equal(real_one.peak, dry_one.peak, sizeof real_one.peak);
        assert_memory_equal(real_one.done, dry_one.done, sizeof real_one.done);
    }
}

/* Dry, a head more costs nothing. */
static void dry_heads_are_free(void **state)
{
    (void)state;
    enum { HEADS = 2000000000 };
    Device dry = {.dry = true};
    AttentionShape s = {.B = 1, .T = 1, .heads = HEADS, .kv_heads = HEADS, .hd = 1, .hd_v = 1};
    Tensor qkv = tensor_new(&dry, MEM_ACTIVATIONS, REAL, attention_width(s));
    Tensor y = tensor_new(&dry, MEM_ACTIVATIONS, REAL, HEADS);
    AttentionSaved saved = {.probabilities = tensor_new(&dry, MEM_ACTIVATIONS, REAL, HEADS)};
    clock_t began = clock();
    attention_forward(s, qkv, NULL, saved, y);
    attention_backward(s, y, qkv, NULL, saved, qkv);
    assert_below((double)(clock() - began) / CLOCKS_PER_SEC, 0.1);
    give_back((Tensor[]){qkv, y, saved.probabilities}, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attention),
        cmocka_unit_test(attention_with_dropout),
        cmocka_unit_test(shared_keys_are_copies),
        cmocka_unit_test(flash_keeps_up_with_rising_scores),
        cmocka_unit_test(dropout_is_of_the_whole),
        cmocka_unit_test(attention_is_causal),
        cmocka_unit_test(dry_is_like_real),
        cmocka_unit_test(dry_heads_are_free),
    };
    matmul_one_thread();
    return cmocka_run_group_tests_name("attention", tests, NULL, NULL);
}
