/* test_unwritten.c - no step reads memory that nothing was written to: with one filling of what is allocated as with
 * another a run has the same bits. What is blank (tensor.h), such as a step's gradients before its first pass, could. */
#include <malloc.h>
#include <string.h>
#include "tests/support/case.h"
#include "tests/support/check.h"

/* What memory is filled with as it is allocated; what it is as it is freed has the other bits. 0: with nothing. As reals
 * these are of other sizes, and no zeros. */
enum { FILLINGS = 2 };
static const int FILLING[FILLINGS] = {0x41, 0xc2};

static Case filled(const char *words, int ranks, int with)
{
    Case c = case_of_words(2, "%s", words);
    mallopt(M_PERTURB, with ^ 0xff);
    bool ran = case_virtual(&c, ranks);
    mallopt(M_PERTURB, 0);
    if (!ran) printf("# %s: %s\n", words, c.refused);
    assert_true(ran);
    return c;
}

static void runs_with_other_fillings_have_the_same_bits(void **state)
{
    (void)state;
#define LLAMA "model.norm=rmsnorm model.activation=swiglu model.position=rope model.bias=no "
#define TENSOR "model.hidden=24 model.heads=12 model.ffn=36 model.sequence=12 "
#define EXPERTS "moe.experts=8 moe.ffn=12 moe.first_dense=1 "
#define SHARED EXPERTS "moe.shared_experts=1 moe.top_k=1 "
#define MLA                                                                                          \
    "model.qk_nope_head_dim=3 model.qk_rope_head_dim=4 model.v_head_dim=5 model.attention_kind=mla " \
    "model.position=rope "
    static const struct {
        const char *words;
        int ranks;
    } RUNS[] = {
        {"parallel.data=ddp train.microbatch=0", 1},
        {"parallel.data=dp", 3},
        {"parallel.data=ddp", 3},
        {"parallel.data=zero1 model.tie_embeddings=no", 3},
        {"parallel.data=zero2", 3},
        {"parallel.data=zero2 parallel.reduce=step train.precision=bf16", 3},
        {"parallel.data=zero3 model.tie_embeddings=no train.precision=bf16", 3},
        {"parallel.data=zero3 parallel.quantize=both", 3},
        {"parallel.data=ddp train.precision=fp16 train.microbatch=0", 2},
        {"parallel.data=ddp " LLAMA "train.recompute=full", 2},
        {"parallel.data=zero1 model.post_norm=yes model.position=sinusoidal model.dropout=0.1", 2},
        {"parallel.data=zero2 " TENSOR "parallel.tp=2 parallel.sequence_parallel=yes train.microbatch=2", 4},
        {"parallel.data=ddp " TENSOR "parallel.tp=4 model.tie_embeddings=no", 4},
        {"parallel.data=ddp parallel.pp=2 train.microbatch=4", 2},
        {"parallel.data=zero1 parallel.pp=2 parallel.schedule=zb-h1 train.microbatch=2", 4},
        {"parallel.data=zero1 parallel.pp=2 parallel.schedule=interleaved parallel.virtual_stages=2 "
         "model.layers=4 train.microbatch=2",
         4},
        {"parallel.data=ddp " EXPERTS, 2},
        {"parallel.data=zero2 parallel.ep=2 " SHARED, 4},
        {"parallel.data=zero3 " SHARED "train.precision=bf16", 2},
        {"parallel.data=zero2 " MLA, 2},
    };
    for (size_t i = 0; i < sizeof RUNS / sizeof *RUNS; i++) {
        Case c[FILLINGS];
        if (sizeof(real) > 4 && strstr(RUNS[i].words, "train.precision")) continue; /* fp64 alone */
        for (int f = 0; f < FILLINGS; f++) c[f] = filled(RUNS[i].words, RUNS[i].ranks, FILLING[f]);
        bool same = case_same_bits(&c[0], &c[1]);
        if (!same) printf("# %s reads what nothing was written to\n", RUNS[i].words);
        assert_true(same);
        for (int f = 0; f < FILLINGS; f++) case_free(&c[f]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(runs_with_other_fillings_have_the_same_bits)};
    return cmocka_run_group_tests_name("unwritten", tests, NULL, NULL);
}
