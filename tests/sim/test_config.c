/* test_config.c - the config as its user sees it: defaults, presets, spellings, rows, names and help. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/layers/gpt_parameters.h"
#include "sim/config/help.h"
#include "sim/config/parse.h"
#include "sim/config/ranks.h"
#include "sim/config/stem.h"
#include "sim/config/refuse.h"
#include "sim/config/rows.h"
#include "tests/support/check.h"
#include "tests/support/config_text.h"

/* ---- defaults, presets, precedence ----------------------------------------- */

static void two_lines_are_enough(void **state)
{
    (void)state;
    Config c;
    Error error;
    take(&c, "[parallel]\ndata = zero3\n", NULL);
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
    take(&c, "[model]\nlayers = 3\npreset = gpt2-124m\n", NULL); /* above the preset */
    assert_int_equal(c.model.shape.layers, 3);
    assert_int_equal(c.model.shape.hidden, 768);
    assert_int_equal(c.model.shape.ffn, 3072);
    assert_int_equal(c.model.shape.vocab, 50257);
    config_free(&c);
    take(&c, "[model]\nlayers = 3\nhidden = 96\nffn = 100\n",
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
    take(&c, "[model]\nhidden = 96\n", NULL); /* ffn follows hidden */
    assert_int_equal(c.model.shape.ffn, 384);
    config_free(&c);
}

/* A preset without experts says nothing of them. */
static void presets_leave_the_experts_of_a_file(void **state)
{
    (void)state;
    static const char ini[] = "[model]\nlayers = 3\n[moe]\nexperts = 6\ntop_k = 3\nffn = 40\nbalance = "
                              "bias\n[parallel]\nep = 2\n";
    static const struct {
        const char *sets[4];
        int64_t layers, experts, top_k, ffn, ep;
    } cases[] = {{{"model.preset=toy"}, 2, 6, 3, 40, 2},
                 {{"model.preset=gpt2-124m", "moe.experts=12", "parallel.ep=4"}, 12, 12, 3, 40, 4},
                 {{"model.preset=mixtral-tiny"}, 2, 8, 2, 96, 2},
                 {{"model.preset=mixtral-tiny", "moe.top_k=3"}, 2, 8, 3, 96, 2},
                 {{"model.preset=mixtral-tiny", "model.preset=toy"}, 2, 6, 3, 40, 2},
                 {{"model.preset=toy", "moe.experts=0"}, 2, 0, 2, 0, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Config c;
        Error error;
        if (!parse(&c, ini, cases[i].sets, &error)) fail_msg("%zu: %s", i, error.text);
        assert_int_equal(c.model.shape.layers, cases[i].layers);
        assert_int_equal(c.model.shape.experts.count, cases[i].experts);
        assert_int_equal(c.model.shape.experts.top_k, cases[i].top_k);
        assert_int_equal(c.model.shape.experts.ffn, cases[i].ffn);
        assert_int_equal(c.expert.size, cases[i].ep);
        config_free(&c);
    }
}

static void values_in_every_spelling(void **state)
{
    (void)state;
    Config c;
    take(&c,
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

/* Blanks that quotes keep are a path's, and no part of another value. */
static void blanks_in_quotes(void **state)
{
    (void)state;
    Config c;
    take(&c, "[train]\nsteps = \" 5 \"\nclip = '\t2 '\ndecay = \" constant\"\n[output]\nfile = \" a.h5 \"\n",
         NULL);
    assert_row(&c, "train.steps", "5");
    assert_row(&c, "train.clip", "2");
    assert_row(&c, "train.decay", "constant");
    assert_string_equal(c.output.file, " a.h5 ");
    config_free(&c);
}

/* What config_row writes of the keys that apply, read again, is the same config. */
static void rows_read_back(void **state)
{
    (void)state;
    Config c, again;
    take(&c,
         "[model]\nheads = 8\n[train]\nlearning_rate = 0.1234567890123456789\nepsilon = 1e-12\nclip=1e9\n"
         "[parallel]\ndata=zero2\nbucket_mb = 0.5\n[output]\nweights = 'a # b'\ngradients = \"x 'y' ;z\"\n",
         NULL);
    char text[8192] = "", key[64], value[CONFIG_VALUE];
    for (int i = 0; config_row(&c, i, key, sizeof key, value, sizeof value); i++) {
        char *dot = strchr(key, '.');
        *dot = '\0';
        if (!config_row_applies(config_row_at(i), &c)) continue;
        sprintf(text + strlen(text), "[%s]\n%s = %s\n", key, dot + 1, value);
    }
    take(&again, text, NULL);
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

/* A schedule given for one run names its results; one the config itself names does not. */
static void stem_of_own_schedule(void **state)
{
    (void)state;
    static const struct {
        const char *set, *file;
    } cases[] = {{"parallel.schedule=3d.csv", "results/3d-own.h5"},
                 {"parallel.schedule=my.csv", "results/my.h5"},
                 {"parallel.schedule=there/a.b.CSV", "results/a.b.h5"},
                 {"parallel.schedule=1f1b.csv", "results/1f1b-own.h5"},
                 {"parallel.schedule=gpipe.csv", "results/gpipe-own.h5"},
                 {"parallel.schedule=gpipe", "results/1f1b.h5"},
                 {"train.steps=3", "results/1f1b.h5"}};
    static const char text[] = "[parallel]\npp = 2\nschedule = dual.csv\n";
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Config c;
        Error error;
        const char *name = i == 0 ? "configs/3d.ini" : "configs/1f1b.ini";
        assert_true(config_parse(
            &c, &(ConfigSource){.name = name, .text = text, .sets = &cases[i].set, .set_count = 1}, &error));
        assert_string_equal(c.output.file, cases[i].file);
        config_free(&c);
    }
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
        assert_true(config_parse(&c, &(ConfigSource){.name = names[i], .text = ""}, &error));
        config_stem(&c, stem, sizeof stem);
        assert_string_equal(stem, stems[i]);
        config_free(&c);
    }
    assert_true(config_parse(
        &c, &(ConfigSource){.name = "z.ini", .text = "[output]\nfile = a.h5\n", .output = "b.h5"}, &error));
    assert_string_equal(c.output.file, "b.h5");
    assert_false(config_refuse(&c, "output.file", &error, "disk full; try %s", "/tmp"));
    assert_string_equal(error.text, "--output b.h5: output.file = b.h5: disk full; try /tmp");
    config_free(&c);
    assert_false(config_parse(&c, &(ConfigSource){.name = "z.ini", .text = "", .output = ""}, &error));
    assert_string_equal(error.text, "--output: no file name; try --output results/try.h5");
}

/* ---- help ----------------------------------------------------------------------- */

static const char *const commands[] = {"plot", "sweep", NULL};

/* The help for `key` as text. */
static char *help(const char *key)
{
    char *text = NULL;
    size_t size;
    Error error;
    FILE *out = open_memstream(&text, &size);
    bool known = config_help(out, key, "tests/sim", commands, &error);
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
    take(&c, "", NULL);
    for (int i = 0; config_row(&c, i, key, sizeof key, value, sizeof value); i++) {
        char *text = help(key), line[80];
        for (const char *at = text; *at; at += strcspn(at, "\n") + 1) assert_true(strcspn(at, "\n") <= 100);
        assert_int_equal(strncmp(text, key, strlen(key)), 0);
        snprintf(line, sizeof line, "\n  %s = ", strchr(key, '.') + 1);
        assert_non_null(strstr(all, line));
        const char *const *choice = config_row_at(i)->choices, *end = strstr(text, "\n  default ");
        assert_non_null(end);
        for (; choice && *choice; choice++) {
            const char *at = strstr(text, *choice);
            if (!at || at > end) fail_msg("%s does not list %s", key, *choice);
        }
        free(text);
    }
    for (const char *at = all; *at; at += strcspn(at, "\n") + 1) assert_true(strcspn(at, "\n") <= 100);
    assert_null(strstr(all, "()")); /* a key without a range says nothing of one */
    free(all);
    config_free(&c);
    char *profile = help("hardware.profile");
    assert_non_null(strstr(profile, "\n  Machines that come with sim: a100-"));
    assert_non_null(strstr(profile, "h100-dgx, h200"));
    free(profile);
    char *chip = help("chip.sustained"), *init = help("model.init");
    assert_non_null(strstr(chip, "\n  default   (none: the machine's file gives it)\n"));
    assert_non_null(strstr(init, "\n  default   (empty)\n"));
    free(chip);
    free(init);
    free(help("train"));
    free(help("bucket_mb"));
}

static void help_refuses(void **state)
{
    (void)state;
    Error error;
    assert_false(config_help(stdout, "seed", NULL, commands, &error));
    assert_string_equal(error.text,
                        "help seed: more than one key has that name; try sim help data.seed or train.seed");
    assert_false(config_help(stdout, "trian.steps", NULL, commands, &error));
    assert_string_equal(error.text, "help trian.steps: no such key; try train.steps");
    assert_false(config_help(stdout, "zero3", NULL, commands, &error));
    assert_string_equal(error.text, "help zero3: a value of parallel.data; try sim help parallel.data");
    assert_false(config_help(stdout, "1f1b", NULL, commands, &error)); /* it may be a file's path as well */
    assert_string_equal(error.text,
                        "help 1f1b: a value of parallel.schedule; try sim help parallel.schedule");
    assert_false(config_help(stdout, "bubble", NULL, commands, &error));
    assert_string_equal(error.text,
                        "help bubble: no such section; try one of model, moe, data, train, parallel, "
                        "hardware, chip, node, software, output, faults, or a command: plot, sweep");
    assert_false(config_help(stdout, "sweeep", NULL, commands, &error));
    assert_string_equal(error.text, "help sweeep: no such command; try sim help sweep");
    assert_false(config_help(stdout, "step", NULL, commands, &error)); /* nearer than sweep */
    assert_string_equal(error.text, "help step: no such key; try train.steps");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_lines_are_enough),
        cmocka_unit_test(presets_give_way_to_keys),
        cmocka_unit_test(presets_leave_the_experts_of_a_file),
        cmocka_unit_test(values_in_every_spelling),
        cmocka_unit_test(blanks_in_quotes),
        cmocka_unit_test(rows_read_back),
        cmocka_unit_test(output_and_stem),
        cmocka_unit_test(stem_of_own_schedule),
        cmocka_unit_test(help_for_every_key),
        cmocka_unit_test(help_refuses),
    };
    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
