/* test_permute.c - rows against a plain search for each, and backward against finite differences. */
#include "models/kernels/permute.h"
#include <stdlib.h>
#include <string.h>
#include "models/machine/tensor_values.h"
#include "tests/support/check.h"
#include "tests/support/probe.h"

static Device device; /* all tests allocate here; the last one sees it empty */

/* n tokens' choices of k of E experts, some of them twice. */
static Tensor some_choices(int64_t n, int64_t k, int64_t E, uint64_t which)
{
    Tensor experts = tensor_new(&device, MEM_ACTIVATIONS, INT32, n * k),
           first = some_tokens(&device, n, which, E);
    for (int64_t i = 0; i < n * k; i++)
        ints(experts)[i] = (int32_t)((ints(first)[i / k] + i % k * (1 + i / k % 2)) % E);
    tensor_free(&first);
    return experts;
}

/* Every third choice is dropped. */
static Tensor some_kept(int64_t choices)
{
    Tensor kept = tensor_new(&device, MEM_ACTIVATIONS, UINT8, choices);
    for (int64_t i = 0; i < choices; i++) masks(kept)[i] = i % 3 != 1;
    return kept;
}

/* The row of choice i: as many stand before it as go to earlier experts, or to its own and come before it. */
static int64_t row_plainly(Tensor experts, Tensor kept, int64_t i)
{
    int64_t before = 0;
    for (int64_t other = 0; other < experts.count; other++)
        if (kept.count == 0 || masks(kept)[other])
            before += ints(experts)[other] < ints(experts)[i] ||
                      (other < i && ints(experts)[other] == ints(experts)[i]);
    return before;
}

static Permutation permutation(Tensor experts, Tensor kept, int64_t k, int64_t E)
{
    int64_t counts[64];
    permute_counts(experts, kept, E, counts);
    return permutation_of_choices(experts, kept, k, E, counts, MEM_ACTIVATIONS);
}

typedef struct Moved {
    Permutation p;
    int64_t C;
    Tensor x, rows, gates, y, weights;
} Moved;

static double permute_loss(void *context)
{
    Moved *m = context;
    permute_forward(&m->p, m->x, m->rows, m->C);
    return weighted(m->weights, m->rows);
}

static double combine_loss(void *context)
{
    Moved *m = context;
    combine_forward(&m->p, m->rows, m->gates, 0, m->y, m->C);
    return weighted(m->weights, m->y);
}

/* Every choice's row, and its token in it. */
static void assert_rows(const Moved *m, Tensor experts, Tensor kept)
{
    for (int64_t i = 0; i < experts.count; i++) {
        bool is_dropped = kept.count && !masks(kept)[i];
        int64_t row = is_dropped ? -1 : row_plainly(experts, kept, i);
        assert_int_equal(ints(m->p.row)[i], row);
        if (row >= 0)
            assert_memory_equal(reals(m->rows) + row * m->C, reals(m->x) + i / m->p.choices * m->C,
                                (size_t)m->C * sizeof(real));
    }
}

static void assert_permuted(Moved *m, Tensor experts, Tensor kept)
{
    m->rows = constant(&device, m->p.rows * m->C, NAN), m->weights = noise(&device, m->rows.count, 2, 1);
    Tensor dx = constant(&device, m->x.count, NAN);
    permute_loss(m);
    assert_rows(m, experts, kept);
    permute_backward(&m->p, m->weights, dx, m->C);
    if (m->p.rows) assert_gradient(permute_loss, m, m->x, dx, 0);
    give_back((Tensor[]){m->rows, m->weights, dx}, 3);
}

static void assert_combined(Moved *m)
{
    int64_t n = m->p.tokens, k = m->p.choices, C = m->C;
    m->rows = noise(&device, m->p.rows * C, 3, 1), m->gates = noise(&device, n * k, 4, 1);
    m->y = constant(&device, n * C, NAN), m->weights = noise(&device, n * C, 5, 1);
    combine_loss(m);
    double *expected = doubles(n * C);
    for (int64_t i = 0; i < n * k * C; i++) {
        int64_t choice = i / C, row = ints(m->p.row)[choice];
        if (row >= 0)
            expected[choice / k * C + i % C] +=
                (double)reals(m->gates)[choice] * (double)reals(m->rows)[row * C + i % C];
    }
    if (m->p.rows) assert_below(distance(m->y, expected), VALUE_TOLERANCE);
    for (int64_t i = 0; i < n * C && !m->p.rows; i++) assert_true(reals(m->y)[i] == 0);
    free(expected);

    Tensor drows = constant(&device, m->rows.count, NAN), dgates = constant(&device, n * k, NAN),
           in_place = constant(&device, m->rows.count, 0);
    tensor_copy(in_place, m->rows);
    combine_backward(&m->p, m->weights, m->rows, m->gates, drows, dgates, C);
    if (m->p.rows) assert_gradient(combine_loss, m, m->rows, drows, 0);
    if (m->p.rows) assert_gradient(combine_loss, m, m->gates, dgates, 0);
    for (int64_t i = 0; i < n * k; i++) assert_true(ints(m->p.row)[i] >= 0 || reals(dgates)[i] == 0);
    combine_backward(&m->p, m->weights, in_place, m->gates, in_place, dgates, C);
    if (m->p.rows) assert_memory_equal(in_place.data, drows.data, tensor_bytes(drows));
    give_back((Tensor[]){m->rows, m->gates, m->y, m->weights, drows, dgates, in_place}, 7);
}

static void rows_and_back(void **state)
{
    (void)state;
    static const int64_t shapes[][4] = {{9, 2, 5, 7}, {13, 3, 8, 1}, {6, 4, 4, 33}, /* n, k, E, C */
                                        {5, 1, 1, 3}, {3, 2, 40, 5}, {1, 1, 2, 4}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int dropped = 0; dropped < 2; dropped++) {
            int64_t n = shapes[s][0], k = shapes[s][1], E = shapes[s][2], C = shapes[s][3];
            Tensor experts = some_choices(n, k, E, s), kept = dropped ? some_kept(n * k) : (Tensor){0};
            Moved m = {.p = permutation(experts, kept, k, E), .C = C, .x = noise(&device, n * C, 1, 1)};
            assert_permuted(&m, experts, kept);
            assert_combined(&m);
            permutation_free(&m.p);
            give_back((Tensor[]){experts, kept, m.x}, 3);
        }
}

/* All are dropped, and there are none. */
static void nothing_to_move(void **state)
{
    (void)state;
    for (int64_t n = 0; n < 6; n += 3) {
        Tensor experts = some_choices(n, 2, 5, 1), kept = tensor_new(&device, MEM_ACTIVATIONS, UINT8, n * 2);
        for (int64_t i = 0; i < n * 2; i++) masks(kept)[i] = 0;
        Moved m = {.p = permutation(experts, kept, 2, 5), .C = 4, .x = noise(&device, n * 4, 1, 1)};
        assert_int_equal(m.p.rows, 0);
        assert_permuted(&m, experts, kept);
        assert_combined(&m);
        permutation_free(&m.p);
        give_back((Tensor[]){experts, kept, m.x}, 3);
    }
}

/* The drawing in permute.h: a to 0 and 1, b to 1, c to 0. */
static void by_hand(void **state)
{
    (void)state;
    static const int32_t chosen[] = {0, 1, 1, 0, 0, 1};
    static const uint8_t taken[] = {1, 1, 1, 0, 1, 0};
    static const int32_t row[] = {0, 2, 3, -1, 1, -1};
    Tensor experts = tensor_new(&device, 0, INT32, 6), kept = tensor_new(&device, 0, UINT8, 6);
    memcpy(experts.data, chosen, sizeof chosen);
    memcpy(kept.data, taken, sizeof taken);
    int64_t counts[2];
    permute_counts(experts, kept, 2, counts);
    assert_true(counts[0] == 2 && counts[1] == 2);
    Permutation p = permutation_of_choices(experts, kept, 2, 2, counts, MEM_ACTIVATIONS);
    assert_memory_equal(p.row.data, row, sizeof row);
    Tensor x = constant(&device, 3, 0), rows = constant(&device, 4, NAN), gates = constant(&device, 6, 0.5);
    for (int i = 0; i < 3; i++) reals(x)[i] = (real)(i + 1);
    permute_forward(&p, x, rows, 1);
    assert_true(distance(rows, (double[]){1, 3, 1, 2}) == 0);
    combine_forward(&p, rows, gates, 0, x, 1);
    assert_true(distance(x, (double[]){1, 1, 1.5}) == 0);
    permutation_free(&p);
    give_back((Tensor[]){experts, kept, x, rows, gates}, 5);
}

/* ---- over several ranks ---- */

/* Tokens of three sources, uneven, each sorting its own; every rank holds two of the four experts and puts together
 * what came: the rows of all tokens at once. The way back is the same backwards. */
static void received_rows_stand_as_unsplit(void **state)
{
    (void)state;
    enum { SOURCES = 3, K = 2, E = 4, RANKS = 2, LOCAL = E / RANKS, C = 3, n = 11 };
    static const int64_t first[SOURCES + 1] = {0, 5, 5, n};
    Tensor experts = some_choices(n, K, E, 3), x = noise(&device, n * C, 1, 1),
           all = constant(&device, n * K * C, NAN);
    int64_t counts[SOURCES][E], total[E], begins = 0;
    permute_counts(experts, (Tensor){0}, E, total);
    Permutation p = permutation_of_choices(experts, (Tensor){0}, K, E, total, MEM_ACTIVATIONS), of[SOURCES];
    permute_forward(&p, x, all, C);
    Tensor sorted[SOURCES];
    for (int s = 0; s < SOURCES; s++) {
        int64_t tokens = first[s + 1] - first[s];
        Tensor mine = tensor_view(experts, first[s] * K, tokens * K);
        permute_counts(mine, (Tensor){0}, E, counts[s]);
        of[s] = permutation_of_choices(mine, (Tensor){0}, K, E, counts[s], MEM_ACTIVATIONS);
        sorted[s] = constant(&device, of[s].rows * C, NAN);
        permute_forward(&of[s], tensor_view(x, first[s] * C, tokens * C), sorted[s], C);
    }
    for (int rank = 0; rank < RANKS; rank++) {
        int64_t local[SOURCES * LOCAL], rows = 0;
        for (int i = 0; i < SOURCES * LOCAL; i++) {
            local[i] = counts[i / LOCAL][rank * LOCAL + i % LOCAL];
            rows += local[i];
        }
        Tensor came = constant(&device, rows * C, NAN), by_expert = constant(&device, rows * C, NAN),
               back = constant(&device, rows * C, NAN);
        for (int64_t s = 0, to = 0; s < SOURCES; s++) {
            int64_t from = 0, some = 0;
            for (int e = 0; e < rank * LOCAL; e++) from += counts[s][e];
            for (int e = 0; e < LOCAL; e++) some += local[s * LOCAL + e];
            if (some)
                tensor_copy(tensor_view(came, to * C, some * C), tensor_view(sorted[s], from * C, some * C));
            to += some;
        }
        Permutation received =
            permutation_of_received(&device, SOURCES, LOCAL, local, rows + 2, MEM_ACTIVATIONS);
        assert_int_equal(received.rows, rows);
        permute_forward(&received, came, by_expert, C);
        assert_memory_equal(by_expert.data, reals(all) + begins * C, tensor_bytes(by_expert));
        permute_backward(&received, by_expert, back, C);
        assert_memory_equal(back.data, came.data, tensor_bytes(back));
        permutation_free(&received);
        give_back((Tensor[]){came, by_expert, back}, 3);
        begins += rows;
    }
    assert_int_equal(begins, n * K);
    for (int s = 0; s < SOURCES; s++) permutation_free(&of[s]);
    give_back(sorted, SOURCES);
    permutation_free(&p);
    give_back((Tensor[]){experts, x, all}, 3);
}

/* Numbers a person can check: 3 tokens of 2 choices, 4 rows kept, 5 wide, on a device without numbers. */
static void work(void **state)
{
    (void)state;
    Device dry = {.dry = true};
    const WorkDone *done = &dry.done[WORK_PERMUTE];
    const double each = sizeof(real);
    Tensor experts = tensor_new(&dry, 0, INT32, 6), kept = tensor_new(&dry, 0, UINT8, 6),
           x = tensor_new(&dry, 0, BF16, 15), rows = tensor_new(&dry, 0, REAL, 20),
           gates = tensor_new(&dry, 0, REAL, 6);
    int64_t counts[] = {1, 3};
    permute_counts(experts, kept, 2, counts);
    assert_true(counts[0] == 1 && counts[1] == 3 && done->bytes == 6 * 5);
    Permutation p = permutation_of_choices(experts, kept, 2, 2, counts, MEM_WORKSPACE);
    assert_true(p.rows == 4 && dry.current[MEM_WORKSPACE] == 24 && done->bytes == 6 * 14);
    double before = done->bytes;
    permute_forward(&p, x, rows, 5);
    assert_true(done->flops == 0 && done->bytes - before == 15 * 2 + 20 * each + 24);
    before = done->bytes;
    permute_backward(&p, rows, x, 5);
    assert_true(done->flops == 20 && done->bytes - before == 15 * 2 + 20 * each + 24);
    before = done->bytes;
    combine_forward(&p, rows, gates, 0, x, 5);
    assert_true(done->flops == 60 && done->bytes - before == 15 * 2 + 26 * each + 24);
    before = done->bytes;
    combine_backward(&p, x, rows, gates, rows, gates, 5);
    assert_true(done->flops == 120 && done->bytes - before == 15 * 2 + 52 * each + 24);
    permutation_free(&p);
    p = permutation_of_received(&dry, 1, 2, counts, 9, MEM_WORKSPACE);
    assert_true(p.rows == 4 && p.tokens == 4 && p.choices == 1 && dry.current[MEM_WORKSPACE] == 36);
    assert_true(done->kernels == 7);
    permutation_free(&p);
    give_back((Tensor[]){experts, kept, x, rows, gates}, 5);
    assert_true(dry.total + device.total == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_and_back), cmocka_unit_test(nothing_to_move),
        cmocka_unit_test(by_hand),       cmocka_unit_test(received_rows_stand_as_unsplit),
        cmocka_unit_test(work),
    };
    return cmocka_run_group_tests_name("permute", tests, NULL, NULL);
}
