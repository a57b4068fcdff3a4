/* test_config_keys.c - when keys apply: all that have a condition, refused where it does not hold, taken where it
 * does. That the conditions are true is test_config_effects.c's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/base/words.h"
#include "sim/config/glossary.h"
#include "sim/config/help.h"
#include "sim/config/rows.h"
#include "tests/support/check.h"
#include "tests/support/config_keys.h"
#include "tests/support/config_text.h"

/* Words as lines of a file, two for each, and the key's value in the last. */
static int lines_of(const char *words, const ConfigKey *k, char file[1024])
{
    char text[256];
    const char *sets[CONFIG_KEYS_WORDS + 1];
    int lines = 0, length = 0;
    config_keys_cut(words, text, sets);
    for (int i = 0; sets[i]; i++) {
        int section = (int)strcspn(sets[i], "."), key = (int)strcspn(sets[i], "=");
        length += sprintf(file + length, "[%.*s]\n%.*s = %s\n", section, sets[i], key - section - 1,
                          sets[i] + section + 1, sets[i] + key + 1);
        lines += 2;
    }
    sprintf(file + length, "[%.*s]\n%s = %s\n", (int)strcspn(k->key, "."), k->key, strchr(k->key, '.') + 1,
            k->value);
    return lines + 2;
}

static const ConfigRow *row_of(const char *key)
{
    int index = config_row_named(key);
    assert_true(index >= 0);
    return config_row_at(index);
}

/* A row says when it applies, and each condition is that of a row here. */
static void every_row_says_when(void **state)
{
    (void)state;
    bool used[WHENS] = {false};
    for (int i = 0; i < CONFIG_ROWS; i++) {
        char name[64];
        int listed = 0;
        snprintf(name, sizeof name, "%s.%s", config_row_at(i)->section, config_row_at(i)->key);
        for (int k = 0; k < CONFIG_KEYS; k++) listed += strcmp(config_keys[k].key, name) == 0;
        if (config_row_at(i)->when == WHEN_UNSAID || (config_row_at(i)->when == ALWAYS) != (listed == 0))
            fail_msg("%s: %s", name, listed ? "applies always, and is listed" : "when?");
        used[config_row_at(i)->when] = true;
    }
    for (int w = ALWAYS; w < WHENS; w++) assert_true(used[w]);
}

/* What others call a key is the name of one here, and of none in its section. */
static void every_term_is_a_key(void **state)
{
    (void)state;
    for (const GlossaryTerm *term = glossary_keys; term->ours; term++) {
        char words[256], *rest;
        const ConfigRow *row = row_of(term->ours);
        snprintf(words, sizeof words, "%s", term->theirs);
        for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
            if (config_row_find(row->section, word) >= 0) fail_msg("%s is a key", word);
            assert_string_equal(glossary_key(word), term->ours);
        }
    }
}

static void every_term_is_a_choice(void **state)
{
    (void)state;
    for (const GlossaryTerm *term = glossary_choices; term->ours; term++) {
        int taken = 0;
        for (int i = 0; i < CONFIG_ROWS; i++)
            for (const char *const *choice = config_row_at(i)->choices; choice && *choice; choice++)
                taken += strcmp(*choice, term->ours) == 0;
        if (!taken) fail_msg("%s is no choice", term->ours);
    }
}

static void without_effect_refused(void **state)
{
    (void)state;
    for (int i = 0; i < CONFIG_KEYS; i++) {
        const ConfigKey *k = &config_keys[i];
        const Condition *condition = &config_conditions[row_of(k->key)->when];
        char file[1024], text[256], set[64], message[512];
        const char *sets[CONFIG_KEYS_WORDS + 2];
        int line = lines_of(k->idle, k, file);
        snprintf(message, sizeof message,
                 "t.ini:%d: %s = %s: has an effect only %s; try leaving it out, or %s", line, k->key,
                 k->value, condition->words, condition->instead);
        refuse(file, NULL, message);

        Config c;
        Error error;
        snprintf(set, sizeof set, "%s=%s", k->key, k->value);
        snprintf(message, sizeof message, "--set %s: has an effect only %s; ", set, condition->words);
        int count = config_keys_cut(k->idle, text, sets);
        sets[count] = set;
        sets[count + 1] = NULL;
        assert_false(parse(&c, "", sets, &error));
        assert_int_equal(strncmp(error.text, message, strlen(message)), 0);
    }
}

static void with_effect_taken(void **state)
{
    (void)state;
    for (int i = 0; i < CONFIG_KEYS; i++) {
        const ConfigKey *k = &config_keys[i];
        char file[1024];
        Config c;
        if (!config_keys_buildable(k->applies)) continue;
        lines_of(k->applies, k, file);
        take(&c, file, NULL);
        assert_row(&c, k->key, k->value);
        config_free(&c);
    }
}

/* Where a --set took the effect from a line of the file, the key has its default; other --set's do no harm. */
static void a_line_may_lose_its_effect(void **state)
{
    (void)state;
    for (int i = 0; i < CONFIG_KEYS; i++) {
        const ConfigKey *k = &config_keys[i];
        char file[1024], text[256], fallback[CONFIG_VALUE];
        const char *sets[CONFIG_KEYS_WORDS + 1];
        Config plain, c;
        Error error;
        if (!config_keys_buildable(k->applies) || !config_keys_buildable(k->idle)) continue;
        lines_of(k->applies, k, file);
        if (strstr(file, "[model]\nposition"))
            strcat(file, "[model]\npreset = llama3-8b\n"); /* has its own */
        config_keys_cut(k->idle, text, sets);
        take(&plain, "", strstr(file, "llama3") ? "model.preset=llama3-8b" : NULL);
        if (!parse(&c, file, sets, &error)) fail_msg("%s\n%s: %s", file, k->idle, error.text);
        assert_row(&c, k->key, row_value(&plain, k->key, fallback));
        config_free(&c);
        config_free(&plain);
    }
}

static void one_may_take_it_from_another(void **state)
{
    (void)state;
    static const char file[] = "[model]\nlayers = 4\n[parallel]\npp = 2\nschedule = interleaved\n"
                               "virtual_stages = 2\n";
    Config c;
    take(&c, file, "parallel.pp=1");
    assert_row(&c, "parallel.schedule", "1f1b");
    assert_row(&c, "parallel.virtual_stages", "1");
    config_free(&c);
    take(&c, file, "parallel.schedule=gpipe");
    assert_row(&c, "parallel.virtual_stages", "1");
    config_free(&c);
    if (config_keys_buildable(
            "train.precision=bf16")) { /* nor is one forgotten that another's going leaves be */
        take(&c,
             "[train]\nprecision = bf16\n[parallel]\ndata = zero2\nquantize = gradients\nreduce_fp32 = yes\n",
             "parallel.data=dp");
        assert_row(&c, "parallel.quantize", "none");
        assert_row(&c, "parallel.reduce_fp32", "yes");
        config_free(&c);
    }
    /* the file's line gets its effect from a --set, and had none in the file alone */
    take(&c, "[hardware]\nlatency_us = 3\n", "hardware.profile=measured");
    assert_row(&c, "hardware.latency_us", "3");
    config_free(&c);
    refuse_with("[hardware]\nlatency_us = 3\n", "train.steps=3", "t.ini:2: hardware.latency_us = 3: has");
}

/* What is nothing can be asked for anywhere, and who has no file's schedule may name one that is. */
static void nothing_may_be_asked_for(void **state)
{
    (void)state;
    Config c;
    take(&c,
         "[train]\nrecompute = none\n[model]\nattention = flash\n[parallel]\ndata = dp\nreduce = auto\n"
         "quantize = none\nreduce_fp32 = no\nsequence_parallel = no\ntensor_overlap = none\nvirtual_stages = "
         "1\n",
         NULL);
    config_free(&c);
    take(&c, "[parallel]\nschedule = my.csv\nvirtual_stages = 2\n", NULL);
    config_free(&c);
    refuse_with("", "parallel.schedule=gpip", "not one of naive, gpipe");
}

/* `sim help`: the example fits where the key applies, which is said. */
static void help_says_when(void **state)
{
    (void)state;
    for (int i = 0; i < CONFIG_ROWS; i++) {
        const ConfigRow *row = config_row_at(i);
        char name[64], set[CONFIG_VALUE], text[256], line[CONFIG_VALUE + 16], *help = NULL;
        const char *sets[CONFIG_KEYS_WORDS + 4],
            *words = "train.steps=1000 model.hidden=768 parallel.data=zero2";
        size_t size;
        Error error;
        Config c;
        snprintf(name, sizeof name, "%s.%s", row->section, row->key);
        for (int k = 0; k < CONFIG_KEYS; k++)
            if (strcmp(config_keys[k].key, name) == 0) words = config_keys[k].applies;
        if (strcmp(row->key, "heads") == 0) words = "model.hidden=768 parallel.tp=1";
        if (strcmp(row->key, "attention_kind") == 0) words = "model.position=rope";
        if (strcmp(row->key, "layers_per_stage") == 0) words = "model.layers=32 parallel.pp=4";
        if (strncmp(row->key, "checkpoint_", 11) == 0)
            words = "output.checkpoint=ck.h5 output.checkpoint_every=20";
        if (strcmp(row->key, "source") == 0) words = "model.vocab=256";
        FILE *out = open_memstream(&help, &size);
        assert_true(config_help(out, name, NULL, (const char *[]){NULL}, &error));
        fclose(out);
        snprintf(line, sizeof line, "\n  applies   %.40s", config_conditions[row->when].words);
        assert_true(!!strstr(help, line) == (row->when != ALWAYS));
        snprintf(set, sizeof set, "%s=%s", name, row->example);
        words_quote(text, sizeof text, set);
        snprintf(line, sizeof line, "--set %s\n", text);
        assert_non_null(strstr(help, line));
        free(help);
        if (!config_keys_buildable(words) || !config_keys_buildable(row->example)) continue;
        int count = config_keys_cut(words, text, sets);
        sets[count] = set;
        sets[count + 1] = NULL;
        if (!parse(&c, "", sets, &error)) fail_msg("%s", error.text);
        config_free(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_says_when),
        cmocka_unit_test(every_term_is_a_key),
        cmocka_unit_test(every_term_is_a_choice),
        cmocka_unit_test(without_effect_refused),
        cmocka_unit_test(with_effect_taken),
        cmocka_unit_test(a_line_may_lose_its_effect),
        cmocka_unit_test(one_may_take_it_from_another),
        cmocka_unit_test(nothing_may_be_asked_for),
        cmocka_unit_test(help_says_when),
    };
    return cmocka_run_group_tests_name("config keys", tests, NULL, NULL);
}
