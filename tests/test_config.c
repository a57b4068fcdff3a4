/* test_config.c - the ini reader, the config's rows, its refusals and its files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "sim/config.h"
/* last: it makes fail() a macro */
#include <cmocka.h>

/* ---- helpers -------------------------------------------------------------- */

static bool parse(Config *config, const char *text, const char *const *sets, Error *error)
{
    int count = 0;
    while (sets && sets[count]) count++;
    memset(error, 0, sizeof *error);
    return config_parse(config, "t.ini", text, sets, count, NULL, error);
}

static void accept(Config *config, const char *text, const char *set)
{
    Error error;
    if (!parse(config, text, (const char *[]){set, NULL}, &error))
        fail_msg("%s\nrefused: %s", text, error.text);
}

/* The text, or the --set on an empty file, is refused with exactly this line. */
static void refuse(const char *text, const char *set, const char *message)
{
    Config config;
    Error error;
    if (parse(&config, text, (const char *[]){set, NULL}, &error)) {
        config_free(&config);
        fail_msg("accepted: %s %s", text, set ? set : "");
    }
    assert_string_equal(error.text, message);
    assert_null(config.text);
}

/* As refuse, but `part` only has to stand in the line. */
static void refuse_with(const char *text, const char *set, const char *part)
{
    Config config;
    Error error;
    if (parse(&config, text, (const char *[]){set, NULL}, &error)) {
        config_free(&config);
        fail_msg("accepted: %s %s", text, set ? set : "");
    }
    if (!strstr(error.text, part)) fail_msg("'%s' has no '%s'", error.text, part);
    assert_null(strchr(error.text, '\n'));
}

static const char *row_value(const Config *config, const char *wanted, char value[CONFIG_VALUE])
{
    char key[64];
    for (int i = 0; config_row(config, i, key, sizeof key, value, CONFIG_VALUE); i++)
        if (strcmp(key, wanted) == 0) return value;
    fail_msg("no row %s", wanted);
    return NULL;
}

static void assert_row(const Config *config, const char *key, const char *expected)
{
    char value[CONFIG_VALUE];
    assert_string_equal(row_value(config, key, value), expected);
}

/* ---- defaults, presets, precedence ----------------------------------------- */

static void two_lines_are_enough(void **state)
{
    (void)state;
    Config c;
    Error error;
    accept(&c, "[parallel]\ndata = zero3\n", NULL);
    assert_int_equal(c.parallel.kind, DATA_ZERO3);
    assert_int_equal(c.model.shape.layers, 2);
    assert_int_equal(c.model.shape.ffn, 4 * c.model.shape.hidden);
    assert_true(c.model.shape.tie_embeddings);
    assert_string_equal(c.data.source, "markov");
    assert_string_equal(c.output.file, "results/t.h5");
    assert_string_equal(c.text, "[parallel]\ndata = zero3\n");
    assert_int_equal(c.train.optimizer.kind, OPTIMIZER_ADAMW);
    for (int i = 0; i < 6; i++) {
        int ranks = (int[]){1, 2, 3, 4, 6, 8}[i];
        assert_true(config_check_ranks(&c, ranks, &error));
        assert_int_equal(c.train.microbatch, 24 / ranks);
    }
    config_free(&c);
    config_free(&c); /* twice is harmless */
}

static void presets_give_way_to_keys(void **state)
{
    (void)state;
    Config c;
    accept(&c, "[model]\nlayers = 3\npreset = gpt2-124m\n", NULL); /* above the preset */
    assert_int_equal(c.model.shape.layers, 3);
    assert_int_equal(c.model.shape.hidden, 768);
    assert_int_equal(c.model.shape.ffn, 3072);
    assert_int_equal(c.model.shape.vocab, 50257);
    config_free(&c);
    accept(&c, "[model]\nlayers = 3\nhidden = 96\nffn = 100\n",
           "model.preset=gpt2-1558m"); /* --set outranks the file */
    assert_int_equal(c.model.shape.layers, 48);
    assert_int_equal(c.model.shape.hidden, 1600);
    assert_int_equal(c.model.shape.heads, 25);
    assert_int_equal(c.model.shape.ffn, 6400);
    config_free(&c);
    Error error;
    const char *sets[] = {"model.layers=5", "model.preset=small", "model.layers = 6",
                          NULL}; /* in any order; last wins */
    assert_true(parse(&c, "[model]\nlayers = 3\n", sets, &error));
    assert_int_equal(c.model.shape.layers, 6);
    assert_int_equal(c.model.shape.hidden, 128);
    config_free(&c);
    accept(&c, "[model]\nhidden = 96\n", NULL); /* ffn follows hidden */
    assert_int_equal(c.model.shape.ffn, 384);
    config_free(&c);
}

static void values_in_every_spelling(void **state)
{
    (void)state;
    Config c;
    accept(&c,
           "\xEF\xBB\xBF; byte order mark\r\n[train]\r\n  steps = 7\t; seven\r\n\tclip=0 # "
           "off\r\nlearning_rate = 1e-3\r\n"
           "beta2 : .999\r\noptimizer = AdamW\r\n[ parallel ] ; two\r\noverlap = OFF\r\n"
           "[data]\r\nsource = \"a ;b.txt\" ; quoted\r\n[model]\r\nvocab=256\r\ntie_embeddings=False\r\n"
           "[output]\r\nweights = a#b;c.h5\r\ngradients = 'it is \"so\".h5' # c\r\n[train]\r\nwarmup = 2",
           "model.init =  x y.h5 ");
    assert_int_equal(c.train.steps, 7);
    assert_int_equal(c.train.warmup, 2);
    assert_true(c.train.clip == 0);
    assert_true(c.train.learning_rate == 1e-3);
    assert_true(c.train.optimizer.beta2 == 0.999);
    assert_int_equal(c.train.optimizer.kind, OPTIMIZER_ADAMW);
    assert_false(c.parallel.overlap);
    assert_false(c.model.shape.tie_embeddings);
    assert_string_equal(c.data.source, "a ;b.txt");
    assert_string_equal(c.output.weights, "a#b;c.h5");
    assert_string_equal(c.output.gradients, "it is \"so\".h5");
    assert_string_equal(c.model.init, "x y.h5");
    config_free(&c);
}

/* What config_row writes, read again, is the same config. */
static void rows_read_back(void **state)
{
    (void)state;
    Config c, again;
    accept(&c,
           "[model]\nheads = 8\n[train]\nlearning_rate = 0.1234567890123456789\nepsilon = 1e-12\nclip=1e9\n"
           "[parallel]\ndata=zero2\nbucket_mb = 0.5\n[output]\nweights = 'a # b'\ngradients = \"x 'y' ;z\"\n",
           NULL);
    char text[8192] = "", key[64], value[CONFIG_VALUE];
    for (int i = 0; config_row(&c, i, key, sizeof key, value, sizeof value); i++) {
        char *dot = strchr(key, '.');
        *dot = '\0';
        sprintf(text + strlen(text), "[%s]\n%s = %s\n", key, dot + 1, value);
    }
    accept(&again, text, NULL);
    for (int i = 0; config_row(&c, i, key, sizeof key, value, sizeof value); i++)
        assert_row(&again, key, value);
    assert_true(again.train.learning_rate == c.train.learning_rate);
    assert_row(&again, "train.epsilon", "1e-12");
    assert_row(&again, "train.learning_rate", "0.12345678901234568");
    assert_row(&again, "train.clip", "1e9");
    assert_row(&again, "parallel.data", "zero2");
    assert_row(&again, "parallel.overlap", "yes");
    assert_row(&again, "model.ffn", "256");
    assert_string_equal(again.output.gradients, "x 'y' ;z");
    config_free(&c);
    config_free(&again);
}

static void output_and_stem(void **state)
{
    (void)state;
    Config c;
    Error error;
    char stem[64];
    const char *names[] = {"configs/zero3.ini", "a.b.ini", "plain", ".ini", "/dev/fd/63"};
    const char *stems[] = {"zero3", "a.b", "plain", ".ini", "63"};
    for (int i = 0; i < 5; i++) {
        assert_true(config_parse(&c, names[i], "", NULL, 0, NULL, &error));
        config_stem(&c, stem, sizeof stem);
        assert_string_equal(stem, stems[i]);
        config_free(&c);
    }
    assert_true(config_parse(&c, "z.ini", "[output]\nfile = a.h5\n", NULL, 0, "b.h5", &error));
    assert_string_equal(c.output.file, "b.h5");
    assert_false(config_refuse(&c, "output.file", &error, "disk full; try %s", "/tmp"));
    assert_string_equal(error.text, "--output b.h5: output.file = b.h5: disk full; try /tmp");
    config_free(&c);
    assert_false(config_parse(&c, "z.ini", "", NULL, 0, "", &error));
    assert_string_equal(error.text, "--output: no file name; try --output results/try.h5");
}

/* ---- refusals ---------------------------------------------------------------- */

static void wrong_values(void **state)
{
    (void)state;
    refuse("\n\n[parallel]\n\ndata = zero4\n", NULL,
           "t.ini:5: parallel.data = zero4: not one of dp, ddp, zero1, zero2, zero3; try zero1");
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
    refuse("", "train.steps=x",
           "--set train.steps=x: train.steps = x: not a whole number from 0 to 1000000000; try 1000");
}

static void wrong_keys(void **state)
{
    (void)state;
    refuse("[train]\nstpes = 3\n", NULL, "t.ini:2: train.stpes = 3: no such key; try train.steps");
    refuse("[train]\nbucket_mb = 3\n", NULL,
           "t.ini:2: train.bucket_mb = 3: no such key; try parallel.bucket_mb");
    refuse("[parallel]\ncp = 2\n", NULL,
           "t.ini:2: parallel.cp = 2: no such key; try one of data, reduce, bucket_mb, reduce_fp32, "
           "quantize, overlap, tp, sequence_parallel, pp, schedule, virtual_stages");
    refuse("[cluster]\nnodes = 2\n", NULL,
           "t.ini:1: [cluster]: no such section; try one of model, data, train, parallel, hardware, output");
    refuse("[modle]\n", NULL, "t.ini:1: [modle]: no such section; try [model]");
    refuse("steps = 3\n", NULL, "t.ini:1: steps: stands before any [section]; try train.steps");
    refuse("[train]\nsteps = 3\n\n[train]\nsteps = 3\n", NULL,
           "t.ini:5: train.steps: already given in line 2; try one of the two");
    refuse("", "train.steps", "--set train.steps: no '=' in it; try --set train.steps=100");
    refuse("", "steps=3", "--set steps=3: no section before the key; try --set train.steps=100");
    refuse("", "output=a.h5", "--set output=a.h5: no section before the key; try --set train.steps=100");
    refuse("", "", "--set \"\": no '=' in it; try --set train.steps=100");
    refuse("", "trian.steps=3", "--set trian.steps=3: trian.steps = 3: no such key; try train.steps");
    refuse("", "train.bits=16",
           "--set train.bits=16: train.bits = 16: no such key; try one of steps, global_batch, microbatch, "
           "optimizer, "
           "learning_rate, warmup, decay, weight_decay, beta1, beta2, epsilon, momentum, alpha, clip, "
           "precision, "
           "loss_scale, loss_scale_backoff, loss_scale_interval, recompute, seed");
    refuse_with("", ".=", "no such section");
}

static void wrong_lines(void **state)
{
    (void)state;
    refuse("[train]\nsteps\n", NULL, "t.ini:2: not 'key = value'; try one such as steps = 100");
    refuse("[train]\nsteps ; = 3\n", NULL, "t.ini:2: not 'key = value'; try one such as steps = 100");
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
            accept(&c, text, NULL), config_free(&c);
    }
    memset(text, 'k', LONG);
    strcpy(text + LONG, " = 3\n");
    refuse_with(text, NULL, "a key that is too long");
    free(text);

    memset(path, 'p', CONFIG_PATH); /* 511 characters fit, 512 do not */
    path[CONFIG_PATH - 1] = '\0';
    char line[CONFIG_PATH + 32];
    snprintf(line, sizeof line, "[output]\nfile = %s", path);
    accept(&c, line, NULL);
    assert_string_equal(c.output.file, path);
    config_free(&c);
    path[CONFIG_PATH - 1] = 'p';
    path[CONFIG_PATH] = '\0';
    snprintf(line, sizeof line, "[output]\nfile = %s", path);
    snprintf(expected, sizeof expected,
             "%.80s...: 512 characters, more than the 511 there is room for; try a shorter path", path);
    refuse_with(line, NULL, expected);
    Error error;
    assert_false(config_parse(&c, path, "", NULL, 0, NULL, &error));
    assert_non_null(strstr(error.text, "a file name of 512 characters"));
}

static void values_that_do_not_fit(void **state)
{
    (void)state;
    refuse("[model]\nheads = 3\n", NULL,
           "t.ini:2: model.heads = 3: heads must divide hidden, and 64 / 3 = 21.33; try model.heads = 1, 2, "
           "4, 8, 16, 32 or 64");
    refuse("[model]\nhidden = 30\n", NULL,
           "t.ini:2: model.hidden = 30: heads must divide hidden, and 30 / 4 = 7.50; try model.heads = 1, 2, "
           "3, 5, 6, 10, 15 "
           "or 30");
    refuse("[train]\nsteps=5\nwarmup = 6\n", NULL,
           "t.ini:3: train.warmup = 6: warmup must fit into steps, and 6 > 5; try train.warmup = 0");
    refuse("[train]\nwarmup = 6\n", "train.steps=5",
           "t.ini:2: train.warmup = 6: warmup must fit into steps, and 6 > 5; try train.warmup = 0");
    refuse("[data]\nsource = a.txt\n", NULL,
           "t.ini:2: data.source = a.txt: a text is read as bytes, which are 256 tokens, and model.vocab = "
           "64; try "
           "model.vocab = 256, or data.source = markov");
    refuse("[model]\nvocab = 3\n", NULL,
           "t.ini:2: model.vocab = 3: the markov source has four tokens that can follow each; try "
           "model.vocab = 4 or more");
    refuse("[output]\nweights = a.h5\nfile = a.h5\n", NULL,
           "t.ini:3: output.file = a.h5: output.file and output.weights are the same file; try another name "
           "for output.file");
    refuse_with("[model]\nvocab=256\n[data]\nsource = a\n[output]\nfile = a\n", NULL, "are the same file");
    refuse_with("[model]\nlayers = 1000000\nhidden = 10000000\nheads=1\n", NULL,
                "1.2e+21 parameters (1000000 layers");
    refuse_with("[model]\nsequence = 10000000\n[train]\nmicrobatch = 1000\n", NULL,
                "t.ini:4: train.microbatch = 1000: 1000 samples of 10000000 tokens at once");
    refuse_with("[train]\nsteps = 1000000000\nglobal_batch = 1000000000\n", NULL,
                "more tokens than can be counted");
    Config c; /* no step needs no warm-up */
    accept(&c, "[train]\nwarmup = 6\nsteps = 0\n", NULL);
    config_free(&c);
}

static void families(void **state)
{
    (void)state;
    Config c;
    accept(&c, "[model]\npreset = llama-tiny\ndropout = 0.25\nattention = flash\n", NULL);
    assert_row(&c, "model.kv_heads", "4");
    assert_row(&c, "model.ffn", "176");
    assert_row(&c, "model.norm", "rmsnorm");
    assert_row(&c, "model.activation", "swiglu");
    assert_row(&c, "model.position", "rope");
    assert_row(&c, "model.bias", "no");
    assert_row(&c, "model.tie_embeddings", "no");
    assert_true(c.model.shape.dropout == 0.25 && c.model.shape.attention == ATTENTION_FLASH);
    config_free(&c);
    accept(&c, "[model]\nheads = 8\npost_norm = yes\nposition = sinusoidal\nactivation = relu\n", NULL);
    assert_row(&c, "model.kv_heads", "8"); /* as many as heads unless given */
    assert_row(&c, "model.attention", "plain");
    assert_row(&c, "model.dropout", "0");
    assert_true(c.model.shape.post_norm && c.model.shape.activation == ACTIVATION_RELU);
    config_free(&c);
    accept(&c, "", "model.preset=llama3-405b");
    assert_int_equal(c.model.shape.kv_heads, 8);
    assert_true(c.model.shape.rope_base == 5e5);
    config_free(&c);

    refuse(
        "[model]\nkv_heads = 3\n", NULL,
        "t.ini:2: model.kv_heads = 3: kv_heads must divide heads, and 4 / 3 = 1.33; try model.kv_heads = 1, "
        "2 or 4");
    refuse(
        "[model]\nkv_heads = 2\n", "model.heads=1",
        "t.ini:2: model.kv_heads = 2: kv_heads must divide heads, and 1 / 2 = 0.50; try model.kv_heads = 1");
    refuse(
        "[model]\nhidden = 12\nposition = rope\n", NULL,
        "t.ini:3: model.position = rope: rope turns pairs, and a head of hidden / heads = 12 / 4 = 3 numbers "
        "has no whole number of them; try model.hidden = 16");
    refuse("[model]\ndropout = 1\n", NULL, "t.ini:2: model.dropout = 1: outside 0 to 1, without 1; try 0.1");
    refuse("", "model.dropout=0.999993",
           "--set model.dropout=0.999993: model.dropout = 0.999993: shares are drawn in steps of 1/65536, "
           "and this "
           "one would drop everything; try model.dropout = 0.9999");
    refuse(
        "", "model.dropout=7e-6",
        "--set model.dropout=7e-6: model.dropout = 7e-6: shares are drawn in steps of 1/65536, and this one "
        "would drop nothing; try model.dropout = 0");
    refuse("", "model.dropout=-0.1",
           "--set model.dropout=-0.1: model.dropout = -0.1: outside 0 to 1, without 1; try 0.1");
    refuse("[model]\nrope_base = 0.5\n", NULL,
           "t.ini:2: model.rope_base = 0.5: outside 1 to 1e12; try 500000");
    refuse("[model]\nnorm = rms\n", NULL,
           "t.ini:2: model.norm = rms: not one of layernorm, rmsnorm; try rmsnorm");
    refuse("[model]\nkv_heads = 2\n[parallel]\ntp = 4\n", NULL,
           "t.ini:4: parallel.tp = 4: tp = 4 does not divide model.kv_heads = 2; try parallel.tp = 1 or 2");
    refuse("[model]\npreset = llama-tiny\n", "parallel.tp=8",
           "--set parallel.tp=8: parallel.tp = 8: tp = 8 does not divide model.kv_heads = 4; try parallel.tp "
           "= 1, "
           "2 or 4");
}

static void ranks_that_do_not_fit(void **state)
{
    (void)state;
    Config c;
    Error error;
    accept(&c, "[train]\nglobal_batch = 24\n", NULL);
    assert_false(config_check_ranks(&c, 5, &error));
    assert_string_equal(
        error.text,
        "t.ini:2: train.global_batch = 24: 24 samples do not divide over 5 ranks, 24 / 5 = 4.8; try "
        "train.global_batch = 20 or 25, or 1, 2, 3, 4, 6, 8, 12 or 24 ranks");
    assert_false(config_check_ranks(&c, 1024, &error));
    assert_non_null(strstr(error.text, "try train.global_batch = 1024, or 1,"));
    assert_true(config_check_ranks(&c, 8, &error)); /* and asked again, with other ranks */
    assert_int_equal(c.train.microbatch, 3);
    assert_true(config_check_ranks(&c, 4, &error));
    assert_int_equal(c.train.microbatch, 6);
    assert_false(config_check_ranks(&c, 0, &error));
    config_free(&c);

    accept(&c, "[train]\nmicrobatch = 3\n", NULL);
    assert_true(config_check_ranks(&c, 8, &error));
    assert_int_equal(c.train.microbatch, 3);
    assert_false(config_check_ranks(&c, 6, &error));
    assert_string_equal(
        error.text,
        "t.ini:2: train.microbatch = 3: 6 ranks with a microbatch of 3 take 18 samples at a time, and a "
        "step would need 24 / (6 x 3) = 1.333 microbatches; try train.global_batch = 18 or 36, "
        "train.microbatch = 1, 2 or 4, or 1, 2, 4 or 8 ranks");
    config_free(&c);
    accept(&c, "", NULL); /* a default is blamed as one */
    assert_false(config_check_ranks(&c, 7, &error));
    assert_non_null(strstr(error.text, "t.ini: train.global_batch = 24 (default): 24 samples"));
    assert_false(config_refuse(&c, "model.layers", &error, "no; try %d", 1));
    assert_string_equal(error.text, "t.ini: model.layers = 2 (preset toy): no; try 1");
    config_free(&c);
    accept(&c, "[model]\npreset = small\n", "train.microbatch=7");
    assert_false(config_refuse(&c, "model.layers", &error, "no; try %d", 1));
    assert_string_equal(error.text, "t.ini:2: model.layers = 4 (preset small): no; try 1");
    assert_false(config_check_ranks(&c, 4, &error));
    assert_non_null(
        strstr(error.text, "--set train.microbatch=7: train.microbatch = 7: 4 ranks with a microbatch of 7"));
    config_free(&c);
}

static void pipelines(void **state)
{
    (void)state;
    Config c;
    accept(&c, "[hardware]\nprofile = Measured\nbandwidth_gb = 12.5\n", NULL);
    assert_int_equal(c.pipeline.size, 1);
    assert_int_equal(c.pipeline.virtual_stages, 1);
    assert_string_equal(c.pipeline.schedule, "1f1b");
    assert_int_equal(c.parallel.reduce, REDUCE_AUTO);
    assert_int_equal(c.hardware.profile, PROFILE_MEASURED);
    assert_true(c.hardware.latency_us == 5 && c.hardware.bandwidth == 12.5);
    config_free(&c);
    accept(&c,
           "[parallel]\npp = 1\nschedule = a b.csv\nvirtual_stages = 2\ndata = zero2\nreduce = microbatch\n",
           NULL);
    assert_string_equal(c.pipeline.schedule, "a b.csv");
    assert_int_equal(c.parallel.reduce, REDUCE_MICROBATCH);
    config_free(&c);

    refuse("[parallel]\nschedule = gpip\n", NULL,
           "t.ini:2: parallel.schedule = gpip: not one of naive, gpipe, 1f1b, interleaved, zb-h1, nor the "
           "path of "
           "a file that ends in .csv; try gpipe");
    refuse_with("[parallel]\nschedule = .csv\n", NULL, "a file that ends in .csv; try 1f1b");
    refuse(
        "[parallel]\nschedule = gpipe\nvirtual_stages = 2\n", NULL,
        "t.ini:3: parallel.virtual_stages = 2: gpipe runs one stage a rank, not 2; try one, or the schedule "
        "interleaved");
    refuse_with(
        "[parallel]\nschedule = interleaved\n", NULL,
        "t.ini:2: parallel.schedule = interleaved: interleaved needs two or more stages a rank and has 1");
    refuse("[model]\nlayers = 5\n[parallel]\npp = 3\nschedule = interleaved\nvirtual_stages = 2\n", NULL,
           "t.ini:6: parallel.virtual_stages = 2: 5 layers cannot fill pp x virtual_stages = 3 x 2 = 6 "
           "stages; try "
           "model.layers = 6, or fewer stages");
    refuse_with("[parallel]\npp = 3\n", NULL, "t.ini:2: parallel.pp = 3: 2 layers cannot fill");
    refuse_with("[model]\nlayers = 2\n", "parallel.pp=65536",
                "65536 x 1 = 65536 stages; try model.layers = 65536");
    const char *const whole[] = {"dp", "ddp", "zero1"};
    for (int i = 0; i < 3; i++) {
        char text[64];
        snprintf(text, sizeof text, "[parallel]\nreduce = microbatch\ndata = %s\n", whole[i]);
        refuse_with(text, NULL, "t.ini:2: parallel.reduce = microbatch: ");
        refuse_with(text, NULL, "holds whole gradients, so they are summed once a step");
    }
    refuse_with("[hardware]\nbandwidth_gb = 0\n", NULL, "without 0; try 50");
    refuse_with("[output]\nfile = a.csv\n[parallel]\nschedule = a.csv\n", NULL, "are the same file");
}

static void ranks_refused(Config *c, int ranks, const char *message)
{
    Error error;
    assert_false(config_check_ranks(c, ranks, &error));
    assert_string_equal(error.text, message);
}

static void ranks_of_a_pipeline(void **state)
{
    (void)state;
    Config c;
    Error error;
    accept(&c, "[model]\nlayers = 4\n[train]\nmicrobatch = 2\n[parallel]\npp = 2\ntp = 2\n", NULL);
    assert_true(config_check_ranks(&c, 8, &error));
    assert_int_equal(config_replicas(&c, 8), 2);
    assert_int_equal(config_microbatches(&c, 8), 6);
    assert_int_equal(config_microbatches(&c, 4), 12);
    ranks_refused(
        &c, 6,
        "t.ini:6: parallel.pp = 2: 6 ranks do not divide into groups of 4 (pp x tp = 2 x 2); try 4 or 8 "
        "ranks, or another parallel.pp");
    ranks_refused(
        &c, 1,
        "t.ini:6: parallel.pp = 2: 1 rank does not divide into groups of 4 (pp x tp = 2 x 2); try 4 "
        "ranks, or another parallel.pp");
    ranks_refused(
        &c, 20,
        "t.ini:4: train.microbatch = 2: 5 replicas (20 ranks, parallel.pp = 2, parallel.tp = 2) with a "
        "microbatch of 2 take 10 samples at a time, and a step would need 24 / (5 x 2) = 2.4 "
        "microbatches; try train.global_batch = 20 or 30, or 1, 2, 3, 4, 6 or 12 replicas");
    config_free(&c);
    accept(&c, "[parallel]\npp = 2\n", NULL);
    ranks_refused(
        &c, 10,
        "t.ini: train.global_batch = 24 (default): 24 samples do not divide over 5 replicas (10 ranks, "
        "parallel.pp = 2), 24 / 5 = 4.8; try train.global_batch = 20 or 25, or 1, 2, 3, 4, 6, 8, 12 or 24 "
        "replicas");
    config_free(&c);

    accept(&c, "[model]\nlayers = 4\n[parallel]\npp = 2\nschedule = interleaved\nvirtual_stages = 2\n",
           "train.microbatch=4");
    assert_true(config_check_ranks(&c, 2, &error)); /* 6 microbatches: three groups of 2 */
    ranks_refused(
        &c, 4,
        "t.ini:5: parallel.schedule = interleaved: train.global_batch / (replicas x train.microbatch) = 24 "
        "/ (2 x 4) = 3: interleaved takes microbatches through each of a rank's stages in groups as large "
        "as the pipeline, and 3 microbatches are not whole groups of 2 (1 left over); try "
        "train.global_batch = 16 or 32, or parallel.schedule = 1f1b and parallel.virtual_stages = 1");
    config_free(&c);
    accept(&c, "[model]\nlayers = 8\n[parallel]\npp = 4\nschedule = interleaved\nvirtual_stages = 2\n",
           "train.microbatch=0"); /* a share is one microbatch, whatever the batch */
    ranks_refused(
        &c, 8,
        "t.ini:5: parallel.schedule = interleaved: train.global_batch / (replicas x train.microbatch) = 24 "
        "/ (2 x 12) = 1: interleaved takes microbatches through each of a rank's stages in groups as large "
        "as the pipeline, and 1 microbatch is not whole groups of 4 (1 left over); try train.microbatch = 3, "
        "or parallel.schedule = 1f1b and parallel.virtual_stages = 1");
    ranks_refused(
        &c, 16,
        "t.ini:5: parallel.schedule = interleaved: train.global_batch / (replicas x train.microbatch) = 24 "
        "/ (4 x 6) = 1: interleaved takes microbatches through each of a rank's stages in groups as large "
        "as the pipeline, and 1 microbatch is not whole groups of 4 (1 left over); try train.global_batch = "
        "32 and train.microbatch = 2, or parallel.schedule = 1f1b and parallel.virtual_stages = 1");
    config_free(&c);
}

/* ---- files -------------------------------------------------------------------- */

static char start[1024], folder[] = "/tmp/test_config.XXXXXX";

static void put(const char *path, const char *bytes, size_t count)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, count, file), count);
    fclose(file);
}

static int make_tree(void **state)
{
    (void)state;
    if (!getcwd(start, sizeof start) || !mkdtemp(folder) || chdir(folder)) return 1;
    const char *const folders[] = {"here",    "build", "build/bin", "build/double",      "build/double/bin",
                                   "configs", "share", "share/sim", "share/sim/configs", "bin"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        if (mkdir(folders[i], 0755)) return 1;
    put("configs/zero3.ini", "[parallel]\ndata = zero3\n", 24);
    put("configs/ddp.ini", "[parallel]\ndata = ddp\n", 22);
    put("share/sim/configs/shared.ini", "[parallel]\ndata = dp\n", 21);
    put("here/ddp.ini", "[train]\nsteps = 3\n", 18);
    return chdir("here");
}

static int remove_tree(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return chdir(start) || system(command);
}

static char *in_tree(const char *path, char *full, size_t size)
{
    snprintf(full, size, "%s/%s", folder, path);
    return full;
}

static void finds_files(void **state)
{
    (void)state;
    Error error;
    char full[256];
    const struct {
        const char *name, *program, *begins;
    } cases[] = {{"ddp.ini", "build/bin", "[train]"},
                 {"./ddp.ini", NULL, "[train]"},
                 {"ddp.ini", NULL, "[train]"},
                 {"zero3.ini", "build/bin", "[parallel]"},
                 {"zero3.ini", "build/double/bin", "[parallel]"},
                 {"shared.ini", "bin", "[parallel]\ndata = dp"},
                 {"../configs/zero3.ini", NULL, "[parallel]"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = config_read(
            cases[i].name, cases[i].program ? in_tree(cases[i].program, full, sizeof full) : NULL, &error);
        if (!text) fail_msg("%s: %s", cases[i].name, error.text);
        assert_int_equal(strncmp(text, cases[i].begins, strlen(cases[i].begins)), 0);
        free(text);
    }
}

static void unread(const char *name, const char *program, const char *part)
{
    Error error;
    char full[256];
    char *text = config_read(name, program ? in_tree(program, full, sizeof full) : NULL, &error);
    free(text);
    assert_null(text);
    if (!strstr(error.text, part)) fail_msg("'%s' has no '%s'", error.text, part);
    assert_int_equal(strncmp(error.text, "sim", 3) == 0, 0);
}

static void refuses_files(void **state)
{
    (void)state;
    unread("zero4.ini", "build/bin", "zero4.ini: no such file in /tmp/test_config.");
    unread("zero4.ini", "build/bin", "/configs has ddp.ini, zero3.ini; try --config zero3.ini");
    unread("zero3", "build/bin", "try --config zero3.ini");
    unread("nope.ini", NULL, "; try --config with the path of an ini file");
    unread("./zero3.ini", "build/bin", "./zero3.ini: no such file in that path");
    unread("..", NULL, "..: is a folder; try an ini file in it, such as ../zero3.ini");
    unread("../configs/", NULL, "such as ../configs/zero3.ini");
    unread("ddp.ini/x", NULL, "ddp.ini/x: cannot be opened: Not a directory");
    unread("", NULL, "--config: no file name");
    put("empty.ini", "", 0);
    unread("empty.ini", NULL, "empty.ini: is empty; try");
    put("blank.ini", " \r\n\t\n", 5);
    unread("blank.ini", NULL, "blank.ini: is empty; try");
    put("zero.ini", "[train]\nste\0ps = 3\n", 19);
    unread("zero.ini", NULL, "zero.ini:2: byte 12 is zero, so this is no text");
    unread("/dev/zero", NULL, "/dev/zero: more than 16 MB");
    put("closed.ini", "[train]\n", 8);
    chmod("closed.ini", 0);
    uid_t user = geteuid();
    if (user == 0) assert_int_equal(seteuid(65534), 0); /* nothing is closed to root */
    unread("closed.ini", NULL, "closed.ini: cannot be opened: Permission denied");
    assert_int_equal(seteuid(user), 0);
    char name[CONFIG_PATH + 8];
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    unread(name, NULL, "a file name of 519 characters, more than the 511");
}

/* The files that come with sim: the strategies differ in [parallel] alone, and fit 1 to 8 ranks. */
static void shipped_files(void **state)
{
    (void)state;
    const char *const names[] = {"single.ini", "dp.ini",    "ddp.ini",   "zero1.ini",
                                 "zero2.ini",  "zero3.ini", "markov.ini"};
    const int kinds[] = {DATA_DDP, DATA_DP, DATA_DDP, DATA_ZERO1, DATA_ZERO2, DATA_ZERO3, DATA_DDP};
    Config all[7];
    Error error;
    for (int i = 0; i < 7; i++) {
        char path[1200], key[64], value[CONFIG_VALUE], first[CONFIG_VALUE];
        snprintf(path, sizeof path, "%s/configs/%s", start,
                 names[i]); /* the tests run from the source tree */
        char *text = config_read(path, NULL, &error);
        if (!text || !config_parse(&all[i], names[i], text, NULL, 0, NULL, &error))
            fail_msg("%s", error.text);
        free(text);
        assert_int_equal(all[i].parallel.kind, kinds[i]);
        for (int k = 0; k < 6; k++)
            if (!config_check_ranks(&all[i], (int[]){1, 2, 3, 4, 6, 8}[k], &error))
                fail_msg("%s", error.text);
        assert_int_equal(all[i].train.microbatch, 3); /* one microbatch a rank on 8 */
        for (int r = 0; i < 6 && config_row(&all[i], r, key, sizeof key, value, sizeof value); r++)
            if (strncmp(key, "parallel.", 9) != 0 && strcmp(key, "output.file") != 0)
                assert_string_equal(value, row_value(&all[0], key, first));
    }
    for (int i = 0; i < 7; i++) config_free(&all[i]);
}

/* ---- help ----------------------------------------------------------------------- */

/* The help for `key` as text. */
static char *help(const char *key)
{
    char *text = NULL;
    size_t size;
    Error error;
    FILE *out = open_memstream(&text, &size);
    bool known = config_help(out, key, &error);
    fclose(out);
    if (!known) fail_msg("%s", error.text);
    char *copy = strdup(text);
    free(text);
    return copy;
}

static void help_for_every_key(void **state)
{
    (void)state;
    Config c;
    char key[64], value[CONFIG_VALUE];
    char *all = help(NULL);
    accept(&c, "", NULL);
    for (int i = 0; config_row(&c, i, key, sizeof key, value, sizeof value); i++) {
        char *text = help(key), line[80];
        for (const char *at = text; *at; at += strcspn(at, "\n") + 1) assert_true(strcspn(at, "\n") <= 100);
        assert_int_equal(strncmp(text, key, strlen(key)), 0);
        snprintf(line, sizeof line, "\n  %s = ", strchr(key, '.') + 1);
        assert_non_null(strstr(all, line));
        const char *example = strstr(text, "--set "); /* the example fits */
        assert_non_null(example);
        char set[128];
        snprintf(set, sizeof set, "%.*s", (int)strcspn(example + 6, "\n"), example + 6);
        Config tried;
        Error error;
        bool widens = strcmp(key, "parallel.reduce_fp32") == 0, has_16_bits = sizeof(real) == sizeof(float);
        if (strcmp(set, "data.source=book.txt") != 0 && strcmp(key, "model.heads") != 0 &&
            (!widens || has_16_bits)) {
            if (!parse(&tried,
                       "[train]\nsteps=1000\n[model]\nhidden=768\n[parallel]\ndata=zero2\ntp=2\n"
                       "schedule=my.csv\n",
                       (const char *[]){set, widens ? "train.precision=bf16" : NULL, NULL}, &error))
                fail_msg("%s", error.text);
            config_free(&tried);
        }
        free(text);
    }
    for (const char *at = all; *at; at += strcspn(at, "\n") + 1) assert_true(strcspn(at, "\n") <= 100);
    free(all);
    config_free(&c);
    free(help("train"));
    free(help("bucket_mb"));
}

static void help_refuses(void **state)
{
    (void)state;
    Error error;
    assert_false(config_help(stdout, "seed", &error));
    assert_string_equal(error.text,
                        "help seed: more than one key has that name; try sim help data.seed or train.seed");
    assert_false(config_help(stdout, "trian.steps", &error));
    assert_string_equal(error.text, "help trian.steps: no such key; try train.steps");
    assert_false(config_help(stdout, "zero3", &error));
    assert_string_equal(
        error.text, "help zero3: no such section; try one of model, data, train, parallel, hardware, output");
}

/* ---- any bytes -------------------------------------------------------------------- */

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
        cmocka_unit_test(two_lines_are_enough),
        cmocka_unit_test(presets_give_way_to_keys),
        cmocka_unit_test(values_in_every_spelling),
        cmocka_unit_test(rows_read_back),
        cmocka_unit_test(output_and_stem),
        cmocka_unit_test(wrong_values),
        cmocka_unit_test(wrong_keys),
        cmocka_unit_test(wrong_lines),
        cmocka_unit_test(long_lines),
        cmocka_unit_test(values_that_do_not_fit),
        cmocka_unit_test(families),
        cmocka_unit_test(ranks_that_do_not_fit),
        cmocka_unit_test(pipelines),
        cmocka_unit_test(ranks_of_a_pipeline),
        cmocka_unit_test(finds_files),
        cmocka_unit_test(refuses_files),
        cmocka_unit_test(shipped_files),
        cmocka_unit_test(help_for_every_key),
        cmocka_unit_test(help_refuses),
        cmocka_unit_test(random_texts),
    };
    return cmocka_run_group_tests_name("config", tests, make_tree, remove_tree);
}
