/* test_same_request.c - ranks that were started with different requests: the first that differs is named, with what
 * each was given, and no rank goes on. */
#include "sim/run/same_request.h"
#include <string.h>
#include "parallel/collectives/collectives.h"
#include "parallel/wire/comm_virtual.h"
#include "tests/support/check.h"

enum { RANKS = 4, ODD = 2 };

typedef struct Trial {
    RunOptions others, odd; /* odd: rank ODD's */
    int went_on;
    Error error; /* rank 0's */
} Trial;

static void ask(Comm *comm, void *context)
{
    Trial *t = context;
    Error error = {""};
    Group *world = group_world(comm, 0);
    t->went_on += same_request(world, comm->rank == ODD ? &t->odd : &t->others, &error);
    if (comm->rank == 0) t->error = error;
    group_free(world);
}

/* All go on when `says` is NULL. */
static void expect(const RunOptions *others, const RunOptions *odd, const char *says)
{
    Trial trial = {.others = *others, .odd = *odd};
    Error error;
    if (!virtual_run(RANKS, ask, &trial, &error)) fail_msg("%s", error.text);
    assert_int_equal(trial.went_on, says ? 0 : RANKS);
    assert_string_equal(trial.error.text, says ? says : "");
}

static void are_named(void **state)
{
    (void)state;
    static const char *const sets[] = {"train.steps=5", "train.seed=7"}, *const fewer[] = {"train.seed=7"},
                             *const control[] = {"train.steps=5", "train.seed=7\n\033[31m"};
    RunOptions plain = {.config = "a.ini"}, same = {.config = "a.ini"}, other = {.config = "b.ini"};
    RunOptions set = {.config = "a.ini", .sets = sets, .set_count = 2}, output = set, less = set, odd = set;
    output.output = "c.h5";
    less.sets = fewer;
    less.set_count = 1;
    odd.sets = control;
    expect(&plain, &same, NULL);
    expect(&set, &set, NULL);
    expect(&output, &output, NULL);
    expect(&plain, &other,
           "rank 2 was given --config b.ini where rank 0 was given --config a.ini, and ranks train together; "
           "try "
           "one command for all: mpirun -n 4 sim --config ...");
    expect(
        &plain, &set,
        "rank 2 was given --set train.steps=5 where rank 0 was given nothing, and ranks train together; try "
        "one command for all: mpirun -n 4 sim --config ...");
    expect(&set, &less,
           "rank 2 was given --set train.seed=7 where rank 0 was given --set train.steps=5, and ranks train "
           "together; try one command for all: mpirun -n 4 sim --config ...");
    expect(&output, &set,
           "rank 2 was given --set train.steps=5 where rank 0 was given --output c.h5, and ranks train "
           "together; "
           "try one command for all: mpirun -n 4 sim --config ...");
    expect(&set, &odd,
           "rank 2 was given ?[31m where rank 0 was given nothing, and ranks train together; try one command "
           "for "
           "all: mpirun -n 4 sim --config ...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(are_named)};
    return cmocka_run_group_tests_name("same request", tests, NULL, NULL);
}
