/* test_set_meant.c - a --set without its section, or without a value: which is shown to be tried. */
#include <stdio.h>
#include <string.h>
#include "sim/base/words.h"
#include "tests/support/check.h"
#include "tests/support/config_text.h"

/* Without a section or a '=': the key that was meant, with the value that is given. */
static void sets_in_part(void **state)
{
    (void)state;
    static const struct {
        const char *set, *try;
    } without_section[] =
        {
            {"steps=3", "--set train.steps=3"},
            {"stpes=3", "--set train.steps=3"},
            {" steps = 3", "--set train.steps=3"},
            {"lr=3", "--set train.learning_rate=3"},
            {"LR=1e-4", "--set train.learning_rate=1e-4"},
            {"hidden_size=3", "--set model.hidden=3"},
            {"hidden_size=x", "--set model.hidden=768"}, /* which it cannot have */
            {"batch_size=3", "--set train.global_batch=3"},
            {"source=my text", "--set 'data.source=my text'"},
            {"fsdp=1", "--set parallel.data=zero3"},
            {"fsdp=yes", "--set parallel.data=zero3"},
            {"zero_stage=2", "--set parallel.data=zero2"},
            {"strategy=fsdp", "--set parallel.data=zero3"},
            {"data=zero3", "--set parallel.data=zero3"},
            {"zero3=1", "--set parallel.data=zero3"},
            {"fsdp=no", "sim help parallel.data"}, /* which is no value here */
            {"zero3=0", "sim help parallel.data"},
            {"zero_stage=0", "sim help parallel.data"},
            {"bfloat16=Off", "sim help train.precision"},
            {"bfloat16=on", "--set train.precision=bf16"},
            {"seed=3", "--set data.seed=3 or --set train.seed=3"},
            {"output=a.h5", "sim help output for its keys"},
            {"qqqq=1", "--set train.steps=100"},
            {"gpus=3", "--set train.steps=100"}, /* chip.gap_us is too far */
            {"=1", "--set train.steps=100"},
        },
      without_equals[] = {
          {"train.steps", "--set train.steps=1000"}, {"train.lr", "--set train.learning_rate=3e-4"},
          {"lr", "--set train.learning_rate=3e-4"},  {"zero3", "--set parallel.data=zero3"},
          {"fsdp", "--set parallel.data=zero3"},     {"train", "sim help train for its keys"},
          {"qqqq", "--set train.steps=100"},
      };
    char line[256];
    for (size_t i = 0; i < sizeof without_section / sizeof *without_section; i++) {
        snprintf(line, sizeof line, "--set %s: no section before the key; try %s", without_section[i].set,
                 without_section[i].try);
        refuse("", without_section[i].set, line);
    }
    for (size_t i = 0; i < sizeof without_equals / sizeof *without_equals; i++) {
        snprintf(line, sizeof line, "--set %s: no '=' in it; try %s", without_equals[i].set,
                 without_equals[i].try);
        refuse("", without_equals[i].set, line);
    }
}

/* A path is told whole, or, where a shell needs much more of it than there is room for, not at all. */
static void long_values(void **state)
{
    (void)state;
    char set[512], shown[128], line[1200];
    snprintf(set, sizeof set, "schedule=%0140d.csv", 7);
    words_show(shown, sizeof shown, set);
    snprintf(line, sizeof line, "--set %s: no section before the key; try --set parallel.%s", shown, set);
    refuse("", set, line);
    memset(strchr(set, '=') + 1, '\'', 300);
    strcpy(strchr(set, '=') + 301, ".csv");
    words_show(shown, sizeof shown, set);
    snprintf(line, sizeof line, "--set %s: no section before the key; try sim help parallel.schedule", shown);
    refuse("", set, line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_in_part),
        cmocka_unit_test(long_values),
    };
    return cmocka_run_group_tests_name("sets in part", tests, NULL, NULL);
}
