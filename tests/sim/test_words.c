/* test_words.c - which name was meant by what was typed. */
#include "sim/base/words.h"
#include "tests/support/check.h"

static void assert_meant(const char *typed, const char *name, const char *const *names)
{
    const char *nearest = words_nearest(typed, names);
    if (!name) {
        if (nearest) fail_msg("%s: %s", typed, nearest);
        return;
    }
    if (!nearest) fail_msg("%s: none", typed);
    assert_string_equal(nearest, name);
}

/* A name's beginning comes before a change of letters, however few these are. */
static void test_machines(void **state)
{
    (void)state;
    static const char *const names[] = {"ideal",           "measured",     "given",    "a100-80gb-4hdr",
                                        "a100-80gb-dgx",   "a100-nvlink4", "h100-dgx", "h200",
                                        "a100-nvswitch16", "v100-dgx2",    NULL};
    assert_meant("a100", "a100-nvlink4", names); /* not h200, two letters away; the shortest */
    assert_meant("A100-80gb", "a100-80gb-dgx", names);
    assert_meant("h100", "h100-dgx", names); /* not h200, one away */
    assert_meant("v100", "v100-dgx2", names);
    assert_meant("h20", "h200", names);
    assert_meant("h202", "h200", names);
    assert_meant("a100-80gb-dxg", "a100-80gb-dgx", names);
    assert_meant("a100-40gb-sxm", "a100-80gb-dgx", names); /* as much as is alike */
    assert_meant("h100-sxm-80gb", "h100-dgx", names);
    assert_meant("tpu-v5", NULL, names);
    assert_meant("b2", NULL, names);
}

static void test_other_names(void **state)
{
    (void)state;
    static const char *const names[] = {"zero1", "zero2", "zero3", "ddp", "dp", "bucket_mb", "budget", NULL};
    assert_meant("zero", "zero1", names);
    assert_meant("zero4", "zero1", names);
    assert_meant("bucket", "bucket_mb", names);
    assert_meant("budgte", "budget", names);
    assert_meant("bucket-mb", "bucket_mb", names);
    assert_meant("d", NULL, names);
    assert_meant("", NULL, names);
}

/* As people write them elsewhere. */
static void test_models(void **state)
{
    (void)state;
    static const char *const names[] = {"small",     "llama-tiny", "gpt2-124m", "gpt3-175b",
                                        "llama2-7b", "llama3-8b",  NULL};
    assert_meant("gpt-2", "gpt2-124m", names);
    assert_meant("GPT-3", "gpt3-175b", names);
    assert_meant("llama-3-8b", "llama3-8b", names);
    assert_meant("Llama 2 7B", "llama2-7b", names);
    assert_meant("llama_3", "llama3-8b", names);
    assert_meant("bert", NULL, names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_machines), cmocka_unit_test(test_other_names),
                                       cmocka_unit_test(test_models)};
    return cmocka_run_group_tests_name("words", tests, NULL, NULL);
}
