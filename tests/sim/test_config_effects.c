/* test_config_effects.c - that the conditions of keys are true: two values train differently where the key applies,
 * and where it does not, given nevertheless, to the same bits, bytes, memory and time. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/training/data.h"
#include "sim/config/parse.h"
#include "sim/config/rows.h"
#include "tests/support/case.h"
#include "tests/support/check.h"
#include "tests/support/config_keys.h"
#include "tests/support/config_text.h"
#include "tests/support/written_text.h"

enum { RANKS = 2, STEPS = 3 };

/* What is recorded of a run beside what a Case keeps, of all ranks together. */
typedef struct Seen {
    const ConfigRow *row; /* whose value it has, if NULL the default */
    const char *value;
    double loss_scale, seconds;
    uint64_t messages, actions;
} Seen;

static void give(Config *config, void *context)
{
    const Seen *seen = context;
    char why[256];
    if (!seen->value)
        config_row_default(seen->row, config);
    else if (!config_row_parse(seen->row, seen->value, config, why, sizeof why))
        fail_msg("%s.%s: %s", seen->row->section, seen->row->key, why);
}

static void look(Trainer *t, const StepResult *result, void *context)
{
    Seen *seen = context;
    if (t->comm->rank == 0) seen->loss_scale += result->loss_scale;
    seen->seconds += t->device.lanes.now;
    seen->actions += (uint64_t)t->plan->list[t->mesh.place.pipe].count;
    for (int p = 0; p < PURPOSES; p++) seen->messages += t->comm->messages[p];
}

/* Where the key does not apply it would be refused, so there the value is given behind the config's back. */
static Case run(const ConfigKey *k, const char *words, const char *value, Seen *seen)
{
    bool applies = words == k->applies, set = applies && value;
    Case c = case_of_words(STEPS, "%s %s%s%s", words, set ? k->key : "", set ? "=" : "", set ? value : "");
    *seen = (Seen){.row = config_row_at(config_row_named(k->key)), .value = value};
    c.change = applies ? NULL : give;
    c.look = look;
    c.context = seen;
    if (!case_virtual(&c, RANKS)) fail_msg("%s, %s: %s", k->key, words, c.refused);
    return c;
}

/* Measured seconds are the processor's: those of a small model are few. */
static bool same(const Case *a, const Seen *seen_a, const Case *b, const Seen *seen_b)
{
    bool skipped = !a->gradients || !b->gradients; /* every step, so there are none to compare */
    bool bits = skipped ? a->gradients == b->gradients : case_same_bits(a, b);
    return bits && memcmp(a->bytes, b->bytes, RANKS * sizeof *a->bytes) == 0 &&
           memcmp(a->peak, b->peak, RANKS * sizeof *a->peak) == 0 && seen_a->messages == seen_b->messages &&
           seen_a->actions == seen_b->actions && seen_a->loss_scale == seen_b->loss_scale &&
           fabs(seen_a->seconds - seen_b->seconds) < 0.5;
}

static bool trains_the_same(const ConfigKey *k, const char *words)
{
    Seen one, other;
    Case a = run(k, words, k->value, &one), b = run(k, words, k->other, &other);
    bool alike = same(&a, &one, &b, &other);
    case_free(&a);
    case_free(&b);
    return alike;
}

/* A Case reads no text, draws its weights, routes its tokens and has no report or checkpoints; nor are there stages where no schedule has them. */
static bool in_cases(const ConfigKey *k, const char *words)
{
    static const char *const told[] = {"chip.memory_gb", "node.host",     "node.storage_gb", "node.copy_gb",
                                       "moe.load",       "moe.load_step", "moe.skew"};
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        if (strcmp(k->key, told[i]) == 0) return false;
    bool stages = strcmp(k->key, "parallel.virtual_stages") == 0 && !strstr(words, "interleaved");
    return !strstr(words, "a.txt") && !strstr(words, "init=") && !stages && config_keys_buildable(words);
}

/* What two ranks lie too near for (test_cluster.c). */
static bool of_many_ranks(const ConfigKey *k)
{
    static const char *const keys[] = {"hardware.order", "hardware.all_reduce", "hardware.all_to_all",
                                       "node.any_card",  "node.switch_gb",      "parallel.scatter_messages"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcmp(k->key, keys[i]) == 0) return true;
    return false;
}

static void two_values_differ_where_the_key_applies(void **state)
{
    (void)state;
    for (int i = 0; i < CONFIG_KEYS; i++)
        if (!of_many_ranks(&config_keys[i]) && in_cases(&config_keys[i], config_keys[i].applies) &&
            trains_the_same(&config_keys[i], config_keys[i].applies))
            fail_msg("%s: %s has no effect with %s", config_keys[i].key, config_keys[i].value,
                     config_keys[i].applies);
}

static void and_not_where_it_does_not(void **state)
{
    (void)state;
    for (int i = 0; i < CONFIG_KEYS; i++)
        if (in_cases(&config_keys[i], config_keys[i].idle) &&
            !trains_the_same(&config_keys[i], config_keys[i].idle))
            fail_msg("%s: %s has an effect with %s", config_keys[i].key, config_keys[i].value,
                     config_keys[i].idle);
}

/* The first samples of a text or of markov. */
static uint64_t samples(const ConfigKey *k, const char *words, const char *value)
{
    unsigned char text[1000];
    char cut[256];
    const char *sets[CONFIG_KEYS_WORDS + 1];
    enum { SAMPLES = 20, LENGTH = 32 };
    int32_t tokens[LENGTH + 1];
    uint64_t digest = 1469598103934665603u; /* FNV-1a */
    Config config;
    Error error;
    for (int i = 0; i < 1000; i++) text[i] = (unsigned char)(i * i % 251);
    int count = config_keys_cut(words, cut, sets);
    if (!config_parse(
            &config,
            &(ConfigSource){
                .name = "t.ini", .text = "", .sets = sets, .set_count = count, .profile = slow_machine},
            &error))
        fail_msg("%s", error.text);
    Seen seen = {.row = config_row_at(config_row_named(k->key)), .value = value};
    give(&config, &seen);
    bool markov = strcmp(config.data.source, "markov") == 0;
    WrittenText written = write_text(text, sizeof text);
    Data *data =
        data_open(&config.data, config.model.shape.vocab, LENGTH, markov ? NULL : &written.text, &error);
    assert_non_null(data);
    for (int sample = 0; sample < SAMPLES; sample++) {
        data_sample(data, sample, tokens);
        for (int t = 0; t <= LENGTH; t++) digest = (digest ^ (uint64_t)tokens[t]) * 1099511628211u;
    }
    data_close(data);
    written_text_free(&written);
    config_free(&config);
    return digest;
}

static void samples_too(void **state)
{
    (void)state;
    int seen = 0;
    for (int i = 0; i < CONFIG_KEYS; i++) {
        const ConfigKey *k = &config_keys[i];
        if (strncmp(k->key, "data.", 5) != 0) continue;
        assert_true(samples(k, k->idle, k->value) == samples(k, k->idle, k->other));
        assert_true(samples(k, k->applies, k->value) != samples(k, k->applies, k->other));
        seen++;
    }
    assert_true(seen > 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_values_differ_where_the_key_applies),
        cmocka_unit_test(and_not_where_it_does_not),
        cmocka_unit_test(samples_too),
    };
    return cmocka_run_group_tests_name("effects of keys", tests, NULL, NULL);
}
