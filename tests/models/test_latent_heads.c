/* test_latent_heads.c - queries, keys and values joined, each number where attention looks for it; taken apart, the
 * adjoint of that: what heads share is summed over them. Of any type, and dry. */
#include <string.h>
#include "models/kernels/attention_shape.h"
#include "models/kernels/latent_heads.h"
#include "models/machine/tensor_values.h"
#include "tests/support/check.h"
#include "tests/support/probe.h"

enum { ROTARY = 2, OWN = 3 };
static const AttentionShape SHAPE = {
    .B = 2, .T = 3, .heads = 4, .kv_heads = 4, .hd = OWN + ROTARY, .hd_v = 7};

typedef struct Parts {
    Tensor q, kv, shared, qkv;
} Parts;

static Parts parts_new(Device *device, DType type, uint64_t which)
{
    int64_t n = SHAPE.B * SHAPE.T,
            counts[] = {n * SHAPE.heads * SHAPE.hd, n * SHAPE.heads * (OWN + SHAPE.hd_v), n * ROTARY,
                        n * attention_width(SHAPE)};
    Tensor t[4];
    for (int i = 0; i < 4; i++) {
        Tensor x = noise(device, counts[i], which + (uint64_t)i, 1);
        t[i] = converted(device, type, x);
        tensor_free(&x);
    }
    return (Parts){t[0], t[1], t[2], t[3]};
}

static void parts_free(Parts *p)
{
    give_back((Tensor[]){p->q, p->kv, p->shared, p->qkv}, 4);
}

static real value(Tensor t, int64_t i)
{
    real x;
    tensor_read(t, i, 1, &x);
    return x;
}

static void joined(void **state)
{
    (void)state;
    static const DType types[] = {REAL, BF16, FP16};
    for (int i = 0; i < 3; i++) {
        Device device = {.dry = false};
        Parts p = parts_new(&device, types[i], 1);
        latent_heads_join(SHAPE, p.q, p.kv, p.shared, p.qkv);
        for (int64_t b = 0; b < SHAPE.B; b++)
            for (int64_t h = 0; h < SHAPE.heads; h++)
                for (int64_t t = 0; t < SHAPE.T; t++) {
                    AttentionHead at = attention_head(SHAPE, b, h);
                    int64_t row = b * SHAPE.T + t, head = row * SHAPE.heads + h,
                            next = t * attention_width(SHAPE);
                    for (int64_t j = 0; j < SHAPE.hd; j++) {
                        assert_true(value(p.qkv, at.q + next + j) == value(p.q, head * SHAPE.hd + j));
                        real key = j < OWN ? value(p.kv, head * (OWN + SHAPE.hd_v) + j)
                                           : value(p.shared, row * ROTARY + j - OWN);
                        assert_true(value(p.qkv, at.k + next + j) == key);
                    }
                    for (int64_t j = 0; j < SHAPE.hd_v; j++)
                        assert_true(value(p.qkv, at.v + next + j) ==
                                    value(p.kv, head * (OWN + SHAPE.hd_v) + OWN + j));
                }
        parts_free(&p);
        assert_true(device.total == 0);
    }
}

/* <joined x, d> = <x, parted d> for any x and d */
static void parted_is_the_adjoint(void **state)
{
    (void)state;
    Device device = {.dry = false};
    Parts x = parts_new(&device, REAL, 1), d = parts_new(&device, REAL, 10);
    latent_heads_join(SHAPE, x.q, x.kv, x.shared, x.qkv);
    latent_heads_part(SHAPE, d.qkv, d.q, d.kv, d.shared);
    double there = weighted(d.qkv, x.qkv);
    double back = weighted(d.q, x.q) + weighted(d.kv, x.kv) + weighted(d.shared, x.shared);
    assert_below(fabs(there - back), 100 * VALUE_TOLERANCE);
    parts_free(&x);
    parts_free(&d);
    assert_true(device.total == 0);
}

static void dry(void **state)
{
    (void)state;
    Device real_one = {.dry = false}, dry_one = {.dry = true};
    for (int i = 0; i < 2; i++) {
        Device *device = i ? &dry_one : &real_one;
        int64_t n = SHAPE.B * SHAPE.T;
        Parts p = {tensor_new(device, MEM_ACTIVATIONS, REAL, n * SHAPE.heads * SHAPE.hd),
                   tensor_new(device, MEM_ACTIVATIONS, REAL, n * SHAPE.heads * (OWN + SHAPE.hd_v)),
                   tensor_new(device, MEM_ACTIVATIONS, REAL, n * ROTARY),
                   tensor_new(device, MEM_ACTIVATIONS, REAL, n * attention_width(SHAPE))};
        if (!i)
            for (int k = 0; k < 4; k++) {
                Tensor t[] = {p.q, p.kv, p.shared, p.qkv};
                memset(t[k].data, 0, tensor_bytes(t[k]));
            }
        latent_heads_join(SHAPE, p.q, p.kv, p.shared, p.qkv);
        latent_heads_part(SHAPE, p.qkv, p.q, p.kv, p.shared);
        parts_free(&p);
    }
    assert_memory_equal(real_one.done, dry_one.done, sizeof real_one.done);
    assert_true(real_one.done[WORK_COPY].kernels == 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joined),
        cmocka_unit_test(parted_is_the_adjoint),
        cmocka_unit_test(dry),
    };
    return cmocka_run_group_tests_name("latent_heads", tests, NULL, NULL);
}
