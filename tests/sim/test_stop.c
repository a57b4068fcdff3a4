/* test_stop.c - what a signal does to a run: some ask for its end, after a step; the others, from a terminal that closes
 * or a limit on time, and those that ask again, end the process as its parent expects, with a line of what is kept. */
#include "sim/run/stop.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/support/check.h"

enum { AGAIN = 2 }; /* seconds, as stop.h says */

/* What is done in a process of its own, which ends with 0 where it is still there. */
typedef struct Signalled {
    int number;
    const char *path; /* NULL: not rank 0's */
    bool early, later, ignored;
    int saved;        /* checkpoints */
    int end;          /* the signal that ends it; 0: none does */
    const char *said; /* on standard error */
} Signalled;

static void child(const Signalled *s, int said)
{
    setrlimit(RLIMIT_CORE, &(struct rlimit){0});
    signal(s->number, s->ignored ? SIG_IGN : SIG_DFL); /* as a person has it, whoever started this test */
    dup2(said, STDERR_FILENO);
    stop_on_warning();
    if (!s->early) stop_listen(s->path, 9);
    stop_kept(4);
    for (int i = 0; i < s->saved; i++) stop_saved(i + 1 < s->saved ? "older.h5" : "c k.h5");
    raise(s->number);
    if (s->later) {
        raise(s->number); /* at once: the same, by another way */
        raise(SIGUSR1);
        if (*stop_asked() != s->number) _exit(3);
        sleep(AGAIN);
        raise(SIGUSR1); /* a warning stays one */
        raise(s->number);
    }
    _exit(*stop_asked() == (s->ignored ? 0 : s->number) && (s->ignored || *stop_name()) ? 0 : 3);
}

static void ends_and_says(const Signalled *s)
{
    int ends[2], status;
    char said[512] = "";
    assert_int_equal(pipe(ends), 0);
    pid_t process = fork();
    if (process == 0) child(s, ends[1]);
    close(ends[1]);
    for (size_t used = 0; used < sizeof said - 1;) {
        ssize_t n = read(ends[0], said + used, sizeof said - 1 - used);
        if (n <= 0) break;
        used += (size_t)n;
    }
    close(ends[0]);
    assert_int_equal(waitpid(process, &status, 0), process);
    assert_int_equal(WIFSIGNALED(status) ? WTERMSIG(status) : 0, s->end);
    if (!s->end) assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_string_equal(said, s->said);
}

static void some_ask_for_an_end(void **state)
{
    (void)state;
    ends_and_says(&(Signalled){
        .number = SIGTERM,
        .path = "a b.h5",
        .said =
            "sim: stopping on TERM: 4 of 9 steps kept, and the next if it ends; try sim report 'a b.h5'\n"});
    ends_and_says(&(Signalled){
        .number = SIGINT,
        .path = "a.h5",
        .said = "sim: stopping on INT: 4 of 9 steps kept, and the next if it ends; try sim report a.h5\n"});
    ends_and_says(&(Signalled){.number = SIGUSR1, .path = "a.h5", .said = ""});
    ends_and_says(&(Signalled){.number = SIGTERM, .said = ""});
    ends_and_says(&(Signalled){.number = SIGINT, .said = ""});
}

static void a_warning_may_come_before_there_is_a_step(void **state)
{
    (void)state;
    ends_and_says(&(Signalled){.number = SIGUSR1, .early = true, .said = ""});
    ends_and_says(&(Signalled){.number = SIGTERM, .early = true, .end = SIGTERM, .said = ""});
}

static void others_end_it_and_say_what_is_kept(void **state)
{
    (void)state;
    ends_and_says(&(Signalled){.number = SIGHUP,
                               .path = "a.h5",
                               .end = SIGHUP,
                               .said = "sim: stopped by HUP: 4 of 9 steps kept; try sim report a.h5\n"});
    ends_and_says(&(Signalled){.number = SIGXCPU,
                               .path = "a.h5",
                               .end = SIGXCPU,
                               .said = "sim: stopped by XCPU: 4 of 9 steps kept; try sim report a.h5\n"});
    ends_and_says(&(Signalled){.number = SIGHUP, .end = SIGHUP, .said = ""});
}

/* With a checkpoint, of several the newest. */
static void they_say_what_to_go_on_from(void **state)
{
    (void)state;
    for (int saved = 1; saved <= 3; saved++)
        ends_and_says(&(Signalled){.number = SIGTERM,
                                   .path = "a.h5",
                                   .saved = saved,
                                   .said = "sim: stopping on TERM: 4 of 9 steps kept, and the next if it "
                                           "ends; try sim report a.h5, or --resume 'c k.h5' to go on\n"});
    ends_and_says(&(Signalled){.number = SIGHUP,
                               .path = "a.h5",
                               .saved = 1,
                               .end = SIGHUP,
                               .said = "sim: stopped by HUP: 4 of 9 steps kept; try sim report a.h5, or "
                                       "--resume 'c k.h5' to go on\n"});
}

static void asked_again_later_it_ends_as_ever(void **state)
{
    (void)state;
    ends_and_says(&(Signalled){
        .number = SIGINT,
        .path = "a.h5",
        .later = true,
        .end = SIGINT,
        .said = "sim: stopping on INT: 4 of 9 steps kept, and the next if it ends; try sim report a.h5\n"
                "sim: stopped by INT: 4 of 9 steps kept; try sim report a.h5\n"});
}

static void what_is_ignored_stays_so(void **state)
{
    (void)state;
    static const int numbers[] = {SIGUSR1, SIGTERM, SIGINT, SIGHUP, SIGXCPU};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        ends_and_says(&(Signalled){.number = numbers[i], .path = "a.h5", .ignored = true, .said = ""});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(some_ask_for_an_end),
        cmocka_unit_test(a_warning_may_come_before_there_is_a_step),
        cmocka_unit_test(others_end_it_and_say_what_is_kept),
        cmocka_unit_test(they_say_what_to_go_on_from),
        cmocka_unit_test(asked_again_later_it_ends_as_ever),
        cmocka_unit_test(what_is_ignored_stays_so),
    };
    return cmocka_run_group_tests_name("stop", tests, NULL, NULL);
}
