/* test_checkpoint_list.c - what checkpoints and their drafts are called. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "sim/base/draft.h"
#include "sim/file/checkpoint_list.h"
#include "tests/support/check.h"
#include "tests/support/folder.h"

static char folder[FOLDER];

static int make(void **state)
{
    (void)state;
    folder_make(folder);
    return 0;
}

static int clear(void **state)
{
    (void)state;
    folder_remove(folder);
    return 0;
}

static void a_number_stands_before_the_extension(void **state)
{
    (void)state;
    static const struct {
        const char *path, *name;
    } cases[] = {{"results/ck.h5", "results/ck-000120.h5"},
                 {"ck", "ck-000120"},
                 {"a.b/ck", "a.b/ck-000120"},
                 {".ck", ".ck-000120"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[64];
        checkpoint_name(cases[i].path, 120, name, sizeof name);
        assert_string_equal(name, cases[i].name);
    }
}

static void a_draft_is_known_by_its_name(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t stem;
    } cases[] = {
        {"a.h5.sim-12.tmp", 4}, {"a.h5.sim-12.3.tmp", 4}, {"a.sim-1.h5.sim-12.tmp", 10}, {"a.h5", 0},
        {"a.sim-b.h5", 0},      {"a.h5.sim-x.tmp", 0},    {"a.h5.sim-12.tm", 0},         {"a.h5.sim-12", 0},
        {".sim-12.tmp", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (draft_stem(cases[i].name) != cases[i].stem)
            fail_msg("%s: %zu, not %zu", cases[i].name, draft_stem(cases[i].name), cases[i].stem);
}

static const char *in_folder(const char *name)
{
    static char path[FOLDER + 64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* Of those that killed runs were writing under this name, whatever the name is. */
static void abandoned_drafts_go(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool stays;
    } files[] = {{"a.sim-b-000003.h5", true},
                 {"a.sim-b-000003.h5.sim-1.tmp", false},
                 {"a.sim-b-000004.h5.sim-1.2.tmp", false},
                 {"a-000003.h5.sim-1.tmp", true},
                 {"a.sim-b.h5.sim-1.tmp", true}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        FILE *file = fopen(in_folder(files[i].name), "w");
        assert_non_null(file);
        fclose(file);
    }
    checkpoint_clear(in_folder("a.sim-b.h5"));
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (!access(in_folder(files[i].name), F_OK) != files[i].stays)
            fail_msg("%s %s", files[i].name, files[i].stays ? "went" : "stays");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_stands_before_the_extension),
        cmocka_unit_test(a_draft_is_known_by_its_name),
        cmocka_unit_test(abandoned_drafts_go),
    };
    return cmocka_run_group_tests_name("list of checkpoints", tests, make, clear);
}
