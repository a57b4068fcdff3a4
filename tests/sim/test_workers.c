/* test_workers.c - jobs in processes of their own: all done, each once; refused; ended before their time. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "sim/base/workers.h"
#include "tests/support/check.h"
#include "tests/support/child.h"

enum { COUNT = 500 };

typedef struct Result {
    int square, before;
    pid_t process;
} Result;

typedef struct Plan {
    int refuse_from, die_at;
} Plan;

static bool square(const void *context, int job, void *result, Error *error)
{
    const Plan *plan = context;
    Result *r = result;
    if (job >= plan->refuse_from) return error_set(error, "job %d is refused", job);
    if (job == plan->die_at) raise(SIGKILL);
    if (job == 0) usleep(1000); /* so that others have some, too */
    *r = (Result){.square = job * job, .before = r->square, .process = getpid()};
    return true;
}

static bool slowly(const void *context, int job, void *result, Error *error)
{
    usleep(200);
    return square(context, job, result, error);
}

typedef struct Heard {
    int calls, last;
} Heard;

static void hear(void *listener, int done)
{
    Heard *heard = listener;
    assert_true(done > heard->last && done <= COUNT);
    heard->calls++;
    heard->last = done;
}

static void each_job_once(void **state)
{
    (void)state;
    static Result result[COUNT];
    for (int workers = 0; workers <= 7; workers += 3) { /* 0: one */
        Plan plan = {COUNT, -1};
        Heard heard = {0};
        Error error;
        Jobs jobs = {COUNT, sizeof *result, square, &plan, hear, &heard, NULL, NULL};
        memset(result, 0xff, sizeof result);
        if (!workers_perform(&jobs, workers, result, &error)) fail_msg("%s", error.text);
        for (int i = 0; i < COUNT; i++) {
            assert_true(result[i].square == i * i && result[i].before == 0);
            assert_true(result[i].process > 0 && result[i].process != getpid());
        }
        assert_true(heard.last == COUNT && heard.calls > 0);
    }
}

/* Of several that are refused the first in order is told, whoever was first in time. */
static void the_first_refusal_is_told(void **state)
{
    (void)state;
    static Result result[COUNT];
    for (int from = 0; from < 20; from++) {
        Plan plan = {from, -1};
        Error error;
        char wanted[32];
        bool lost = true;
        Jobs jobs = {COUNT, sizeof *result, square, &plan, NULL, NULL, NULL, &lost};
        assert_false(workers_perform(&jobs, 5, result, &error));
        assert_false(lost);
        snprintf(wanted, sizeof wanted, "job %d is refused", from);
        assert_string_equal(error.text, wanted);
    }
}

static void a_worker_that_is_killed_is_told(void **state)
{
    (void)state;
    static Result result[COUNT];
    Plan plan = {COUNT, 30};
    Error error;
    bool lost = false;
    Jobs jobs = {COUNT, sizeof *result, slowly, &plan, NULL, NULL, NULL, &lost};
    assert_false(workers_perform(&jobs, 2, result, &error));
    assert_true(lost);
    assert_non_null(strstr(error.text, "was ended by signal 9; is memory short?"));
    assert_int_equal(result[COUNT - 1].process, 0); /* the other took no more */
}

static volatile sig_atomic_t stopped;

static void stop(void *listener, int done)
{
    (void)listener;
    if (done >= 20) stopped = 1;
}

static void all_are_stopped(void **state)
{
    (void)state;
    static Result result[COUNT];
    Plan plan = {COUNT, -1};
    Error error;
    Jobs jobs = {COUNT, sizeof *result, slowly, &plan, stop, NULL, &stopped, NULL};
    assert_false(workers_perform(&jobs, 2, result, &error));
    assert_true(result[0].process > 0 && result[COUNT - 1].process == 0);
}

static bool fails(const void *context, int job, void *result, Error *error)
{
    (void)context, (void)result, (void)error;
    if (job == 3) fail("no memory for job 3");
    return true;
}

/* What ends a job ends the worker alone. */
static void failing(void *context)
{
    (void)context;
    Error error;
    Jobs jobs = {8, 0, fails, NULL, NULL, NULL, NULL, NULL};
    bool good = workers_perform(&jobs, 2, NULL, &error);
    fprintf(stderr, "%s\n", good ? "good" : error.text);
    _exit(7);
}

static void a_worker_that_fails_is_told(void **state)
{
    (void)state;
    char said[512];
    struct rusage used;
    assert_int_equal(child_run(failing, NULL, said, sizeof said, &used), 7);
    assert_non_null(strstr(said, "sim: no memory for job 3\n"));
    assert_non_null(strstr(said, " ended with status 1\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_job_once),
        cmocka_unit_test(the_first_refusal_is_told),
        cmocka_unit_test(a_worker_that_is_killed_is_told),
        cmocka_unit_test(a_worker_that_fails_is_told),
        cmocka_unit_test(all_are_stopped),
    };
    return cmocka_run_group_tests_name("workers", tests, NULL, NULL);
}
