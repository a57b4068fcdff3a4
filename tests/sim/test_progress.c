/* test_progress.c - what long work shows, and that short work shows nothing: as if it had begun some seconds ago, or as
 * if every look at the clock took one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "parallel/wire/comm_virtual.h"
#include "sim/base/clock.h"
#include "sim/base/posix.h"
#include "sim/base/progress.h"
#include "sim/file/run_file.h"
#include "sim/report/report_command.h"
#include "sim/run/run.h"
#include "sim/run/watch.h"
#include "tests/support/check.h"
#include "tests/support/folder.h"
#include "tests/support/planned.h"

/* The program's clock: that of the system, or one that goes on by `look` seconds whenever it is looked at. */
static double look, looked;

double clock_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    looked += look;
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec + looked;
}

/* A standard stream into a file and back; `said` gets what went there. */
typedef struct Heard {
    int stream, aside;
    FILE *file;
} Heard;

static Heard hear(int stream)
{
    fflush(NULL);
    Heard h = {stream, dup(stream), tmpfile()};
    assert_true(h.file && h.aside >= 0);
    dup2(fileno(h.file), stream);
    return h;
}

static void heard(Heard h, char *said, size_t size)
{
    fflush(NULL);
    dup2(h.aside, h.stream);
    close(h.aside);
    rewind(h.file);
    said[fread(said, 1, size - 1, h.file)] = '\0';
    fclose(h.file);
}

/* `work` pieces, one after another, begun `ago` seconds ago. */
static void pieces(double ago, int work, char *said, size_t size)
{
    Progress p;
    const Heard h = hear(STDOUT_FILENO);
    progress_begin(&p, work, PROGRESS_QUIET);
    p.began -= ago;
    for (int done = 1; done <= work; done++)
        if (progress_due(&p, done)) progress_show(&p, "%d of %d pieces", done, work);
    progress_end(&p);
    heard(h, said, size);
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

/* A log of a long night says something every five minutes, however small the part is that was done. */
static void no_log_is_silent_for_long(void **state)
{
    (void)state;
    enum { PIECES = 200, LOOK = 25 };
    char said[1 << 14];
    int last = 1, next;
    look = LOOK; /* seconds that a piece takes: whether a line is due is asked once for each */
    pieces(0, PIECES, said, sizeof said);
    look = 0;
    for (const char *line = said; sscanf(line, " %d of", &next) == 1; line = strchr(line, '\n') + 1) {
        assert_true((next - last) * LOOK <= PROGRESS_SILENT);
        last = next;
    }
    assert_int_equal(last, PIECES);
}

/* A dry run's ranks and actions fill the estimate they are measured in, and are counted to the last. */
static void a_walk_ends_at_its_total(void **state)
{
    (void)state;
    enum { RANKS = 8 };
    Planned one = planned_words(RANKS, "parallel.pp=2 parallel.data=zero1 train.microbatch=1");
    const Plan *plan = &one.plan;
    Estimate e = estimate_dry(&one.config, plan, &(WalkedRanks){RANKS, RANKS, NULL}, true);
    Watch w;
    char said[8192], last[64];
    int actions = 0;
    const Heard h = hear(STDOUT_FILENO);
    watch_walk(&w, &e, plan, RANKS, 1);
    w.progress.began -= 10;
    for (int r = 0; r < RANKS; r++) watch_made(&w);
    for (int p = 0; p < plan->shape.p; p++)
        for (int i = 0; i < plan->list[p].count * RANKS / plan->shape.p; i++, actions++) watch_performed(&w);
    watch_end(&w);
    heard(h, said, sizeof said);
    snprintf(last, sizeof last, "  %d of %d actions walked   0 s left\n", actions, actions);
    assert_non_null(strstr(said, "of 8 ranks made"));
    assert_string_equal(said + strlen(said) - strlen(last), last);
    assert_true(w.progress.done > 0.999999 * w.progress.total &&
                w.progress.done < 1.000001 * w.progress.total);
    planned_free(&one);
}

/* ---- who shows it ---- */

static char folder[FOLDER];

static const char *in_folder(const char *name)
{
    static char path[4][FOLDER + 32];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

static void train(Comm *comm, void *options)
{
    assert_int_equal(run_rank(comm, options), STATUS_OK);
}

/* A run of a vocabulary that makes its table long; what it prints. */
static void run(const char *const *more, int count, double seconds, char *said, size_t size)
{
    enum { SETS = 16 };
    const char *sets[SETS] = {"model.vocab=200000", "model.hidden=8", "model.heads=1",       "model.layers=2",
                              "model.sequence=4",   "train.steps=1",  "train.global_batch=1"};
    int given = 7;
    for (int i = 0; i < count; i++) sets[given++] = more[i];
    FILE *ini = fopen(in_folder("c.ini"), "w");
    assert_true(ini && fputs("[parallel]\ndata = ddp\n", ini) >= 0 && fclose(ini) == 0);
    RunOptions options = {.config = in_folder("c.ini"),
                          .output = in_folder("run.h5"),
                          .sets = sets,
                          .set_count = given,
                          .force = true,
                          .command_line = "sim"};
    Error error = {""};
    look = seconds;
    char aside[4096];
    const Heard h = hear(STDOUT_FILENO), e = hear(STDERR_FILENO);
    const bool ran = virtual_run(1, train, &options, &error);
    heard(e, aside, sizeof aside); /* its report, which is read from the file */
    heard(h, said, size);
    look = 0;
    if (!ran) fail_msg("%s", error.text);
}

static void assert_shown(const char *said, const char *line)
{
    if (!strstr(said, line)) fail_msg("'%s' is not in:\n%s", line, said);
}

/* All that a run does before its steps and after them, beyond what it prints anyhow. */
static void a_run_shows_what_takes_long(void **state)
{
    (void)state;
    char said[1 << 14], sets[3][FOLDER + 64];
    snprintf(sets[0], sizeof sets[0], "output.weights=%s", in_folder("w.h5"));
    snprintf(sets[1], sizeof sets[1], "output.gradients=%s", in_folder("g.h5"));
    snprintf(sets[2], sizeof sets[2], "model.init=%s", in_folder("w.h5"));
    const char *const first[] = {sets[0]}, *const second[] = {sets[1], sets[2]};
    static const char *const none[] = {" drawn", " table of ", " written", " read", "checked"};
    run(NULL, 0, 0, said, sizeof said);
    for (int i = 0; i < 5; i++)
        if (strstr(said, none[i])) fail_msg("'%s' is in:\n%s", none[i], said);
    run(first, 1, 1, said, sizeof said);
    assert_shown(said, "weights of 5 of 5 layers drawn   0 s left\n");
    assert_shown(said, "\n  50 % of the table of 200000 tokens made");
    assert_shown(said, "\n  100 % of the table of 200000 tokens made   0 s left\n");
    assert_shown(said, "tensors written   0 s left\n");
    assert_shown(said, "/run.h5: ");
    assert_shown(said, "B checked   0 s left\n");
    assert_null(strstr(said, " 0 of 0 ")); /* small as it is */
    run(second, 2, 1, said, sizeof said);
    assert_shown(said, "tensors checked   0 s left\n");
    assert_shown(said, "tensors read   0 s left\n");
    assert_shown(said, "tensors written   0 s left\n");
}

/* Beside what is printed, of which a program may make something. */
static void reading_shows_beside_what_is_printed(void **state)
{
    (void)state;
    char out[4096], aside[4096];
    Error error = {""};
    for (int slow = 0; slow < 2; slow++) {
        const Heard a = hear(STDOUT_FILENO), b = hear(STDERR_FILENO);
        look = slow;
        RunFile *file = run_file_open(in_folder("run.h5"), &error);
        look = 0;
        heard(b, aside, sizeof aside);
        heard(a, out, sizeof out);
        if (!file) fail_msg("%s", error.text);
        run_file_close(file);
        assert_string_equal(out, "");
        if (!slow) assert_string_equal(aside, "");
    }
    assert_shown(aside, "/run.h5: ");
    assert_shown(aside, "B checked   0 s left\n");
}

/* Many small files take long, too: those of a folder, and the runs in them. */
static void many_files_show(void **state)
{
    (void)state;
    enum { FILES = 5 };
    char out[1 << 14], aside[1 << 14], name[16], *words[] = {"report", "--csv", folder};
    Error error;
    for (int i = 0; i < FILES; i++) {
        snprintf(name, sizeof name, "%d.h5", i);
        if (!files_copy(in_folder("run.h5"), in_folder(name), &error)) fail_msg("%s", error.text);
    }
    const Heard a = hear(STDOUT_FILENO), b = hear(STDERR_FILENO);
    look = 0.5;
    const int status = report_command(3, words);
    look = 0;
    heard(b, aside, sizeof aside);
    heard(a, out, sizeof out);
    assert_int_equal(status, STATUS_OK);
    assert_shown(aside, " files of the folder looked at   0 s left\n");
    assert_shown(aside, " runs read   0 s left\n");
    assert_int_equal(strncmp(out, "run,", 4), 0);
    assert_null(strstr(out, " left"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(short_work_is_quiet),
                                       cmocka_unit_test(long_work_shows),
                                       cmocka_unit_test(no_log_is_silent_for_long),
                                       cmocka_unit_test(a_walk_ends_at_its_total),
                                       cmocka_unit_test(a_run_shows_what_takes_long),
                                       cmocka_unit_test(reading_shows_beside_what_is_printed),
                                       cmocka_unit_test(many_files_show)};
    if (folder_make(folder)) return 1;
    int failed = cmocka_run_group_tests_name("progress", tests, NULL, NULL);
    return folder_remove(folder) ? 1 : failed;
}
