/* test_stall.c - ranks that wait too long: when a wait is given up, what is told to whom, who prints what, and what a
 * pause of the process itself counts. Each case is a rank of its own, whose clock and letters are made up. */
#include "parallel/wire/stall.h"
#include <stdio.h>
#include <string.h>
#include "tests/support/check.h"
#include "tests/support/child.h"

enum { ALL = 4, LETTERS = 8 };

/* What the other ranks tell, and when; and the clock, which goes on by `tick` with each look at it. */
static struct {
    struct {
        double when;
        Waits waits;
    } letter[LETTERS];
    int letters, read;
    double now, tick;
} outside;

/* Of what it told, a line to standard error. */
static void tell(int rank, const Waits *mine)
{
    char line[STALL_LINE];
    fprintf(stderr, "to %d: %s\n", rank, waits_text(mine, line, sizeof line));
}

static bool hear(Waits *told)
{
    if (outside.read == outside.letters || outside.now < outside.letter[outside.read].when) return false;
    *told = outside.letter[outside.read++].waits;
    return true;
}

static double now(void)
{
    return outside.now += outside.tick;
}

static void where(int rank, char *text, size_t size)
{
    snprintf(text, size, "process %d on node%d", 4000 + rank, rank / 2);
}

static const StallDoor DOOR = {tell, hear, now, where};

static void at(const void *whose, char *text, size_t size)
{
    snprintf(text, size, "at %s", (const char *)whose);
}

static void hears(double when, int rank, int peer)
{
    Waits waits = {.rank = rank,
                   .peer = peer,
                   .purpose = CONTROL,
                   .receives = true,
                   .bytes = 8,
                   .seconds = when,
                   .waits = true};
    outside.letter[outside.letters].when = when;
    outside.letter[outside.letters++].waits = waits;
}

typedef struct Waiting {
    int rank;
    double timeout, looks; /* most of them */
} Waiting;

static void wait_for_rank_3(void *waiting)
{
    const Waiting *w = waiting;
    Comm comm = {
        .rank = w->rank, .size = ALL, .stall_timeout = w->timeout, .at = at, .whose = "2F5 of step 9"};
    Request request = {.comm = &comm,
                       .purpose = TP_ALL_REDUCE,
                       .peer = 3,
                       .channel = 2,
                       .tag = 7,
                       .receives = true,
                       .bytes = 640};
    Patience patience = {0};
    for (int i = 0; i < w->looks; i++) stall_look(&patience, &request, &DOOR);
}

/* What rank `rank` said until it ended with that status. */
static const char *ends(int status, Waiting waiting)
{
    static char said[4096];
    assert_int_equal(child_run(wait_for_rank_3, &waiting, said, sizeof said, NULL), status);
    return said;
}

static void begin(double tick)
{
    memset(&outside, 0, sizeof outside);
    outside.now = 100;
    outside.tick = tick;
}

enum { GOES_ON = 99 }; /* child.h */
static const char MINE[] =
    "rank 1 waits at 2F5 of step 9 for 640 bytes of tp.all_reduce from rank 3 (channel 2, tag 7), for ";

static void waits_in_words(void **state)
{
    (void)state;
    char line[STALL_LINE];
    Waits waits = {.rank = 1, .peer = 12, .purpose = PP_SEND_FORWARD, .channel = 4, .tag = 3, .bytes = 99};
    assert_string_equal(waits_text(&waits, line, sizeof line),
                        "rank 1 waits for rank 12 to take 99 bytes of pp.send_forward (channel 4, tag 3)");
    waits.peer = -1;
    assert_string_equal(waits_text(&waits, line, sizeof line),
                        "rank 1 waits for all ranks to come to their end");
    waits.peer = 12;
    waits.receives = true;
    waits.seconds = 61.25;
    strcpy(waits.at, "at REDUCE of step 5");
    assert_string_equal(waits_text(&waits, line, sizeof line),
                        "rank 1 waits at REDUCE of step 5 for 99 bytes of pp.send_forward from rank 12 "
                        "(channel 4, tag 3), for 61.2 s");
}

static void a_wait_of_less_goes_on(void **state)
{
    (void)state;
    begin(0.5);
    assert_string_equal(ends(GOES_ON, (Waiting){1, 60, 120}), "");
    begin(0.5);
    assert_string_equal(ends(GOES_ON, (Waiting){1, 0, 100000}), ""); /* for ever */
}

static void a_longer_one_is_told_and_ends_the_job(void **state)
{
    (void)state;
    begin(0.5);
    hears(162, 2, 1); /* in the grace */
    const char *said = ends(1, (Waiting){1, 60, 122});
    assert_non_null(strstr(said, "to 0: rank 1 waits "));
    assert_non_null(strstr(said, "to 2: rank 1 waits "));
    assert_non_null(strstr(said, "to 3: rank 1 waits "));
    assert_null(strstr(said, "to 1: "));
    char line[STALL_LINE];
    snprintf(line, sizeof line, "\n  %s60 s\n  rank 2 waits for 8 bytes of control from rank 1", MINE);
    assert_non_null(strstr(said, line));
    assert_non_null(strstr(said, "sim: stalled: 2 of 4 ranks waited, "));
    assert_non_null(
        strstr(said, "ranks 0 (process 4000 on node0), 3 (process 4003 on node1) did not answer: "));
}

/* Before its own time is over, and with what it has waited. */
static void who_is_told_tells(void **state)
{
    (void)state;
    begin(0.5);
    hears(103, 2, 3);
    hears(104, 3, 1);
    hears(105, 0, 1);
    const char *said = ends(1, (Waiting){1, 60, 50});
    assert_non_null(strstr(said, "to 0: rank 1 waits at 2F5 of step 9 "));
    assert_non_null(strstr(said, "sim: stalled: all 4 ranks wait for each other"));
}

/* After a grace of a tenth; who is not the lowest leaves it to that for two more, and does it where nothing comes of it.
 * What rank 3 tells between the two is in the later report. */
static void the_lowest_prints(void **state)
{
    (void)state;
    for (int caller = 0; caller <= 2; caller += 2) {
        begin(0.25);
        hears(101, caller, 3);
        hears(112, 3, 1);
        const char *said = ends(1, (Waiting){1, 60, 50});
        assert_int_equal(strstr(said, "\n  rank 3 waits ") != NULL, caller == 0);
    }
}

/* Stopped for an hour between two looks, it has waited a second. */
static void a_stopped_process_has_not_waited(void **state)
{
    (void)state;
    begin(3600);
    assert_string_equal(ends(GOES_ON, (Waiting){1, 60, 60}), "");
    begin(3600);
    assert_non_null(strstr(ends(1, (Waiting){1, 60, 62}), "for 60 s"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_in_words),
        cmocka_unit_test(a_wait_of_less_goes_on),
        cmocka_unit_test(a_longer_one_is_told_and_ends_the_job),
        cmocka_unit_test(who_is_told_tells),
        cmocka_unit_test(the_lowest_prints),
        cmocka_unit_test(a_stopped_process_has_not_waited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
