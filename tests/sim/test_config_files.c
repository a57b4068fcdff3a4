/* test_config_files.c - which file a name means, files that cannot be read, and the files that come with sim. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "sim/config/file.h"
#include "sim/config/parse.h"
#include "sim/config/ranks.h"
#include "sim/config/rows.h"
#include "tests/support/check.h"
#include "tests/support/config_text.h"

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
    unread("zero4.ini", "build/bin", "/configs; try --config zero3.ini, or the path of another");
    unread("mine.ini", "build/bin", "/configs; try one that comes with sim: ddp.ini, zero3.ini");
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
    put("a run.ini", "\x89HDF\r\n\x1a\n\0\0", 10);
    unread("a run.ini", NULL,
           "a run.ini: HDF5, as the files of runs, checkpoints and weights are, and no text; try sim inspect "
           "'a run.ini'");
    unread("/dev/zero", NULL,
           "/dev/zero: cannot be opened: it is a pipe or a device, not a plain file; try another");
    put("large.ini", "", 0);
    assert_int_equal(truncate("large.ini", 17 * 1000 * 1000), 0);
    unread("large.ini", NULL, "large.ini: more than 16 MB");
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

/* What is no text in the place of a machine's file. */
static void unread_machine(const char *file, const char *program, const char *part)
{
    Error error;
    char full[256], set[64];
    snprintf(set, sizeof set, "hardware.profile=%s", file);
    const char *sets[] = {set};
    const ConfigSource source = {.name = "t.ini", .text = "", .sets = sets, .set_count = 1};
    char *text = config_profile_text(&source, program ? in_tree(program, full, sizeof full) : NULL, &error);
    assert_null(text);
    if (!strstr(error.text, part)) fail_msg("'%s' has no '%s'", error.text, part);
}

static void refuses_machines(void **state)
{
    (void)state;
    put("empty.ini", "", 0);
    unread_machine("empty.ini", NULL,
                   "empty.ini: is empty; try mpirun -n 2 sim calibrate, which measures one");
    assert_int_equal(mkdir("../configs/hardware", 0755), 0);
    unread_machine("empty.ini", "build/bin", "empty.ini: is empty; try a copy of /");
    unread_machine("empty.ini", "build/bin", "/configs/hardware/h100-dgx.ini");
    put("h5.ini", "\x89HDF\r\n\x1a\n\0\0", 10);
    unread_machine("h5.ini", NULL,
                   "h5.ini: HDF5, as the files of runs, checkpoints and weights are, and no text; try sim "
                   "inspect h5.ini");
}

/* Of the files that come with sim the one that was meant, and all where any other name is as likely. */
static void names_that_were_meant(void **state)
{
    (void)state;
    char real[1200];
    snprintf(real, sizeof real, "%s/configs", start);
    assert_int_equal(mkdir("../real", 0755) || mkdir("../real/build", 0755) ||
                         mkdir("../real/build/bin", 0755) || symlink(real, "../real/configs"),
                     0);
    const char *const own[] = {"my.ini",  "test.ini", "gpt.ini", "mine.ini", "node.ini",     "zero4.ini",
                               "dpp.ini", "a.ini",    ".ini",    "my3d.ini", "sub/mine.ini", "mine"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        unread(own[i], "real/build/bin",
               "; try one that comes with sim: 1f1b.ini, 3d-zero3.ini, 3d.ini, ddp.ini, ");
    const char *const meant[][2] = {{"zero3", "zero3"},
                                    {"zero-2.ini", "zero2"},
                                    {"ddb.ini", "ddp"},
                                    {"lama.ini", "llama"},
                                    {"Zero3.cfg", "zero3"},
                                    {"my/gpipe.ini", "gpipe"},
                                    {"1fb1.ini", "1f1b"},
                                    {"intreleved.ini", "interleaved"},
                                    {"deepseek.ini", "deepseek-v3"},
                                    {"zbh1.ini", "zb-h1"},
                                    {"deepseek-r1-distill.ini", "deepseek-v3"}};
    for (size_t i = 0; i < sizeof meant / sizeof *meant; i++) {
        char line[64];
        snprintf(line, sizeof line, "; try --config %s.ini, or the path of another", meant[i][1]);
        unread(meant[i][0], "real/build/bin", line);
    }
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
        if (!text || !config_parse(&all[i], &(ConfigSource){.name = names[i], .text = text}, &error))
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_files),      cmocka_unit_test(refuses_files),
        cmocka_unit_test(refuses_machines), cmocka_unit_test(names_that_were_meant),
        cmocka_unit_test(shipped_files),
    };
    return cmocka_run_group_tests_name("config files", tests, make_tree, remove_tree);
}
