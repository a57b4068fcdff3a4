/* test_recorder_faults.c - the run file of a process that is killed, read while it writes, or runs out of
 * room: whole steps, never less than was said to be written. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/support/check.h"
#include "tests/support/recorded.h"

/* SIGKILL at any moment, creation and growth included: what recorder_step() said is written, is. */
static void test_killed(void **state)
{
    Place *place = *state;
    enum { KILLS = 50 };
    int opened = 0, grown = 0;
    volatile int64_t *finished =
        mmap(NULL, sizeof *finished, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(finished != MAP_FAILED);
    for (int i = 0; i < KILLS; i++) {
        *finished = 0;
        pid_t child = fork();
        if (!child) {
            Recorder *recorder = recorded_begin(place->run, 1000000, NULL, NULL);
            for (int64_t n = 0; recorder && recorded_step(recorder, n, NULL);) *finished = ++n;
            _exit(3);
        }
        /* every other one around the moment the columns grow, of these every other one when they have */
        const int64_t before = i % 4 == 3 ? 1030 : 1020;
        for (int wait = 0; i % 2 && *finished < before && wait < 20000; wait++) usleep(500);
        usleep((useconds_t)(i % 2 ? 300 * i : 2000 + 1777 * i));
        kill(child, SIGKILL);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        if (!folder_has(place->folder, "run.h5")) continue; /* killed before the skeleton was whole */
        int64_t steps = recorded_steps(place->run);
        assert_true(steps == *finished || steps == *finished + 1);
        assert_int_equal(recorded_complete(place->run), 0);
        opened++;
        grown += steps > 1024;
        unlink(place->run);
    }
    munmap((void *)finished, sizeof *finished);
    print_message("%d of %d kills left a file, %d of them grown\n", opened, (int)KILLS, grown);
    assert_true(opened >= KILLS / 2 && grown >= KILLS / 5);
}

/* Reading while another process writes: never a step that is not whole. */
static void test_live(void **state)
{
    Place *place = *state;
    pid_t child = fork();
    if (!child) {
        Recorder *recorder = recorded_begin(place->run, 3000, NULL, NULL);
        bool ok = recorder != NULL;
        for (int64_t n = 0; n < 3000 && ok; n++) {
            ok = recorded_step(recorder, n, NULL);
            if (n % 8 == 0) usleep(500);
        }
        _exit(ok && recorder_finish(recorder, NULL) ? 0 : 3);
    }
    int status, looks = 0;
    int64_t before = 0;
    while (waitpid(child, &status, WNOHANG) == 0) {
        if (!folder_has(place->folder, "run.h5")) continue;
        int64_t steps = recorded_steps_so_far(place->run);
        assert_true(steps >= before);
        before = steps;
        looks++;
        usleep(3000);
    }
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_true(looks > 3);
    assert_int_equal(recorded_steps(place->run), 3000);
}

/* What a child that ran out of room leaves, and says. `limit`: file size. */
static int64_t run_out(const char *path, int64_t planned, size_t limit, size_t later_limit, Error *said)
{
    int pipe_ends[2];
    assert_int_equal(pipe(pipe_ends), 0);
    pid_t child = fork();
    if (!child) {
        alarm(20); /* a hang fails the test */
        Error error = {""};
        signal(SIGXFSZ, SIG_IGN);
        if (limit) setrlimit(RLIMIT_FSIZE, &(struct rlimit){limit, RLIM_INFINITY});
        Recorder *recorder = recorded_begin(path, planned, NULL, &error);
        if (later_limit && recorder) setrlimit(RLIMIT_FSIZE, &(struct rlimit){later_limit, RLIM_INFINITY});
        int64_t n = 0;
        while (recorder && n < 100000 && recorded_step(recorder, n, &error)) n++;
        recorder_abandon(recorder);
        bool told = write(pipe_ends[1], &n, sizeof n) == sizeof n &&
                    write(pipe_ends[1], &error, sizeof error) == sizeof error;
        exit(told ? 0 : 3); /* exit, not _exit: HDF5 must not touch the broken file there */
    }
    close(pipe_ends[1]);
    int64_t steps = -1;
    assert_int_equal(read(pipe_ends[0], &steps, sizeof steps), sizeof steps);
    assert_int_equal(read(pipe_ends[0], said, sizeof *said), sizeof *said);
    close(pipe_ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return steps;
}

static void check_message(const Error *said, const char *path, int number)
{
    assert_true(!strncmp(said->text, path, strlen(path)));
    assert_non_null(strstr(said->text, strerror(number)));
    assert_null(strchr(said->text, '\n'));
}

/* A limit on file size stands for a full disk where nothing may be mounted. */
static void test_too_large(void **state)
{
    Place *place = *state;
    Error said;
    /* while the skeleton is made, and the run before it stays */
    recorded_write(place->run, 4, 4, true, NULL);
    assert_int_equal(run_out(place->run, 4, 8192, 0, &said), 0);
    check_message(&said, place->run, EFBIG);
    assert_int_equal(recorded_steps(place->run), 4);
    assert_false(folder_has(place->folder, "run.1.h5"));
    assert_false(folder_has_draft(place->folder));
    unlink(place->run);

    /* when a block is added: room for one and a half times the first block's rows, two cubes and six columns wide */
    const size_t row = 2 * RANKS * PURPOSES * sizeof(uint64_t) + 6 * sizeof(double), block = 1024 * row;
    struct stat there;
    assert_int_equal(run_out(place->run, 5000, 0, block * 3 / 2, &said), 1024);
    check_message(&said, place->run, EFBIG);
    assert_int_equal(recorded_steps(place->run), 1024);
    assert_false(folder_has_draft(place->folder));
    assert_int_equal(stat(place->run, &there), 0);
    unlink(place->run);

    /* at a flush, which only a failing disk does: the file is as large as it will be */
    assert_int_equal(run_out(place->run, 5000, 0, block / 4, &said), 0);
    check_message(&said, place->run, EFBIG);
    assert_int_equal(recorded_steps(place->run), 0);
}

/* A real full disk, for every size between too small for the skeleton and enough for two blocks. */
static void test_full_disk(void **state)
{
    Place *place = *state;
    char path[160];
    snprintf(path, sizeof path, "%s/run.h5", place->folder);
    for (int kilobytes = 16; kilobytes < 4000; kilobytes += kilobytes / 4) {
        char options[32];
        snprintf(options, sizeof options, "size=%dk", kilobytes);
        if (mount("none", place->folder, "tmpfs", 0, options)) {
            print_message("skipped: cannot mount a small disk here (%s)\n", strerror(errno));
            skip();
        }
        Error said;
        int64_t steps = run_out(path, 100000, 0, 0, &said);
        bool left = folder_has(place->folder, "run.h5");
        int64_t recorded = left ? recorded_steps(path) : 0;
        bool temporary = folder_has_draft(place->folder);
        assert_int_equal(umount(place->folder), 0);
        check_message(&said, path, ENOSPC);
        assert_non_null(strstr(said.text, "MB free); "));
        assert_int_equal(recorded, steps);
        assert_false(temporary);
    }
}

/* One that is asked for: the file as a full disk leaves it, also where its columns would grow first. */
static void test_as_if_full(void **state)
{
    Place *place = *state;
    for (int64_t steps = 2; steps <= 1024; steps += 1022) {
        Error error = {""};
        Recorder *recorder = recorded_begin(place->run, 2000, NULL, &error);
        for (int64_t n = 0; n < steps; n++) assert_true(recorded_step(recorder, n, &error));
        recorder_fill_disk(recorder);
        assert_false(recorded_step(recorder, steps, &error));
        check_message(&error, place->run, ENOSPC);
        recorder_abandon(recorder);
        assert_int_equal(recorded_steps(place->run), steps);
        assert_int_equal(recorded_complete(place->run), 0);
        unlink(place->run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_killed, recorded_setup, recorded_teardown),
        cmocka_unit_test_setup_teardown(test_live, recorded_setup, recorded_teardown),
        cmocka_unit_test_setup_teardown(test_too_large, recorded_setup, recorded_teardown),
        cmocka_unit_test_setup_teardown(test_full_disk, recorded_setup, recorded_teardown),
        cmocka_unit_test_setup_teardown(test_as_if_full, recorded_setup, recorded_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
