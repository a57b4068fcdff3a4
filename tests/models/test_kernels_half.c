/* test_kernels_half.c - every kernel on bf16 and fp16 in any mixture with reals:
 * what it computes from the same values in reals, rounded once; and what it
 * opens for that is in no ledger. */
#include <string.h>
#include "models/kernels/attention.h"
#include "models/kernels/kernels.h"
#include "models/kernels/matmul.h"
#include "models/kernels/product.h"
#include "models/machine/tensor_values.h"
#include "tests/support/check.h"
#include "tests/support/half_case.h"
#include "tests/support/probe.h"

enum { B = 2, T = 5, C = 19, n = B * T, OUT = 13, V = HALF_VOCAB };
/* Of more than fits the pieces kernels go by, and no multiple of them. */
enum { MANY = HALF_TOKENS / (T + 1), N = MANY * T, WIDE = 100, WORDS = 40 };

enum { HEADS = 4, HD = 2, QKV = n * 8 * HD, CELLS = n * HEADS * T };
static const AttentionShape SHAPE = {B, T, HEADS, 2, HD, HD};
static const VocabularySlice SLICE = {.parts = 1, .V = V, .used = V - 1};
enum { LONG_T = 190 }; /* in several blocks */
static const AttentionShape LONG = {1, LONG_T, 2, 1, 4, 4};
enum { LONG_QKV = LONG_T * 4 * 4, LONG_Y = LONG_T * 2 * 4, LONG_CELLS = 2 * LONG_T * LONG_T };
static const VocabularySlice WORDS_SLICE = {.parts = 1, .V = WORDS, .used = WORDS - 1};
static const AttentionDropout DROPPED = {{.rate = 0.25}, 0, HEADS};

KERNEL(multiplied, matmul(matrix(t[0], n, C), transposed(matrix(t[1], OUT, C)), 0, t[2]))
KERNEL(product_added, matmul(transposed(matrix(t[0], n, C)), matrix(t[1], n, OUT), 1, t[2]))
KERNEL(linear, linear_forward(t[0], t[1], t[2], t[3], n, C, OUT))
KERNEL(linear_input, linear_backward_input(t[0], t[1], t[2], n, C, OUT))
KERNEL(linear_weight, linear_backward_weight(t[0], t[1], t[2], t[3], n, C, OUT))
KERNEL(bias, bias_forward(t[0], t[1], n, OUT))
KERNEL(bias_gradient, bias_backward(t[0], t[1], n, OUT))
KERNEL(norm, norm_forward(NORM_LAYERNORM, t[0], t[1], t[2], t[3]))
KERNEL(norm_gradient, norm_backward(NORM_LAYERNORM, t[0], t[1], t[2], t[3], t[4], t[5]))
KERNEL(gelu, gelu_forward(t[0], t[1]))
KERNEL(gelu_gradient, gelu_backward(t[0], t[1], t[2]))
KERNEL(gelu_gradient_in_place, gelu_backward(t[0], t[1], t[1]))
KERNEL(embedding, embedding_forward(tokens, t[0], 2, t[1], B, T, C))
KERNEL(embedding_gradient, embedding_backward(tokens, t[0], t[1], 2, B, T, C))
KERNEL(position, position_forward(t[0], 3, t[1], B, T, C))
KERNEL(position_gradient, position_backward(t[0], t[1], 3, B, T, C))
KERNEL(rms, norm_forward(NORM_RMSNORM, t[0], t[1], (Tensor){0}, t[2]))
KERNEL(rms_gradient, norm_backward(NORM_RMSNORM, t[0], t[1], t[2], t[3], t[4], (Tensor){0}))
KERNEL(silu, silu_forward(t[0], t[1]))
KERNEL(silu_gradient, silu_backward(t[0], t[1], t[2]))
KERNEL(swiglu, swiglu_forward(t[0], t[1], n, C))
KERNEL(swiglu_gradient, swiglu_backward(t[0], t[1], t[2], n, C))
KERNEL(sinusoidal, sinusoidal_forward(3, t[0], B, T, C))
KERNEL(sinusoidal_gradient, sinusoidal_backward(t[0], C))
KERNEL(rope, rope_forward(attention_rotary(SHAPE), t[0], 3, 10000))
KERNEL(rope_gradient, rope_backward(attention_rotary(SHAPE), t[0], 3, 10000))
KERNEL(attention, attention_forward(SHAPE, t[0], NULL, (AttentionSaved){.probabilities = t[1]}, t[2]))
KERNEL(attention_gradient,
       attention_backward(SHAPE, t[0], t[1], NULL, (AttentionSaved){.probabilities = t[2]}, t[3]))
KERNEL(flash, flash_forward(SHAPE, t[0], &DROPPED, t[1], t[2]))
KERNEL(flash_gradient, flash_backward(SHAPE, t[0], t[1], &DROPPED, t[2], t[3], t[4]))

KERNEL(bias_pieces, bias_forward(t[0], t[1], N, WIDE))
KERNEL(bias_gradient_pieces, bias_backward(t[0], t[1], N, WIDE))
KERNEL(swiglu_pieces, swiglu_forward(t[0], t[1], N, C))
KERNEL(swiglu_gradient_pieces, swiglu_backward(t[0], t[1], t[2], N, C))
KERNEL(attention_blocks, attention_forward(LONG, t[0], NULL, (AttentionSaved){.probabilities = t[1]}, t[2]))
KERNEL(attention_gradient_blocks,
       attention_backward(LONG, t[0], t[1], NULL, (AttentionSaved){.probabilities = t[2]}, t[3]))
KERNEL(flash_tiles, flash_forward(LONG, t[0], NULL, t[1], t[2]))
KERNEL(flash_gradient_tiles, flash_backward(LONG, t[0], t[1], NULL, t[2], t[3], t[4]))
KERNEL(entropy_statistics_pieces, cross_entropy_statistics(t[0], tokens, t[1], WORDS_SLICE, MANY, T))
KERNEL(entropy_pieces, return cross_entropy_forward(t[0], t[1], WORDS_SLICE, N))
KERNEL(entropy_gradient_pieces, cross_entropy_backward(t[0], tokens, 0.3, WORDS_SLICE, MANY, T, t[0].dtype))

/* The mask is of no 16 bits: it comes and goes here. */
#define MASKED(name, cells, call)                                               \
    static double name(Tensor *t, Tensor tokens)                                \
    {                                                                           \
        Tensor mask = tensor_new(t[0].device, MEM_COMMUNICATION, UINT8, cells); \
        if (mask.data) memset(mask.data, 1, (size_t)mask.count);                \
        (void)tokens;                                                           \
        call;                                                                   \
        tensor_free(&mask);                                                     \
        return 0;                                                               \
    }
MASKED(dropout, n *C, dropout_forward(&DROPPED.dropout, (SampleRows){B, 0, T, T, C}, t[0], mask, t[1]))
MASKED(dropout_gradient, n *C, dropout_backward(0.25, t[0], mask, t[1]))
MASKED(dropout_pieces, N *C,
       dropout_forward(&DROPPED.dropout, (SampleRows){MANY, 0, T, T, C}, t[0], mask, t[1]))
MASKED(dropped_attention, CELLS,
       attention_forward(SHAPE, t[0], &DROPPED, (AttentionSaved){t[1], mask, t[2]}, t[3]))
MASKED(dropped_attention_gradient, CELLS,
       attention_backward(SHAPE, t[0], t[1], &DROPPED, (AttentionSaved){t[2], mask, t[3]}, t[4]))
KERNEL(entropy_statistics, cross_entropy_statistics(t[0], tokens, t[1], SLICE, B, T))
KERNEL(entropy, return cross_entropy_forward(t[0], t[1], SLICE, n))
KERNEL(entropy_gradient, cross_entropy_backward(t[0], tokens, 0.3, SLICE, B, T, t[0].dtype))

static const HalfCase CASES[] = {
    {"matmul", {n * C, OUT *C, n *OUT}, 0, multiplied, 0},
    {"matmul, added", {n * C, n *OUT, C *OUT}, 0, product_added, 0},
    {"linear", {n * C, C *OUT, OUT, n *OUT}, 0, linear, 0},
    {"linear, dx", {n * OUT, C *OUT, n *C}, 0, linear_input, 0},
    {"linear, dW and db", {n * C, n *OUT, C *OUT, OUT}, 0, linear_weight, 0},
    {"bias", {n * OUT, OUT}, 0, bias, 0},
    {"bias, backward", {n * OUT, OUT}, 0, bias_gradient, 0},
    {"layernorm", {n * C, C, C, n *C}, 0, norm, 0},
    {"layernorm, backward", {n * C, n *C, C, n *C, C, C}, 0, norm_gradient, 0},
    {"gelu", {n * C, n *C}, 0, gelu, 0},
    {"gelu, backward", {n * C, n *C, n *C}, 0, gelu_gradient, 0},
    {"gelu, backward in place", {n * C, n *C}, 0, gelu_gradient_in_place, 0},
    {"embedding", {(V - 2) * C, n *C}, 0, embedding, 0},
    {"embedding, backward", {n * C, (V - 2) * C}, 0, embedding_gradient, 0},
    {"position", {(T + 3) * C, n *C}, 0, position, 0},
    {"position, backward", {n * C, (T + 4) * C}, 0, position_gradient, 0},
    {"rmsnorm", {n * C, C, n *C}, 0, rms, 0},
    {"rmsnorm, backward", {n * C, n *C, C, n *C, C}, 0, rms_gradient, 0},
    {"silu", {n * C, n *C}, 0, silu, 0},
    {"silu, backward", {n * C, n *C, n *C}, 0, silu_gradient, 0},
    {"swiglu", {2 * n * C, n *C}, 0, swiglu, 0},
    {"swiglu, backward", {2 * n * C, n *C, 2 * n *C}, 0, swiglu_gradient, 0},
    {"sinusoidal", {n * C}, 0, sinusoidal, C + (C + 1) / 2},
    {"sinusoidal, backward", {n * C}, 0, sinusoidal_gradient, 0},
    {"rope", {QKV}, 0, rope, HD + HD / 2},
    {"rope, backward", {QKV}, 0, rope_gradient, HD + HD / 2},
    {"attention", {QKV, CELLS, n *HEADS *HD}, 0, attention, 0},
    {"attention, backward", {n * HEADS * HD, QKV, CELLS, QKV}, 0, attention_gradient, T *T},
    {"flash", {QKV, n *HEADS, n *HEADS *HD}, 2, flash, 66 * 64},
    {"flash, backward",
     {n * HEADS * HD, QKV, n *HEADS, n *HEADS *HD, QKV},
     4,
     flash_gradient,
     2 * 64 * 64 + T},
    {"dropout", {n * C, n *C}, 0, dropout, 0},
    {"dropout, backward", {n * C, n *C}, 0, dropout_gradient, 0},
    {"attention with dropout", {QKV, CELLS, CELLS, n *HEADS *HD}, 0, dropped_attention, 0},
    {"attention with dropout, backward",
     {n * HEADS * HD, QKV, CELLS, CELLS, QKV},
     0,
     dropped_attention_gradient,
     T *T},
    {"cross-entropy, statistics", {n * V, 3 * n}, 2, entropy_statistics, 0},
    {"cross-entropy", {n * V, 3 * n}, 2, entropy, 0},
    {"cross-entropy, backward", {n * V}, 0, entropy_gradient, 0},
    {"bias, in pieces", {N * WIDE, WIDE}, 0, bias_pieces, 0},
    {"bias, backward in pieces", {N * WIDE, WIDE}, 0, bias_gradient_pieces, 0},
    {"gelu, in pieces", {N * C, N *C}, 0, gelu, 0},
    {"gelu, backward in place and pieces", {N * C, N *C}, 0, gelu_gradient_in_place, 0},
    {"swiglu, in pieces", {2 * N * C, N *C}, 0, swiglu_pieces, 0},
    {"swiglu, backward in pieces", {2 * N * C, N *C, 2 * N *C}, 0, swiglu_gradient_pieces, 0},
    {"layernorm, in pieces", {N * C, C, C, N *C}, 0, norm, 0},
    {"rmsnorm, backward in pieces", {N * C, N *C, C, N *C, C}, 0, rms_gradient, 0},
    {"sinusoidal, backward in pieces", {N * C}, 0, sinusoidal_gradient, 0},
    {"dropout, in pieces", {N * C, N *C}, 0, dropout_pieces, 0},
    {"attention, in blocks", {LONG_QKV, LONG_CELLS, LONG_Y}, 0, attention_blocks, 0},
    {"attention, backward in blocks",
     {LONG_Y, LONG_QKV, LONG_CELLS, LONG_QKV},
     0,
     attention_gradient_blocks,
     LONG_T *LONG_T},
    {"flash, in tiles", {LONG_QKV, 2 * LONG_T, LONG_Y}, 2, flash_tiles, 66 * 64},
    {"flash, backward in tiles",
     {LONG_Y, LONG_QKV, 2 * LONG_T, LONG_Y, LONG_QKV},
     4,
     flash_gradient_tiles,
     2 * 64 * 64 + LONG_T},
    {"cross-entropy, statistics in pieces", {N * WORDS, 3 * N}, 2, entropy_statistics_pieces, 0},
    {"cross-entropy, in pieces", {N * WORDS, 3 * N}, 2, entropy_pieces, 0},
    {"cross-entropy, backward in pieces", {N * WORDS}, 0, entropy_gradient_pieces, 0},
};

static void every_kernel(void **state)
{
    (void)state;
    for (size_t c = 0; c < sizeof CASES / sizeof *CASES; c++) {
        assert_rounded_once(&CASES[c], BF16);
        assert_rounded_once(&CASES[c], FP16);
    }
}

/* Which read 16 bits as they lie. Where two factors of bf16 are multiplied as such, sums have an order of their own. */
static void by_our_products(void **state)
{
    (void)state;
    matmul_choose(MATMUL_OWN);
    for (size_t c = 0; c < sizeof CASES / sizeof *CASES; c++) {
        if (product_fastest(BF16, BF16) == product_fastest(REAL, REAL)) assert_rounded_once(&CASES[c], BF16);
        assert_rounded_once(&CASES[c], FP16);
    }
    matmul_choose(MATMUL_BLAS);
}

typedef struct Smooth {
    void (*forward)(Tensor x, Tensor y);
    void (*backward)(Tensor x, Tensor dy, Tensor dx);
} Smooth;

/* Functions that are looked up, of all numbers that there are: those not finite, too. */
static void every_number(void **state)
{
    (void)state;
    enum { NUMBERS = 1 << 16 };
    static const Smooth functions[] = {{gelu_forward, gelu_backward}, {silu_forward, silu_backward}};
    Device d = {0};
    for (DType type = BF16; type <= FP16; type++)
        for (int f = 0; f < 2; f++) {
            Tensor x = tensor_new(&d, MEM_WORKSPACE, type, NUMBERS), wide = wide_for(x), got = wide_for(x),
                   expected = wide_for(x), dy = wide_for(x);
            for (int i = 0; i < NUMBERS; i++) ((uint16_t *)x.data)[i] = (uint16_t)i, reals(dy)[i] = 3;
            tensor_read(x, 0, NUMBERS, reals(wide));
            functions[f].forward(x, got);
            functions[f].forward(wide, expected);
            assert_memory_equal(got.data, expected.data, tensor_bytes(got));
            functions[f].backward(x, dy, got);
            functions[f].backward(wide, dy, expected);
            assert_memory_equal(got.data, expected.data, tensor_bytes(got));
            wide_free(&wide, x), wide_free(&got, x), wide_free(&expected, x), wide_free(&dy, x);
            tensor_free(&x);
        }
}

/* The gradient of logits in fp32, scale (p - 1) of the target and scale p of all others; and rounded where it lies, row
 * by row in more than a piece: as factor of a product it has the bits of a copy without the room between its rows. */
static void logits_gradient_where_it_lies(void **state)
{
    (void)state;
    enum { WORDS_MANY = 2 * TENSOR_PIECE + 5, ROWS = 2 * T };
    const VocabularySlice slice = {.parts = 1, .V = WORDS_MANY, .used = WORDS_MANY};
    Device d = {0};
    Tensor tokens = tensor_new(&d, MEM_WORKSPACE, INT32, 2 * (T + 1));
    for (int i = 0; i < 2 * (T + 1); i++) ints(tokens)[i] = i * 171 % WORDS_MANY;
    for (DType type = BF16; type <= FP16; type++) {
        Tensor p = tensor_new(&d, MEM_WORKSPACE, REAL, ROWS * WORDS_MANY),
               whole = tensor_new(&d, MEM_WORKSPACE, REAL, p.count),
               rounded = tensor_new(&d, MEM_WORKSPACE, type, p.count),
               x = tensor_new(&d, MEM_WORKSPACE, type, WORDS_MANY * 3), y[2];
        for (int64_t i = 0; i < p.count; i++) reals(p)[i] = reals(whole)[i] = (real)(i * 37 % 1009) / 1009;
        cross_entropy_backward(whole, tokens, 0.3, slice, 2, T, REAL);
        for (int64_t i = 0; i < p.count; i++) {
            int64_t row = i / WORDS_MANY, target = ints(tokens)[row / T * (T + 1) + row % T + 1];
            assert_true(reals(whole)[i] == (reals(p)[i] - (i % WORDS_MANY == target)) * (real)0.3);
        }
        tensor_convert(rounded, whole);
        cross_entropy_backward(p, tokens, 0.3, slice, 2, T, type);
        Matrix lying = matrix_within(tensor_view_as(p, type), ROWS, WORDS_MANY),
               beside = matrix(rounded, ROWS, WORDS_MANY);
        for (int i = 0; i < ROWS; i++)
            assert_memory_equal((uint16_t *)lying.values.data + i * lying.ld,
                                (uint16_t *)rounded.data + i * WORDS_MANY, WORDS_MANY * sizeof(uint16_t));
        for (int64_t i = 0; i < x.count; i++) tensor_write(x, i, 1, &(real){(real)(i % 7) - 3});
        for (int own = 0; own < 2; own++)
            for (int turned = 0; turned < 2; turned++) {
                matmul_choose(own ? MATMUL_OWN : MATMUL_BLAS);
                Matrix other =
                    turned ? matrix(tensor_view(x, 0, ROWS * 3), ROWS, 3) : matrix(x, WORDS_MANY, 3);
                for (int k = 0; k < 2; k++) {
                    Matrix A = k ? beside : lying;
                    y[k] = tensor_new(&d, MEM_WORKSPACE, REAL, (turned ? WORDS_MANY : ROWS) * 3);
                    matmul(turned ? transposed(A) : A, other, 0, y[k]);
                }
                assert_memory_equal(y[0].data, y[1].data, tensor_bytes(y[0]));
                give_back(y, 2);
            }
        matmul_choose(MATMUL_BLAS);
        give_back((Tensor[]){p, whole, rounded, x}, 4);
    }
    tensor_free(&tokens);
}

/* Numbers a person can check: nothing besides the two tensors, and two bytes a value of traffic. */
static void workspace_and_traffic(void **state)
{
    (void)state;
    Device d = {0};
    Tensor x = tensor_new(&d, MEM_ACTIVATIONS, BF16, 100), y = tensor_new(&d, MEM_ACTIVATIONS, BF16, 100);
    tensor_zero(x);
    gelu_forward(x, y);
    assert_int_equal(d.peak_total, 400);
    assert_true(d.done[WORK_ACTIVATION].bytes == 400);
    give_back((Tensor[]){x, y}, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kernel),          cmocka_unit_test(by_our_products),
        cmocka_unit_test(every_number),          cmocka_unit_test(logits_gradient_where_it_lies),
        cmocka_unit_test(workspace_and_traffic),
    };
    matmul_one_thread();
    return cmocka_run_group_tests_name("kernels in 16 bits", tests, NULL, NULL);
}
