/* test_progress.c - what long work shows, and that short work shows nothing: as if it had begun some seconds ago. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "sim/base/progress.h"
#include "sim/config/ranks.h"
#include "sim/run/plan_from_config.h"
#include "sim/run/watch.h"
#include "tests/support/case.h"
#include "tests/support/check.h"

/* Standard output into a file and back; `said` gets what went there. */
static int aside;
static FILE *file;

static void listen_begin(void)
{
    fflush(stdout);
    aside = dup(STDOUT_FILENO);
    file = tmpfile();
    assert_true(file && aside >= 0);
    dup2(fileno(file), STDOUT_FILENO);
}

static void listen_end(char *said, size_t size)
{
    fflush(stdout);
    dup2(aside, STDOUT_FILENO);
    close(aside);
    rewind(file);
    said[fread(said, 1, size - 1, file)] = '\0';
    fclose(file);
}

/* `work` pieces, one after another, begun `ago` seconds ago. */
static void pieces(double ago, int work, char *said, size_t size)
{
    Progress p;
    listen_begin();
    progress_begin(&p, work, PROGRESS_QUIET);
    p.began -= ago;
    for (int done = 1; done <= work; done++)
        if (progress_due(&p, done)) progress_show(&p, "%d of %d pieces", done, work);
    progress_end(&p);
    listen_end(said, size);
}

static void short_work_is_quiet(void **state)
{
    (void)state;
    char said[4096];
    pieces(0, 100, said, sizeof said);
    assert_string_equal(said, "");
}

/* In a log: the first, then each tenth, and the last; the time that is left from the fiftieth part on. */
static void long_work_shows(void **state)
{
    (void)state;
    char said[4096];
    pieces(10, 100, said, sizeof said);
    int lines = 0;
    for (const char *c = said; *c; c++) lines += *c == '\n';
    assert_int_equal(lines, 11);
    assert_ptr_equal(strstr(said, "  1 of 100 pieces\n"), said);
    assert_non_null(strstr(said, "  10 of 100 pieces   1 min 30 s left\n"));
    assert_non_null(strstr(said, "  50 of 100 pieces   10 s left\n"));
    assert_non_null(strstr(said, "  100 of 100 pieces   0 s left\n"));
}

/* A dry run's ranks and actions fill the estimate they are measured in, and are counted to the last. */
static void a_walk_ends_at_its_total(void **state)
{
    (void)state;
    enum { RANKS = 8 };
    Case c = case_of_words(1, "parallel.pp=2 parallel.data=zero1 train.microbatch=1");
    Config config;
    Plan plan;
    Error error = {""};
    if (!case_config(&c, &config, &error) || !config_check_ranks(&config, RANKS, &error) ||
        !plan_from_config(&config, RANKS, NULL, 0, &plan, &error))
        fail_msg("%s", error.text);
    Estimate e = estimate_dry(&config, &plan, &(WalkedRanks){RANKS, RANKS, NULL});
    Watch w;
    char said[8192], last[64];
    int actions = 0;
    listen_begin();
    watch_walk(&w, &e, &plan, RANKS);
    w.progress.began -= 10;
    for (int r = 0; r < RANKS; r++) watch_made(&w);
    for (int p = 0; p < plan.shape.p; p++)
        for (int i = 0; i < plan.list[p].count * RANKS / plan.shape.p; i++, actions++) watch_performed(&w);
    watch_end(&w);
    listen_end(said, sizeof said);
    snprintf(last, sizeof last, "  %d of %d actions walked   0 s left\n", actions, actions);
    assert_non_null(strstr(said, "of 8 ranks made"));
    assert_string_equal(said + strlen(said) - strlen(last), last);
    assert_true(w.progress.done > 0.999999 * w.progress.total &&
                w.progress.done < 1.000001 * w.progress.total);
    plan_free(&plan);
    config_free(&config);
    case_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(short_work_is_quiet),
                                       cmocka_unit_test(long_work_shows),
                                       cmocka_unit_test(a_walk_ends_at_its_total)};
    return cmocka_run_group_tests_name("progress", tests, NULL, NULL);
}
