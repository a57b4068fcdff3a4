/* test_config_refusals.c - what stands wrong in a line of an ini file or a --set, refused with what to try. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/real.h"
#include "sim/config/parse.h"
#include "tests/support/check.h"
#include "tests/support/config_text.h"

static void wrong_values(void **state)
{
    (void)state;
    refuse("\n\n[parallel]\n\ndata = zero4\n", NULL,
           "t.ini:5: parallel.data = zero4: not one of dp, ddp, zero1, zero2, zero3; try zero1");
    refuse("[parallel]\ndata = FSDP2\n", NULL,
           "t.ini:2: parallel.data = FSDP2: not one of dp, ddp, zero1, zero2, zero3; try zero3, as that is "
           "called here");
    refuse(
        "[train]\nprecision = bfloat16\n", NULL,
        "t.ini:2: train.precision = bfloat16: not one of fp32, bf16, fp16; try bf16, as that is called here");
    refuse("[train]\nsteps = 12x\n", NULL,
           "t.ini:2: train.steps = 12x: not a whole number from 0 to 1000000000; try 1000");
    refuse("[train]\nsteps = 1e3\n", NULL,
           "t.ini:2: train.steps = 1e3: not written as a whole number; try 1000");
    refuse("[train]\nsteps = -1\n", NULL, "t.ini:2: train.steps = -1: outside 0 to 1000000000; try 1000");
    refuse("[train]\nseed = 9223372036854775808\n", NULL,
           "t.ini:2: train.seed = 9223372036854775808: outside 0 to 9223372036854775807; try 7");
    refuse("[train]\nbeta1 = 1\n", NULL, "t.ini:2: train.beta1 = 1: outside 0 to 1, without 1; try 0.9");
    refuse("[train]\nepsilon = 0\n", NULL, "t.ini:2: train.epsilon = 0: outside 0 to 1, without 0; try 1e-8");
    refuse("[train]\nsteps =  ; none\n", NULL, "t.ini:2: train.steps = \"\": no value; try 1000");
    refuse("[data]\nsource =\n", NULL, "t.ini:2: data.source = \"\": no value; try book.txt");
    refuse(
        "[parallel]\noverlap = maybe\n", NULL,
        "t.ini:2: parallel.overlap = maybe: not yes or no (true, false, on and off are taken too); try no");
    const char *bad[] = {"nan", "inf", "-inf", "0x10", "1e400", "-1", "1e-3x", "1,5", "--1", "1e", "1 2"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[64];
        snprintf(text, sizeof text, "[train]\nlearning_rate = %s\n", bad[i]);
        refuse_with(text, NULL, "0 to 1000; try 3e-4");
    }
    refuse_with("[train]\nlearning_rate = 1e-400\n", NULL, "too close to 0 for a double; try 3e-4");
    refuse("", "train.steps=x", "--set train.steps=x: not a whole number from 0 to 1000000000; try 1000");
}

/* Inside their ranges, and outside as a float. */
static void rounded_values(void **state)
{
    (void)state;
    if (sizeof(real) > sizeof(float)) return;
    refuse("[train]\nepsilon = 1e-300\n", NULL,
           "t.ini:2: train.epsilon = 1e-300: it is 0 in fp32, which updates are computed in; try "
           "train.epsilon = "
           "1e-8");
    refuse("[train]\nbeta1 = 0.99999999\n", NULL,
           "t.ini:2: train.beta1 = 0.99999999: it is 1 in fp32, which updates are computed in; try "
           "train.beta1 = "
           "0.9");
    refuse("[train]\noptimizer = momentum\nmomentum = 0.99999999\n", NULL,
           "t.ini:3: train.momentum = 0.99999999: it is 1 in fp32, which updates are computed in; try "
           "train.momentum = 0.9");
}

/* Experts, groups and layers that do not go together. */
static void wrong_experts(void **state)
{
    refuse(
        "[moe]\nexperts = 6\n[parallel]\nep = 4\n", NULL,
        "t.ini:4: parallel.ep = 4: ep must divide experts, and 6 / 4 = 1.50; try parallel.ep = 1, 2, 3 or 6");
    refuse("[parallel]\nep = 2\n", NULL,
           "t.ini:2: parallel.ep = 2: has an effect only with moe.experts above 0; try leaving it out, or "
           "moe.experts = 8");
    (void)state;
    refuse("[moe]\nexperts = 4\ntop_k = 5\n", NULL,
           "t.ini:3: moe.top_k = 5: a token goes to top_k = 5 of experts = 4; try moe.top_k = 2");
    refuse("[moe]\nexperts = 4\ntop_k = 1\nnormalise_top_k = yes\n", NULL,
           "t.ini:4: moe.normalise_top_k = yes: over their sum the gates of one expert are 1 whatever its "
           "score, "
           "and the router would learn nothing; try moe.normalise_top_k = no, or moe.top_k = 2");
    refuse(
        "[moe]\nexperts = 4\ngroups = 3\n", NULL,
        "t.ini:3: moe.groups = 3: groups must divide experts, and 4 / 3 = 1.33; try moe.groups = 1, 2 or 4");
    refuse("[moe]\nexperts = 4\ngroups = 2\ngroups_limited = 2\n", NULL,
           "t.ini:4: moe.groups_limited = 2: a token that may go to 2 of 2 groups is limited to none; try "
           "moe.groups_limited = 1, or moe.groups = 1");
    refuse(
        "[moe]\nexperts = 8\ngroups = 4\ntop_k = 3\n", NULL,
        "t.ini:4: moe.top_k = 3: 1 of groups of 8 / 4 = 2 experts hold 2, and a token goes to top_k = 3; try "
        "moe.top_k = 2, or fewer moe.groups");
    refuse("[model]\npreset = deepseek-v3\n[moe]\nffn = 100000000\nexperts = 65536\n", NULL,
           "t.ini:4: moe.ffn = 100000000: about 8.6e+18 parameters (layers 61, hidden 7168, 65536 experts "
           "and 1 shared of "
           "ffn 100000000), more than bytes can be counted for; try moe.ffn = 2048");
    refuse("[moe]\nexperts = 4\nfirst_dense = 2\n", NULL,
           "t.ini:3: moe.first_dense = 2: of 2 layers none has experts behind the first 2; try "
           "moe.first_dense = "
           "1, or moe.experts = 0");
    refuse("[moe]\nexperts = 4\ncapacity_factor = 0.01\nbalance_scope = sequence\n", NULL,
           "t.ini:3: moe.capacity_factor = 0.01: experts would take less than a token each: 0.01 x 16 "
           "choices of 32 "
           "tokens under an even load are 0.16; try moe.capacity_factor = 1.25, or 0");
    refuse("[train]\nglobal_batch = 24\n[moe]\nexperts = 4\nbalance = auxiliary\ncapacity_factor = "
           "2\nbalance_scope "
           "= global_batch\n",
           NULL,
           "t.ini:6: moe.capacity_factor = 2: of a global batch, 24 samples, whom an expert has room for is "
           "known when all replicas have chosen, and forward drops before; try moe.capacity_factor = 0, or "
           "moe.balance_scope = sequence");
    refuse("[moe]\ntop_k = 1\n", NULL,
           "t.ini:2: moe.top_k = 1: has an effect only with moe.experts above 0; try leaving it out, or "
           "moe.experts = 8");
    refuse("[moe]\nexperts = 4\ndrop_policy = probability\n", NULL,
           "t.ini:3: moe.drop_policy = probability: has an effect only with moe.capacity_factor above 0; try "
           "leaving "
           "it out, or moe.capacity_factor = 1.25");
}

/* Balance that would do nothing, or count beyond its numbers. */
static void wrong_balance(void **state)
{
    (void)state;
    refuse("[moe]\nexperts = 4\nbalance = auxiliary\nbalance_coefficient = 0\n", NULL,
           "t.ini:4: moe.balance_coefficient = 0: the auxiliary loss would be 0 whatever the load; try "
           "moe.balance_coefficient = 0.01, or moe.balance = none");
    refuse("[moe]\nexperts = 4\nbalance_coefficient = 0.1\n", NULL,
           "t.ini:3: moe.balance_coefficient = 0.1: has an effect only with moe.balance = auxiliary or bias; "
           "try "
           "leaving it out, or moe.balance = auxiliary");
    refuse("[moe]\nexperts = 4\nbalance = auxiliary\nbias_step = 0.1\n", NULL,
           "t.ini:4: moe.bias_step = 0.1: has an effect only with moe.balance = bias; try leaving it out, or "
           "moe.balance = bias");
    refuse("[moe]\nexperts = 4\nbalance = bias\nbalance_scope = sequence\n", NULL,
           "t.ini:4: moe.balance_scope = sequence: has an effect only with a loss of loads "
           "(moe.balance_coefficient, device_coefficient or communication_coefficient above 0) or "
           "moe.capacity_factor above 0; try leaving it out, or moe.balance = auxiliary");
    refuse(
        "[moe]\nexperts = 4\ndevice_coefficient = 0.1\n", NULL,
        "t.ini:3: moe.device_coefficient = 0.1: has an effect only with moe.groups of 2 or more; try leaving "
        "it out, or moe.groups = 2");
    refuse("[train]\nglobal_batch = 100000000\n[moe]\nexperts = 4\nbalance = auxiliary\nbalance_scope = "
           "global_batch\n",
           NULL,
           "t.ini:6: moe.balance_scope = global_batch: a step's 6.4e+09 choices of experts "
           "(train.global_batch x "
           "model.sequence x top_k) are more than the 2147483647 that loads count up to; try a smaller "
           "train.global_batch");
    refuse("[train]\nglobal_batch = 100000000\n[moe]\nexperts = 4\nbalance = bias\n", NULL,
           "t.ini:5: moe.balance = bias: a step's 6.4e+09 choices of experts (train.global_batch x "
           "model.sequence x top_k) are more than the 2147483647 that loads count up to; try a smaller "
           "train.global_batch");
}

static void wrong_lists(void **state)
{
    (void)state;
    static const struct {
        const char *value, *reason;
    } bad[] = {
        {"7,8,x,9", "its number 3 is not a whole one; try some such as 7,8,8,9"},
        {"7,8,,9", "its number 3 is not a whole one; try"},
        {"7,8,", "its number 3 is not a whole one; try"},
        {",7", "its number 1 is not a whole one; try"},
        {"7 8", "its number 1 is not a whole one; try"},
        {"7;8", "its number 1 is not a whole one; try"},
        {"7,8.5", "its number 2 is not a whole one; try"},
        {"7,0x8", "its number 2 is not a whole one; try"},
        {"7,0,8", "its number 2 is outside 1 to 1000000; try some such as 7,8,8,9"},
        {"7,-1", "its number 2 is outside 1 to 1000000; try"},
        {"99999999999999999999", "its number 1 is outside 1 to 1000000; try"},
    };
    char set[1024] = "parallel.layers_per_stage=1";
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[128];
        snprintf(text, sizeof text, "[parallel]\nlayers_per_stage = \"%s\"\n", bad[i].value);
        refuse_with(text, NULL, bad[i].reason);
    }
    for (int i = 0; i < 256; i++) strcat(set, ",1");
    refuse_with("", set, "more than the 256 numbers there is room for; try leaving it out");
}

static void wrong_keys(void **state)
{
    (void)state;
    refuse("[train]\nstpes = 3\n", NULL, "t.ini:2: train.stpes = 3: no such key; try train.steps");
    refuse("[train]\nbucket_mb = 3\n", NULL,
           "t.ini:2: train.bucket_mb = 3: no such key; try parallel.bucket_mb");
    refuse("[parallel]\ncp = 2\n", NULL,
           "t.ini:2: parallel.cp = 2: no such key; try one of data, reduce, gather, bucket_mb, quantize, "
           "reduce_fp32, overlap, collectives, tp, ep, sequence_parallel, tensor_overlap, tensor_pieces, "
           "scatter_messages, "
           "pp, schedule, "
           "virtual_stages, layers_per_stage");
    refuse(
        "[cluster]\nnodes = 2\n", NULL,
        "t.ini:1: [cluster]: no such section; try one of model, moe, data, train, parallel, hardware, chip, "
        "node, software, output, faults");
    refuse("[modle]\n", NULL, "t.ini:1: [modle]: no such section; try [model]");
    refuse("train.steps = 3\n", NULL,
           "t.ini:1: train.steps: a file has sections; try two lines, [train] and steps = 3");
    refuse("steps = 3\n", NULL, "t.ini:1: steps: stands before any [section]; try train.steps");
    refuse("[train]\nsteps = 3\n\n[train]\nsteps = 3\n", NULL,
           "t.ini:5: train.steps: already given in line 2; try one of the two");
    refuse("", "", "--set \"\": no '=' in it; try --set train.steps=100");
    refuse("", "train.lr=3",
           "--set train.lr=3: no such key; try train.learning_rate, as that is called here");
    refuse("", "model.Num_Layers=3",
           "--set model.Num_Layers=3: no such key; try model.layers, as that is called here");
    refuse("", "trian.steps=3", "--set trian.steps=3: no such key; try train.steps");
    refuse("", "train.bits=16",
           "--set train.bits=16: no such key; try one of steps, global_batch, microbatch, "
           "optimizer, learning_rate, warmup, decay, weight_decay, beta1, beta2, epsilon, momentum, alpha, "
           "clip, precision, gradients, loss_scale, loss_scale_backoff, loss_scale_interval, recompute, "
           "matmul, threads, seed");
    refuse_with("", ".=", "no such section");
}

static void wrong_lines(void **state)
{
    (void)state;
    refuse("[train]\nsteps\n", NULL, "t.ini:2: \"steps\" is not 'key = value'; try one such as steps = 100");
    refuse("[train]\nsteps ; = 3\n", NULL,
           "t.ini:2: \"steps ; = 3\" is not 'key = value'; try one such as steps = 100");
    /* what no editor shows: a form feed, a second mark of UTF-8, DOS's end of a file */
    refuse("\f[train]\n", NULL, "t.ini:1: \"?[train]\" is not 'key = value'; try one such as steps = 100");
    refuse("\uFEFF\uFEFF[train]\n", NULL,
           "t.ini:1: \"?[train]\" is not 'key = value'; try one such as steps = 100");
    refuse("[train]\nsteps = 3\n\x1A", NULL,
           "t.ini:3: \"?\" is not 'key = value'; try one such as steps = 100");
    refuse("[train]\n= 3\n", NULL, "t.ini:2: no key before the '='; try one such as steps = 100");
    refuse("[train\nsteps = 3\n", NULL,
           "t.ini:1: a section without its closing bracket; try one such as [train]");
    refuse("[train] steps = 3\n", NULL, "t.ini:1: text after [section]; try it on a line of its own");
    refuse("[output]\nfile = \"a.h5\n", NULL,
           "t.ini:2: a quote that is not closed; try the same quote at the end of the value");
    refuse("[output]\nfile = \"a\"b.h5\n", NULL,
           "t.ini:2: text after the closing quote; try a blank and ; or # before a comment");
    refuse_with("[train]\rsteps = 3\r", NULL, "t.ini:1: a carriage return inside the line");
    refuse_with("[output]\nfile = a\tb\n", NULL, "has the code 9");
    refuse_with("[node]\nhost = a\tb\n", NULL,
                "character 2 has the code 9, which no line of text has; try vm-1, Xeon");
}

static void long_lines(void **state)
{
    (void)state;
    enum { LONG = 1000000 };
    Config c;
    char *text = malloc(LONG + 64);
    char path[CONFIG_PATH + 1], expected[256];
    const char *const starts[] = {"; ", "[output]\nfile = ", "[output]\n", "[", "[output]\nfile = \""};
    const char *const messages[] = {NULL, "1000000 characters, more than the 511 there is room for",
                                    "not 'key = value'", "without its closing bracket",
                                    "quote that is not closed"};
    for (int i = 0; i < 5; i++) {
        strcpy(text, starts[i]);
        size_t length = strlen(text);
        memset(text + length, 'x', LONG);
        strcpy(text + length + LONG, "\n");
        if (messages[i])
            refuse_with(text, NULL, messages[i]);
        else
            take(&c, text, NULL), config_free(&c);
    }
    memset(text, 'k', LONG);
    strcpy(text + LONG, " = 3\n");
    refuse_with(text, NULL, "a key that is too long");
    free(text);

    memset(path, 'p', CONFIG_PATH); /* 511 characters fit, 512 do not */
    path[CONFIG_PATH - 1] = '\0';
    char line[CONFIG_PATH + 32];
    snprintf(line, sizeof line, "[output]\nfile = %s", path);
    take(&c, line, NULL);
    assert_string_equal(c.output.file, path);
    config_free(&c);
    path[CONFIG_PATH - 1] = 'p';
    path[CONFIG_PATH] = '\0';
    snprintf(line, sizeof line, "[output]\nfile = %s", path);
    snprintf(expected, sizeof expected,
             "%.80s...: 512 characters, more than the 511 there is room for; try a shorter one", path);
    refuse_with(line, NULL, expected);
    Error error;
    assert_false(config_parse(&c, &(ConfigSource){.name = path, .text = ""}, &error));
    assert_non_null(strstr(error.text, "a file name of 512 characters"));
}

/* Texts made of pieces at random are taken or refused in one line, never worse (run under sanitizers). */
static void random_texts(void **state)
{
    (void)state;
    static const char *const pieces[] = {"[train]", "[",
                                         "]",       "=",
                                         " = ",     "steps",
                                         "3",       "\n",
                                         "\r\n",    "\r",
                                         ";",       " ;",
                                         "#",       "\"",
                                         "'",       "\t",
                                         " ",       ":",
                                         ".",       "\xEF\xBB\xBF",
                                         "\xFF",    "[model]",
                                         "heads",   "-",
                                         "1e9",     "9999999999999999999",
                                         "preset",  "small",
                                         "\x01",    "data"};
    uint32_t random = 1;
    for (int round = 0; round < 20000; round++) {
        char text[512] = "";
        for (int i = 0; i < 24; i++) {
            random = random * 1664525u + 1013904223u;
            strcat(text, pieces[(random >> 8) % (sizeof pieces / sizeof *pieces)]);
        }
        Config c;
        Error error;
        const char *sets[] = {text, NULL};
        if (parse(&c, text, NULL, &error))
            config_free(&c);
        else
            assert_null(strchr(error.text, '\n'));
        if (parse(&c, "", sets, &error))
            config_free(&c);
        else
            assert_null(strchr(error.text, '\n'));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounded_values), cmocka_unit_test(wrong_values),  cmocka_unit_test(wrong_lists),
        cmocka_unit_test(wrong_experts),  cmocka_unit_test(wrong_balance), cmocka_unit_test(wrong_keys),
        cmocka_unit_test(wrong_lines),    cmocka_unit_test(long_lines),    cmocka_unit_test(random_texts),
    };
    return cmocka_run_group_tests_name("config refusals", tests, NULL, NULL);
}
