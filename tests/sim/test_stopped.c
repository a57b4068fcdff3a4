/* test_stopped.c - a signal that ends a run, from a person, a terminal that closes or a limit on time, is answered
 * with one line of what is kept, and ends the process as its parent expects. */
#include "sim/run/stopped.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/support/check.h"

static void stopped_child(int number, int said)
{
    setrlimit(RLIMIT_CORE, &(struct rlimit){0});
    signal(number, SIG_DFL); /* as a person has it, whoever started this test */
    dup2(said, STDERR_FILENO);
    stopped_tell("a b.h5", 9);
    stopped_kept(4);
    raise(number);
    _exit(0);
}

static void say_what_is_kept(void **state)
{
    (void)state;
    static const struct {
        int number;
        const char *name;
    } cases[] = {{SIGTERM, "TERM"}, {SIGINT, "INT"}, {SIGHUP, "HUP"}, {SIGXCPU, "XCPU"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int ends[2], status;
        char said[256] = "", expected[256];
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0) stopped_child(cases[i].number, ends[1]);
        close(ends[1]);
        assert_true(read(ends[0], said, sizeof said - 1) >= 0);
        close(ends[0]);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == cases[i].number);
        snprintf(expected, sizeof expected,
                 "sim: stopped by %s: 4 of 9 steps kept; try sim report 'a b.h5'\n", cases[i].name);
        assert_string_equal(said, expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(say_what_is_kept)};
    return cmocka_run_group_tests_name("stopped", tests, NULL, NULL);
}
