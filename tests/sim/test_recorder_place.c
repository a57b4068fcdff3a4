/* test_recorder_place.c - where a run file goes: what lay there is kept, what cannot be written is refused,
 * and two runs to one file lose nothing. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "sim/base/draft.h"
#include "sim/base/posix.h"
#include "sim/file/h5.h"
#include "tests/support/check.h"
#include "tests/support/recorded.h"

static void put(const char *folder, const char *name, const char *text)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static const char *in_place(const Place *place, const char *name, char *path, size_t size)
{
    snprintf(path, size, "%s/%s", place->folder, name);
    return path;
}

static void test_earlier_kept(void **state)
{
    Place *place = *state;
    char kept[256], expected[160], first[160];
    snprintf(first, sizeof first, "%s/run.1.h5", place->folder);

    recorded_write(place->run, 9, 0, false, kept); /* never finished a step: nothing to lose */
    recorded_write(place->run, 9, 4, true, kept);
    assert_string_equal(kept, "");
    recorded_write(place->run, 9, 2, false, kept); /* a finished run is kept */
    assert_string_equal(kept, first);
    assert_int_equal(recorded_steps(first), 4);
    recorded_write(place->run, 9, 1, true, kept); /* an unfinished one with steps too */
    snprintf(expected, sizeof expected, "%s/run.2.h5", place->folder);
    assert_string_equal(kept, expected);
    assert_int_equal(recorded_steps(expected), 2);

    put(place->folder, "run.h5", "somebody's notes"); /* and what is no run at all */
    unlink(first);
    recorded_write(place->run, 9, 1, true, kept);
    assert_string_equal(kept, first);
    put(place->folder, "plain", "no extension");
    snprintf(expected, sizeof expected, "%s/plain", place->folder);
    recorded_write(expected, 1, 1, true, kept);
    assert_true(folder_has(place->folder, "plain.1"));
}

static void test_refused(void **state)
{
    Place *place = *state;
    char path[160], link_to[64];
    Error error;
    put(place->folder, "file", "x");
    static const struct {
        const char *name, *says;
    } bad[] = {
        {"", "is a folder"},
        {"new/", "is a folder"},
        {"file/run.h5", "Not a directory"},
        {"file/deeper/run.h5", "Not a directory"},
        {"../../dev/null", "is no plain file"},
        {"../../proc/no/run.h5", "No such file or directory"},
        {"standard", "is no plain file"},
    };
    int plain = open(in_place(place, "file", path, sizeof path), O_RDONLY);
    assert_true(plain >= 0);
    snprintf(link_to, sizeof link_to, "/proc/self/fd/%d", plain); /* as /dev/stdout is, sent to a file */
    assert_int_equal(symlink(link_to, in_place(place, "standard", path, sizeof path)), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(path, sizeof path, "%s/%s", place->folder, bad[i].name);
        error.text[0] = '\0';
        assert_null(recorded_begin(path, 1, NULL, &error));
        assert_non_null(strstr(error.text, bad[i].says));
        assert_null(strchr(error.text, '\n'));
    }
    if (geteuid() == 0) {
        print_message("skipped: permissions do not bind root\n");
    } else {
        chmod(place->folder, 0500);
        assert_null(recorded_begin(place->run, 1, NULL, &error));
        chmod(place->folder, 0700);
        assert_non_null(strstr(error.text, "Permission denied"));
    }
    snprintf(path, sizeof path, "%s/file", place->folder);
    assert_null(h5_open(path, &error));
    assert_true(!strncmp(error.text, path, strlen(path)));
    close(plain);
}

/* A file that can only be refused when it is begun is refused before the work for it. */
static void test_possible(void **state)
{
    Place *place = *state;
    char path[512], name[251];
    Error error = {""};
    assert_true(draft_is_possible(place->run, &error));
    assert_false(folder_has_draft(place->folder));
    memset(name, 'n', sizeof name - 1); /* fits, but not with what a draft's has more */
    name[sizeof name - 1] = '\0';
    in_place(place, name, path, sizeof path);
    assert_true(files_prepare(path, &error));
    assert_false(draft_is_possible(path, &error));
    assert_non_null(strstr(error.text, "File name too long; name a shorter one"));
}

/* Two runs to one file: the later goes beside the one that is still recorded, which grows on undisturbed. */
static void test_two_writers(void **state)
{
    Place *place = *state;
    char kept[256], first[160];
    Error error = {""};
    snprintf(first, sizeof first, "%s/run.1.h5", place->folder);
    Recorder *recorder =
        recorded_begin(place->run, 3000, NULL, &error); /* without a step yet: what is kept anyway */
    Recorder *later = recorded_begin(place->run, 7, kept, &error);
    assert_string_equal(kept, "");
    assert_string_equal(recorder_path(recorder), place->run);
    assert_string_equal(recorder_path(later), first);
    for (int64_t n = 0; n < 3000; n++) assert_true(recorded_step(recorder, n, &error));
    for (int64_t n = 0; n < 7; n++) assert_true(recorded_step(later, n, &error));
    int hold = recorder_hold(recorder);
    assert_true(recorder_finish(recorder, &error) && recorder_finish(later, &error));
    assert_int_equal(recorded_steps(place->run), 3000);
    assert_int_equal(recorded_steps(first), 7);

    recorded_write(place->run, 2, 2, true, kept); /* held, it is not moved; then it is */
    assert_string_equal(kept, "");
    close(hold);
    recorded_write(place->run, 1, 1, true, kept);
    snprintf(first, sizeof first, "%s/run.3.h5", place->folder);
    assert_string_equal(kept, first);
    assert_int_equal(recorded_steps(first), 3000);
    assert_false(folder_has_draft(place->folder));
}

/* A user moves the file of a run while it is recorded: it grows on there, and what takes its place stays. Once it is
 * removed, the run says so. */
static void test_moved_away(void **state)
{
    Place *place = *state;
    char elsewhere[160];
    Error error = {""};
    snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere.h5", place->folder);
    Recorder *recorder = recorded_begin(place->run, 5000, NULL, &error);
    assert_int_equal(rename(place->run, elsewhere), 0);
    recorded_write(place->run, 7, 7, true, NULL);
    int64_t n = 0;
    while (n < 1100 && recorded_step(recorder, n, &error)) n++;
    assert_int_equal(n, 1100);
    assert_string_equal(recorder_path(recorder), elsewhere);
    assert_int_equal(recorded_steps(elsewhere), 1100);
    assert_int_equal(recorded_steps(place->run), 7);
    unlink(elsewhere);
    while (n < 5000 && recorded_step(recorder, n, &error)) n++;
    assert_int_equal(n, 1100); /* at once */
    assert_non_null(strstr(error.text, "elsewhere.h5: was removed or replaced"));
    recorder_abandon(recorder);
    assert_int_equal(recorded_steps(place->run), 7);
    assert_false(folder_has_draft(place->folder));
}

/* Processes that record to one path at once, over what an earlier run left: each has its file, whole. */
static void test_runs_at_once(void **state)
{
    Place *place = *state;
    enum { RUNS = 6, ROUNDS = 4, LEAST = 1020 }; /* so that some grow */
    for (int round = 0; round < ROUNDS; round++) {
        pid_t child[RUNS];
        int seen[RUNS + 1] = {0}, status, files = 0;
        recorded_write(place->run, LEAST + RUNS, round % 2 ? LEAST + RUNS : 0, round % 2, NULL);
        for (int k = 0; k < RUNS; k++)
            if (!(child[k] = fork())) {
                Recorder *recorder = recorded_begin(place->run, 1000000, NULL, NULL);
                bool ok = recorder != NULL;
                for (int64_t n = 0; n < LEAST + k && ok; n++) ok = recorded_step(recorder, n, NULL);
                _exit(ok && recorder_finish(recorder, NULL) ? 0 : 3);
            }
        for (int k = 0; k < RUNS; k++) {
            assert_int_equal(waitpid(child[k], &status, 0), child[k]);
            assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        }
        DIR *folder = opendir(place->folder);
        for (struct dirent *entry; (entry = readdir(folder));) {
            char path[512];
            snprintf(path, sizeof path, "%s/%s", place->folder, entry->d_name);
            if (entry->d_name[0] == '.') continue;
            assert_int_equal(recorded_complete(path), 1);
            seen[recorded_steps(path) - LEAST]++;
            files++;
            unlink(path);
        }
        closedir(folder);
        for (int k = 0; k < RUNS; k++) assert_int_equal(seen[k], 1);
        assert_int_equal(seen[RUNS], round % 2);
        assert_int_equal(files, RUNS + round % 2);
    }
}

/* What a killed process leaves goes with the next run; another's draft and a file that is named alike stay. */
static void test_abandoned(void **state)
{
    Place *place = *state;
    char draft[160];
    Error error = {""};
    put(place->folder, "run.h5.sim-123.tmp", "a process that was killed");
    put(place->folder, "run.h5.sim-123.1.tmp", "another");
    put(place->folder, "run.h5.sim-old.tmp", "a user's");
    put(place->folder, "run.h5.2024.tmp", "a user's copy");
    put(place->folder, "other.h5.sim-123.tmp", "of another file");
    snprintf(draft, sizeof draft, "%s/run.h5", place->folder);
    H5 *writing = h5_create(draft, &error);
    assert_non_null(writing);
    snprintf(draft, sizeof draft, "run.h5.sim-%ld.tmp", (long)getpid());
    recorded_write(place->run, 1, 1, true, NULL);
    assert_false(folder_has(place->folder, "run.h5.sim-123.tmp") ||
                 folder_has(place->folder, "run.h5.sim-123.1.tmp"));
    assert_true(folder_has(place->folder, "run.h5.2024.tmp"));
    assert_true(folder_has(place->folder, "run.h5.sim-old.tmp") &&
                folder_has(place->folder, "other.h5.sim-123.tmp"));
    assert_true(folder_has(place->folder, draft));
    h5_abandon(writing);
    assert_false(folder_has(place->folder, draft));
}

int main(void)
{
    /* as some clusters have it: HDF5's locks would meet those that drafts have of their own */
    setenv("HDF5_USE_FILE_LOCKING", "TRUE", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_earlier_kept, recorded_setup, recorded_teardown),
        cmocka_unit_test_setup_teardown(test_refused, recorded_setup, recorded_teardown),
        cmocka_unit_test_setup_teardown(test_possible, recorded_setup, recorded_teardown),
        cmocka_unit_test_setup_teardown(test_two_writers, recorded_setup, recorded_teardown),
        cmocka_unit_test_setup_teardown(test_moved_away, recorded_setup, recorded_teardown),
        cmocka_unit_test_setup_teardown(test_runs_at_once, recorded_setup, recorded_teardown),
        cmocka_unit_test_setup_teardown(test_abandoned, recorded_setup, recorded_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
