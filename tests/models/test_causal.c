/* test_causal.c - products of which one matrix is causal, of every instruction set that this processor has: what is asked
 * for is that of the whole, bit by bit, and what is not is left out. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/kernels/matmul.h"
#include "models/machine/error.h"
#include "tests/support/check.h"
#include "tests/support/operands.h"

/* Of (rows, columns), as it lies: zero, or NaN, behind column i + first of row i. */
static void cut_behind(Values *v, int64_t rows, int64_t columns, int64_t first, int byte)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = i + first + 1; j < columns; j++) {
            memset(values_at(v, false, i * v->ld + j), byte, values_bytes(v->type, 1));
            memset(values_at(v, true, i * v->ld + j), byte, sizeof(float));
        }
}

/* Rows and columns of what is causal. */
static int64_t sides_of(const Shape *s, CausalPart part, int64_t *columns)
{
    *columns = part == CAUSAL_A ? s->k : part == CAUSAL_A_TRANSPOSED ? s->m : s->n;
    return part == CAUSAL_A_TRANSPOSED ? s->k : s->m;
}

/* What anyone asks for is the product's that knows nothing of it, to the bit, and the rest may be anything. */
static void check_causal(const ProductTiles *tiles, Operands *o, CausalPart part, int64_t first)
{
    const Shape *s = &o->shape;
    int64_t columns, rows = sides_of(s, part, &columns);
    Values whole = values_new(REAL, s->m, o->c.ld);
    if (part != CAUSAL_C) cut_behind(&o->a, rows, columns, first, 0);
    operands_multiply(tiles, o, 0, s->m, 0, s->n);
    values_set(&whole, &o->c);
    values_set(&o->c, &o->was);
    operands_multiply_causal(tiles, o, (Causal){part, first});
    if (part == CAUSAL_C) {
        cut_behind(&whole, s->m, s->n, first, 0);
        cut_behind(&o->c, s->m, s->n, first, 0);
    }
    assert_memory_equal(whole.stored, o->c.stored, values_bytes(REAL, o->c.count));
    values_free(&whole);
}

enum { SHAPES = 480 };

static void a_causal_product_has_the_bits_of_the_whole(void **state)
{
    (void)state;
    const ProductTiles *tiles;
    for (int t = 0; (tiles = product_tiles(t)); t++)
        for (int i = 0; i < SHAPES && product_runs(tiles); i++) {
            CausalPart part = CAUSAL_A + i % 3;
            Shape s = drawn_shape(i);
            s.ta = part == CAUSAL_A_TRANSPOSED || (part == CAUSAL_C && s.ta);
            s.biased = false;
            s.a = (const DType[]){REAL, BF16, FP16}[draw_below(3)];
            s.b = i & 8 ? s.a : REAL;
            if (!product_takes(tiles, s.a, s.b)) s.a = s.b = BF16;
            Operands o = operands_new(s);
            check_causal(tiles, &o, part, i % 4 ? draw_below(200) : 0);
            operands_free(&o);
        }
}

/* As seen from what they do not read: of a factor what no row needs, and of C what lies in tiles behind, is NaN and stays
 * so. */
static void a_causal_product_leaves_out_half(void **state)
{
    (void)state;
    const ProductTiles *tiles;
    enum { SIDE = 3 * 64 };
    for (int t = 0; (tiles = product_tiles(t)); t++)
        for (CausalPart part = CAUSAL_A; part <= CAUSAL_C && product_runs(tiles); part++) {
            if (!product_takes(tiles, REAL, REAL)) continue;
            Shape s = {.m = SIDE, .n = SIDE, .k = SIDE, .alpha = 1, .ta = part == CAUSAL_A_TRANSPOSED};
            Operands o = operands_new(s);
            int64_t third = SIDE / 3;
            if (part == CAUSAL_C) {
                operands_multiply_causal(tiles, &o, (Causal){part, 0});
                assert_true(isnan(o.c.wide[SIDE - 1]));
                assert_true(isnan(o.c.wide[third * SIDE - 1]));
                assert_false(isnan(o.c.wide[SIDE * SIDE - 1]));
            } else { /* the first third of rows does not see the last of k, or the last the first */
                bool turned = part == CAUSAL_A_TRANSPOSED;
                cut_behind(&o.a, SIDE, SIDE, 0, 0);
                for (int64_t j = 0; j < third * SIDE; j++)
                    ((float *)o.b.stored)[(turned ? 0 : 2 * third * SIDE) + j] = NAN;
                operands_multiply_causal(tiles, &o, (Causal){part, 0});
                for (int64_t j = 0; j < third * SIDE; j++)
                    assert_false(isnan(o.c.wide[(turned ? 2 * third * SIDE : 0) + j]));
                assert_true(isnan(o.c.wide[turned ? 0 : SIDE * SIDE - 1]));
            }
            operands_free(&o);
        }
}

/* However the one door is asked to multiply, of odd sides. */
static void causal_pieces_are_right_by_blas_and_by_our_own(void **state)
{
    (void)state;
    for (int form = 0; form < 3 * 3 * 2; form++) {
        static const MatmulChoice choice[] = {MATMUL_BLAS, MATMUL_OWN, MATMUL_AUTO};
        CausalPart part = CAUSAL_A + form % 3;
        int64_t first = form >= 9 ? 37 : 0;
        Shape s = {.m = 151, .n = 163, .k = 141, .padding = 3, .alpha = 0.3f, .beta = form & 1 ? 0.5f : 0};
        s.ta = part == CAUSAL_A_TRANSPOSED, s.tb = part == CAUSAL_C;
        Operands o = operands_new(s);
        int64_t columns, rows = sides_of(&s, part, &columns);
        if (part != CAUSAL_C) cut_behind(&o.a, rows, columns, first, 0);
        Piece A = piece(o.a.stored, s.ta ? s.k : s.m, s.ta ? s.m : s.k, o.a.ld),
              B = piece(o.b.stored, s.tb ? s.n : s.k, s.tb ? s.k : s.n, o.b.ld);
        A.transposed = s.ta, B.transposed = s.tb;
        matmul_choose(choice[form / 3 % 3]);
        matmul_causal(s.alpha, A, B, s.beta, o.c.stored, o.c.ld, (Causal){part, first});
        memcpy(o.c.wide, o.c.stored, values_bytes(REAL, o.c.count));
        if (part == CAUSAL_C) operands_forget(&o, first);
        operands_assert_right(&o, matmul_chosen());
        operands_free(&o);
    }
    matmul_choose(MATMUL_BLAS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_causal_product_has_the_bits_of_the_whole),
        cmocka_unit_test(a_causal_product_leaves_out_half),
        cmocka_unit_test(causal_pieces_are_right_by_blas_and_by_our_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
