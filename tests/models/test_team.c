/* test_team.c - every item once, whoever has it; the same bits by one thread and by several. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "models/kernels/attention.h"
#include "models/kernels/matmul.h"
#include "models/machine/error.h"
#include "models/machine/team.h"
#include "models/machine/tensor_values.h"
#include "tests/support/check.h"
#include "tests/support/child.h"
#include "tests/support/probe.h"

enum { ITEMS = 103 };

typedef struct Count {
    atomic_int items[ITEMS], parts, threads[TEAM_MOST];
    int64_t grain;
    bool nested, divided;
} Count;

static void count_one(void *context, int64_t first, int64_t end)
{
    Count *c = context;
    for (int64_t i = first; i < end; i++) atomic_fetch_add(&c->items[i], 1);
}

static void count_part(void *context, int64_t first, int64_t end)
{
    Count *c = context;
    assert_true(first % c->grain == 0 && first < end);
    atomic_fetch_add(&c->parts, 1);
    atomic_fetch_add(&c->threads[team_place()], 1);
    if (!c->nested) {
        count_one(c, first, end);
        return;
    }
    for (int64_t i = first; i < end; i++) { /* a part's own division is done where it is */
        Count inner = {.grain = 1};
        team_divide(ITEMS, 1, count_part, &inner);
        assert_true(!c->divided || (inner.parts == 1 && inner.threads[team_place()] == 1));
        count_one(c, i, i + 1);
    }
}

static void check_division(int threads, int64_t count, int64_t grain, bool nested)
{
    int64_t grains = (count + grain - 1) / grain;
    Count c = {.grain = grain, .nested = nested, .divided = threads > 1 && grains > 1};
    team_divide(count, grain, count_part, &c);
    assert_int_equal(c.parts, grains < threads ? grains : threads);
    for (int64_t i = 0; i < ITEMS; i++) assert_int_equal(c.items[i], i < count ? 1 : 0);
    int parts = 0; /* whoever is free takes one */
    for (int i = 0; i < threads; i++) parts += c.threads[i];
    assert_int_equal(parts, c.parts);
}

static void every_item_is_done_once(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 5; threads++) {
        assert_int_equal(team_start(threads), threads);
        for (int64_t count = 0; count <= ITEMS; count += 1 + count / 4)
            for (int64_t grain = 1; grain <= ITEMS; grain *= 3) {
                check_division(threads, count, grain, false);
                check_division(threads, count, grain, true);
            }
        for (int i = 0; i < 2000; i++) { /* one round behind the other */
            Count c = {.grain = 1};
            team_divide(threads, 1, count_one, &c);
            for (int k = 0; k < threads; k++) assert_int_equal(c.items[k], 1);
        }
        for (int i = 0; i < 20; i++) { /* and after sleep */
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
            check_division(threads, ITEMS, 1, false);
        }
    }
    team_end();
    check_division(1, ITEMS, 1, false);
    team_end();
}

enum { FAILING = 4 };

/* All at once: none comes back to take another part. */
static void fail_together(void *context, int64_t first, int64_t end)
{
    atomic_int *here = context;
    (void)end;
    atomic_fetch_add(here, 1);
    while (atomic_load(here) < FAILING) nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    fail("part %d", (int)first);
}

static void end_slowly(int status)
{
    nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    _exit(status);
}

static void divide_and_fail(void *context)
{
    atomic_int here = 0;
    (void)context;
    fail_through(end_slowly);
    assert_int_equal(team_start(FAILING), FAILING);
    team_divide(FAILING, 1, fail_together, &here);
}

static void one_of_several_that_fail_says_so(void **state)
{
    char said[1024];
    (void)state;
    assert_int_equal(child_run(divide_and_fail, NULL, said, sizeof said, NULL), 1);
    assert_int_equal(strlen(said), strlen("sim: part 0\n"));
}

static Device device;

/* C = A B + beta C, and the same by a team. */
static void check_product(MatmulChoice choice, Matrix A, Matrix B, real beta, int64_t m, int64_t n,
                          DType type)
{
    Tensor C[2];
    matmul_choose(choice);
    for (int i = 0; i < 2; i++) {
        Tensor values = noise(&device, m * n, 7, 1);
        C[i] = tensor_new(&device, MEM_ACTIVATIONS, type, m * n);
        tensor_convert(C[i], values);
        give_back(&values, 1);
        team_start(i ? 3 : 1);
        matmul(A, B, beta, C[i]);
    }
    assert_memory_equal(C[0].data, C[1].data, tensor_bytes(C[0]));
    give_back(C, 2);
    team_end();
    matmul_choose(MATMUL_BLAS);
}

/* Of our own; BLAS may choose other kernels for a part. In fp64 there are none: of a part BLAS's is right, which
 * the runs under several threads show. */
static void a_divided_product_has_the_bits_of_the_whole(void **state)
{
    (void)state;
    enum { FORMS = 16 };
    for (int form = 0; form < FORMS && sizeof(real) == sizeof(float); form++) {
        bool wide = form & 1, ta = form & 2, tb = form & 4, half = form & 8;
        int64_t m = wide ? 131 : 517, n = wide ? 517 : 131, k = 803;
        Tensor reals_of[2] = {noise(&device, m * k, 3, 1), noise(&device, k * n, 4, 1)}, values[2];
        for (int i = 0; i < 2; i++) {
            values[i] = tensor_new(&device, MEM_ACTIVATIONS, half ? BF16 : REAL, reals_of[i].count);
            tensor_convert(values[i], reals_of[i]);
        }
        Matrix A = ta ? matrix(values[0], k, m) : matrix(values[0], m, k),
               B = tb ? matrix(values[1], n, k) : matrix(values[1], k, n);
        A.transposed = ta, B.transposed = tb;
        check_product(MATMUL_OWN, A, B, (real)form / 4, m, n, half ? BF16 : REAL);
        give_back(reals_of, 2);
        give_back(values, 2);
    }
    assert_int_equal(device.total, 0);
}

/* Of shared keys, with dropout, plain and flash; of 16 bits too. */
static void divided_heads_have_the_bits_of_all(void **state)
{
    (void)state;
    const AttentionShape s = {.B = 3, .T = 70, .heads = 4, .kv_heads = 2, .hd = 6, .hd_v = 5};
    const AttentionDropout dropout = {
        {.rate = 0.3, .seed = 5, .step = 2, .layer = 1, .place = DROPOUT_ATTENTION}, 0, 4};
    int64_t rows = s.B * s.T, out = rows * s.heads * s.hd_v, cells = rows * s.heads * s.T;
    for (int form = 0; form < 4; form++) {
        bool flash = form & 1;
        DType type = form & 2 ? BF16 : REAL;
        Tensor all[2][7];
        matmul_choose(sizeof(real) == sizeof(float) ? MATMUL_OWN : MATMUL_BLAS);
        for (int i = 0; i < 2; i++) {
            const int64_t counts[] = {rows * attention_width(s),      out,   out,  rows * attention_width(s),
                                      flash ? rows * s.heads : cells, cells, cells};
            const DType types[] = {type, type, type, type, flash ? REAL : type, UINT8, type};
            for (int k = 0; k < 7; k++) {
                all[i][k] = tensor_new(&device, MEM_ACTIVATIONS, types[k], counts[k]);
                memset(all[i][k].data, 0, tensor_bytes(all[i][k]));
            }
            Tensor *t = all[i], qkv = noise(&device, t[0].count, 1, 1), dy = noise(&device, t[1].count, 2, 1);
            tensor_convert(t[0], qkv);
            tensor_convert(t[1], dy);
            give_back((Tensor[]){qkv, dy}, 2);
            AttentionSaved saved = {.probabilities = t[4], .mask = t[5], .dropped = t[6]};
            team_start(i ? 4 : 1);
            if (flash) {
                flash_forward(s, t[0], &dropout, t[4], t[2]);
                flash_backward(s, t[1], t[0], &dropout, t[4], t[2], t[3]);
            } else {
                attention_forward(s, t[0], &dropout, saved, t[2]);
                attention_backward(s, t[1], t[0], &dropout, saved, t[3]);
            }
        }
        team_end();
        for (int k = 0; k < 7; k++)
            assert_memory_equal(all[0][k].data, all[1][k].data, tensor_bytes(all[0][k]));
        for (int i = 0; i < 2; i++) give_back(all[i], 7);
    }
    matmul_choose(MATMUL_BLAS);
    assert_int_equal(device.total, 0);
}

int main(void)
{
    matmul_one_thread();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_item_is_done_once),
        cmocka_unit_test(one_of_several_that_fail_says_so),
        cmocka_unit_test(a_divided_product_has_the_bits_of_the_whole),
        cmocka_unit_test(divided_heads_have_the_bits_of_all),
    };
    return cmocka_run_group_tests_name("team", tests, NULL, NULL);
}
