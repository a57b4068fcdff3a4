/* test_theory.c - the figures people quote from the papers: the table of activations of one layer (Korthikanti et
 * al. 2205.05198), ZeRO's bytes a parameter (Rajbhandari et al. 1910.02054), and examples worked from both. Counted
 * by the ledger and said by the formula. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/layers/gpt_count.h"
#include "sim/run/plan_from_config.h"
#include "sim/theory/theory.h"
#include "tests/support/case.h"
#include "tests/support/check.h"
#include "sim/config/parse.h"
#include "sim/config/ranks.h"

#ifdef SIM_DOUBLE
static const char PRECISION[] = "train.precision=fp32"; /* 16 bits are the float build's */
static const double w = sizeof(real);
#else
static const char PRECISION[] = "train.precision=bf16";
static const double w = 2;
#endif

/* ---- one layer of one microbatch ---- */

enum { S = 24, B = 2, H = 32, A = 8 };
typedef enum { NONE, SELECTIVE, FULL, RECOMPUTES } Recomputing;
static const char *const recompute_names[RECOMPUTES] = {"none", "selective", "full"};

/* The paper's table 2, where a value takes w = 2 bytes and a mask one: 34 is 16 w + 2, 24 is 12 w, 10 is 4 w + 2, and
 * 5 is 2 w + 1. Full recomputation keeps a layer's input; the paper has it whole on every rank, 2 s b h, and sequence
 * parallelism leaves 1/t of it, here too. */
static double table(Recomputing recompute, bool sequence_parallel, double t)
{
    double sbh = (double)S * B * H, scores = recompute == NONE ? (2 * w + 1) * A * S / H : 0;
    double outside = sequence_parallel ? t : 1;
    if (recompute == FULL) return sbh * w / outside;
    return sbh * ((4 * w + 2) / outside + 12 * w / t + scores / t);
}

/* The same in the paper's own figures, for 16 bits. */
static double in_figures(Recomputing recompute, bool sequence_parallel, double t)
{
    double s = S, b = B, h = H, a = A;
    if (recompute == FULL) return sequence_parallel ? 2 * s * b * h / t : 2 * s * b * h;
    if (recompute == SELECTIVE) return sequence_parallel ? s * b * h / t * 34 : s * b * h * (10 + 24 / t);
    if (sequence_parallel) return s * b * h / t * (34 + 5 * a * s / h);
    return s * b * h * (10 + 24 / t + 5 * a * s / (h * t));
}

typedef struct Peak {
    double counted, formula;
} Peak;

/* Of activations on rank 0, which has the embedding, so many layers and the head. */
static Peak peak_of(int layers, Recomputing recompute, bool sequence_parallel, int t, bool dry)
{
    Case c = case_of_words(1,
                           "model.layers=%d model.hidden=%d model.heads=%d model.ffn=%d model.sequence=%d "
                           "model.dropout=0.1 train.microbatch=%d train.global_batch=%d train.recompute=%s "
                           "parallel.tp=%d parallel.sequence_parallel=%s %s",
                           layers, H, A, 4 * H, S, B, B, recompute_names[recompute], t,
                           sequence_parallel ? "yes" : "no", PRECISION);
    c.dry = dry;
    if (!case_virtual(&c, t)) print_error("%s\n", c.refused);
    assert_true(!c.refused[0]);
    Peak peak = {(double)c.peak[0][MEM_ACTIVATIONS], c.memory_theory[0][MEM_ACTIVATIONS]};
    case_free(&c);
    return peak;
}

/* What one more layer keeps. */
static void activations(void **state)
{
    (void)state;
    for (int t = 1; t <= 4; t *= 2)
        for (int sp = 0; sp < (t > 1 ? 2 : 1); sp++)
            for (Recomputing r = NONE; r < RECOMPUTES; r++) {
                double expected = table(r, sp, t);
                if (w == 2) assert_true(expected == in_figures(r, sp, t));
                for (int dry = 0; dry < 2; dry++) {
                    Peak two = peak_of(2, r, sp, t, dry), three = peak_of(3, r, sp, t, dry);
                    if (three.counted - two.counted != expected)
                        print_error("t %d, sp %d, %s: %.0f, not %.0f\n", t, sp, recompute_names[r],
                                    three.counted - two.counted, expected);
                    assert_true(three.counted - two.counted == expected);
                    assert_true(three.formula - two.formula == expected);
                }
            }
}

/* ---- worked examples, of shapes too large to run here ---- */
#ifndef SIM_DOUBLE

typedef struct Figures {
    double bytes[MEMORY_CATEGORIES], parameters; /* rank 0's, by the formula alone; of the whole model */
    Quoted quoted;
} Figures;

/* `words`: section.key=value, over the defaults. */
static Figures figures(const char *words, int ranks)
{
    char text[512], *sets[16], *rest;
    int count = 0;
    snprintf(text, sizeof text, "%s", words);
    for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        sets[count++] = word;
    Figures f;
    Config config;
    Plan plan;
    Error error;
    bool ok = config_parse(&config,
                           &(ConfigSource){.name = "worked.ini",
                                           .text = "[model]\n",
                                           .sets = (const char *const *)sets,
                                           .set_count = count},
                           &error) &&
              config_check_ranks(&config, ranks, &error) &&
              plan_from_config(&config, ranks, NULL, 0, &plan, &error);
    if (!ok) print_error("%s\n", error.text);
    assert_true(ok);
    theory_memory(&config, &plan, ranks, 0, f.bytes);
    theory_quoted(&config, ranks, &f.quoted);
    f.parameters = (double)gpt_parameter_count(&config.model.shape);
    plan_free(&plan);
    config_free(&config);
    return f;
}

/* Llama 2 7B, taken as 7e9 parameters: 14 + 14 + 84 GB. */
static void seven_billion(void **state)
{
    (void)state;
    Figures f = figures("model.preset=llama2-7b train.precision=bf16 train.optimizer=adam "
                        "train.global_batch=1 model.sequence=1024",
                        1);
    assert_true(f.parameters == 6738415616.0); /* as released */
    assert_true(f.bytes[MEM_PARAMETERS] / f.parameters * 7e9 == 14e9);
    assert_true(f.bytes[MEM_GRADIENTS] / f.parameters * 7e9 == 14e9);
    assert_true(f.bytes[MEM_OPTIMIZER] / f.parameters * 7e9 == 84e9);
    assert_true(f.quoted.states / f.parameters * 7e9 == 112e9);
    assert_string_equal(f.quoted.states_form, "(2 + 2 + 12) P");
    assert_true(f.quoted.activations == 9932111872.0); /* GPT's form, which people take for it */
}

/* Of several microbatches gradients are fp32: 14 + 28 + 84 GB, cut by N where they are. */
static void with_many_microbatches(void **state)
{
    (void)state;
    Figures f = figures("model.preset=llama2-7b train.precision=bf16 train.optimizer=adam "
                        "train.global_batch=8 train.microbatch=1 model.sequence=1024",
                        1);
    assert_true(f.bytes[MEM_PARAMETERS] / f.parameters * 7e9 == 14e9);
    assert_true(f.bytes[MEM_GRADIENTS] / f.parameters * 7e9 == 28e9);
    assert_true(f.bytes[MEM_OPTIMIZER] / f.parameters * 7e9 == 84e9);
    assert_true(f.quoted.states / f.parameters * 7e9 == 126e9);
    assert_string_equal(f.quoted.states_form, "(2 + 4 + 12) P");
    f = figures("model.preset=llama2-7b train.precision=bf16 train.gradients=fp32 parallel.data=zero2 "
                "train.optimizer=adam train.global_batch=4 model.sequence=1024",
                4);
    assert_true(f.bytes[MEM_GRADIENTS] / f.parameters * 7e9 == 7e9);
    assert_true(f.quoted.states / f.parameters * 7e9 == 14e9 + 112e9 / 4);
    assert_string_equal(f.quoted.states_form, "(2 + (4 + 12)/N) P");
}

/* L b s h (34 + 5 a s / h): 9.93 GB, which are 9.25 GiB. The 5.25 often copied are without the 5. */
static void its_activations(void **state)
{
    (void)state;
    const double L = 32, b = 1, s = 1024, h = 4096, a = 32;
#define SHAPE                                                                                      \
    "model.hidden=4096 model.heads=32 model.sequence=1024 model.dropout=0.1 train.precision=bf16 " \
    "train.global_batch=1 "
    Figures once = figures(SHAPE "model.layers=32", 1), twice = figures(SHAPE "model.layers=64", 1);
    double layers =
        twice.bytes[MEM_ACTIVATIONS] - once.bytes[MEM_ACTIVATIONS]; /* what is no layer's falls out */
    assert_true(layers == L * b * s * h * (34 + 5 * a * s / h));
    assert_true(layers == 9932111872.0);
    assert_true(layers / (1 << 30) == 9.25);
    assert_true(L * b * s * h * (34 + a * s / h) / (1 << 30) == 5.25);
    assert_true(once.quoted.activations == layers);
    assert_string_equal(once.quoted.activations_form, "L s b h (34 + 5 a s/h)");
}

/* What is quoted is the table's, under each split. */
static void quoted_activations(void **state)
{
    (void)state;
    static const char *const forms[2][2][RECOMPUTES] = {
        {{"s b h (34 + 5 a s/h)", "34 s b h", "2 s b h"}},
        {{"s b h (10 + 24/t + 5 a s/(h t))", "s b h (10 + 24/t)", "2 s b h"},
         {"s b h/t (34 + 5 a s/h)", "34 s b h/t", "2 s b h/t"}}};
    for (int t = 1; t <= 4; t *= 2)
        for (int sp = 0; sp < (t > 1 ? 2 : 1); sp++)
            for (Recomputing r = NONE; r < RECOMPUTES; r++)
                for (int p = 1; p <= 2; p++) {
                    char words[512];
                    snprintf(
                        words, sizeof words,
                        "model.layers=6 model.hidden=%d model.heads=%d model.ffn=%d model.sequence=%d "
                        "model.dropout=0.1 train.precision=bf16 train.microbatch=%d train.global_batch=%d "
                        "train.recompute=%s parallel.tp=%d parallel.sequence_parallel=%s parallel.pp=%d",
                        H, A, 4 * H, S, B, 2 * B, recompute_names[r], t, sp ? "yes" : "no", p);
                    Figures f = figures(words, t * p);
                    double expected = 6.0 / p * in_figures(r, sp, t);
                    if (fabs(f.quoted.activations / expected - 1) > 1e-12) print_error("%s\n", words);
                    assert_true(fabs(f.quoted.activations / expected - 1) <= 1e-12);
                    assert_string_equal(strchr(f.quoted.activations_form, ' ') + 1, forms[t > 1][sp][r]);
                }
}

/* ZeRO's figure 1: 7.5e9 parameters on 64 ranks, in GB. */
static void zero_figure_1(void **state)
{
    (void)state;
    static const struct {
        const char *data, *form;
        double gigabytes;
    } stages[] = {{"ddp", "(2 + 2 + 12) P", 120},
                  {"zero1", "(2 + 2 + 12/N) P", 31.4},
                  {"zero2", "(2 + (2 + 12)/N) P", 16.6},
                  {"zero3", "(2 + 2 + 12)/N P", 1.88}};
    for (int i = 0; i < 4; i++) {
        /* all tensors' sizes are multiples of 64, so nothing is padded */
        char words[512];
        snprintf(words, sizeof words,
                 "model.preset=gpt2-124m model.vocab=51200 train.precision=bf16 train.optimizer=adam "
                 "train.global_batch=64 parallel.data=%s",
                 stages[i].data);
        Figures f = figures(words, 64);
        double held = f.bytes[MEM_PARAMETERS] + f.bytes[MEM_GRADIENTS] + f.bytes[MEM_OPTIMIZER];
        assert_true(f.quoted.states == held);
        assert_string_equal(f.quoted.states_form, stages[i].form);
        double gigabytes = held / f.parameters * 7.5, digit = i < 3 ? 0.1 : 0.01;
        assert_true(fabs(gigabytes - stages[i].gigabytes) <= digit / 2 + 1e-12);
        if (i == 0) assert_true(held == 16 * f.parameters);
    }
}

/* 64 replicas, of which 8 and 8 share the experts; no tensor's size is padded. */
static void shared_experts(void **state)
{
    (void)state;
    static const struct {
        const char *data, *form;
    } stages[] = {{"ddp", "(2 + 2 + 12) X"},
                  {"zero1", "((2 + 2) X + 12/N P)"},
                  {"zero2", "(2 X + (2 + 12)/N P)"},
                  {"zero3", "(2 + 2 + 12)/N P"}};
    for (int i = 0; i < 4; i++) {
        char words[512];
        snprintf(
            words, sizeof words,
            "model.preset=deepseek-moe-16b model.sequence=1024 train.precision=bf16 train.optimizer=adam "
            "train.global_batch=64 parallel.ep=8 parallel.data=%s",
            stages[i].data);
        Figures f = figures(words, 64);
        double held = f.bytes[MEM_PARAMETERS] + f.bytes[MEM_GRADIENTS] + f.bytes[MEM_OPTIMIZER];
        if (f.quoted.states != held) fail_msg("%s: %.0f, not %.0f", stages[i].data, f.quoted.states, held);
        assert_string_equal(f.quoted.states_form, stages[i].form);
    }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(activations),
#ifndef SIM_DOUBLE
        cmocka_unit_test(seven_billion),   cmocka_unit_test(with_many_microbatches),
        cmocka_unit_test(its_activations), cmocka_unit_test(quoted_activations),
        cmocka_unit_test(zero_figure_1),   cmocka_unit_test(shared_experts),
#endif
    };
    return cmocka_run_group_tests_name("figures of the papers", tests, NULL, NULL);
}
