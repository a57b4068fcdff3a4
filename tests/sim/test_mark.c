/* test_mark.c - files that tell whether they are as sim wrote them, and what sim does with those that are not. */
#include "sim/base/mark.h"
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "sim/plot/draw.h"
#include "tests/support/check.h"
#include "tests/support/plot_place.h"
#include "tests/support/sample_run.h"

enum { MOST = 1 << 16 };
static const char png_end[] = "\0\0\0\0IEND\xae\x42\x60\x82";

typedef struct Bytes {
    char at[MOST];
    size_t count;
} Bytes;

static Bytes bytes_of(const char *path)
{
    static Bytes b;
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    b.count = fread(b.at, 1, MOST, in);
    assert_true(b.count < MOST);
    fclose(in);
    return b;
}

static void write_bytes(const char *path, const void *bytes, size_t count)
{
    FILE *out = fopen(path, "wb");
    assert_true(out && fwrite(bytes, 1, count, out) == count && fclose(out) == 0);
}

static void write_words(const char *path, const char *words)
{
    write_bytes(path, words, strlen(words));
}

static void assert_is(const char *path, const char *words)
{
    const Bytes b = bytes_of(path);
    assert_int_equal(b.count, strlen(words));
    assert_memory_equal(b.at, words, b.count);
}

/* ---- the mark ---- */

static void place_marked(const char *path, const char *bytes, size_t count)
{
    Draft draft;
    Error error = {""};
    if (!draft_begin(&draft, path, &error)) fail_msg("%s", error.text);
    assert_int_equal(write(draft.file, bytes, count), count);
    if (!mark_and_place(&draft, &error)) fail_msg("%s", error.text);
    draft_end(&draft);
}

/* Whatever is changed, added or cut off, in the text or in the mark. */
static void test_any_change(void **state)
{
    PlotPlace *place = *state;
    static const char *const names[] = {"a.gp", "a.svg", "a.html", "a.pdf", "a.png"};
    char text[100] = "some\ntext\n";
    memcpy(text + 10, png_end, sizeof png_end);
    for (int k = 0; k < 5; k++) {
        const char *path = in_folder(place, names[k]);
        place_marked(path, text, k == 4 ? 22 : 10);
        assert_true(mark_holds(path));
        Bytes whole = bytes_of(path);
        assert_memory_equal(whole.at, text, 10);
        for (size_t i = 0; i < whole.count; i += 7) {
            whole.at[i] ^= 1;
            write_bytes(path, whole.at, whole.count);
            assert_false(mark_holds(path));
            whole.at[i] ^= 1;
            write_bytes(path, whole.at, i);
            assert_false(mark_holds(path));
        }
        whole.at[whole.count] = '\n';
        write_bytes(path, whole.at, whole.count + 1);
        assert_false(mark_holds(path));
        write_bytes(path, whole.at, whole.count);
        assert_true(mark_holds(path));
    }
    assert_false(mark_holds(in_folder(place, "none.gp")));
    assert_false(mark_holds(place->folder));
}

static uint32_t check_of(const unsigned char *at, size_t count)
{
    uint32_t rest = ~0u;
    for (size_t i = 0; i < 8 * count; i++) {
        const uint32_t low = (rest ^ at[i / 8] >> i % 8) & 1;
        rest = rest >> 1 ^ low * 0xedb88320u;
    }
    return ~rest;
}

static uint32_t number(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* The picture that gnuplot draws, with the mark in a chunk as the others are. */
static void test_chunks(void **state)
{
    PlotPlace *place = *state;
    sample_run(in_folder(place, "run.h5"), true);
    assert_int_equal(PLOT(place, in_folder(place, "run.h5"), "--charts=memory", "--format=png,pdf"), 0);
    assert_true(mark_holds(in_folder(place, "run-charts/memory.pdf")));
    const char *path = in_folder(place, "run-charts/memory.png");
    assert_true(mark_holds(path));
    static unsigned char png[1 << 20];
    FILE *in = fopen(path, "rb");
    const size_t count = fread(png, 1, sizeof png, in);
    fclose(in);
    int comments = 0, chunks = 0;
    size_t at = 8;
    for (; at + 12 <= count; chunks++) {
        const uint32_t length = number(png + at);
        assert_true(at + 12 + length <= count);
        assert_int_equal(check_of(png + at + 4, length + 4), number(png + at + 8 + length));
        if (!memcmp(png + at + 4, "tEXtComment", 12)) comments++;
        at += 12 + length;
    }
    assert_int_equal(at, count);
    assert_int_equal(comments, 1);
    assert_true(chunks > 3 && !memcmp(png + count - 8, "IEND", 4));
}

/* ---- what sim plot does by it ---- */

static int plot_sample(PlotPlace *place)
{
    return PLOT(place, in_folder(place, "run.h5"), "--out", place->folder, "--charts=loss,memory",
                "--format=png,svg,pdf");
}

/* Drawn again, also from another run, sim's own files go, without a word. */
static void test_own_go(void **state)
{
    PlotPlace *place = *state;
    sample_run(in_folder(place, "run.h5"), true);
    sample_run(in_folder(place, "other.h5"), false);
    assert_int_equal(PLOT(place, in_folder(place, "other.h5"), "--out", place->folder, "--charts=loss",
                          "--format=png,svg,pdf"),
                     0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(plot_sample(place), 0);
        assert_null(strstr(place->said, "was not as sim wrote it"));
    }
    static const char *const names[] = {"loss.1.gp", "loss.1.png", "loss.1.svg", "loss.1.pdf",
                                        "index.1.html"};
    for (int i = 0; i < 5; i++) assert_false(folder_has(place->folder, names[i]));
}

/* What was edited, or is another's, is kept; only that. */
static void test_others_stay(void **state)
{
    PlotPlace *place = *state;
    static const char *const mine[] = {"memory.png", "memory.svg", "loss.pdf"};
    char path[256], says[512];
    sample_run(in_folder(place, "run.h5"), true);
    for (int i = 0; i < 3; i++) write_words(in_folder(place, mine[i]), "my picture");
    assert_int_equal(plot_sample(place), 0);
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%.*s.1%s", (int)(strchr(mine[i], '.') - mine[i]), mine[i],
                 strchr(mine[i], '.'));
        snprintf(says, sizeof says, "/%s was not as sim wrote it; that file is %s/%s now\n", mine[i],
                 place->folder, path);
        assert_says(place->said, says);
        assert_is(in_folder(place, path), "my picture");
        assert_true(mark_holds(in_folder(place, mine[i])));
    }
    assert_false(folder_has(place->folder, "memory.1.pdf"));
    assert_false(folder_has(place->folder, "loss.1.png"));

    /* a script and a page with one word more, twice */
    for (int n = 1; n <= 2; n++) {
        static const char *const edited[] = {"loss", "gp", "index", "html"};
        char now[2][256];
        for (int e = 0; e < 2; e++) {
            snprintf(now[e], sizeof now[e], "%s/%s.%s", place->folder, edited[2 * e], edited[2 * e + 1]);
            FILE *more = fopen(now[e], "r+");
            assert_true(more && fputs("MINE", more) >= 0 && fclose(more) == 0);
        }
        assert_int_equal(plot_sample(place), 0);
        for (int e = 0; e < 2; e++) {
            snprintf(path, sizeof path, "%s/%s.%d.%s", place->folder, edited[2 * e], n, edited[2 * e + 1]);
            assert_file_says(path, "MINE");
            assert_says(place->said, path);
            assert_true(mark_holds(now[e]));
        }
    }
    assert_false(folder_has(place->folder, "memory.1.gp"));
    assert_false(folder_has(place->folder, "memory.2.png"));
}

/* A picture that someone drew again from the script, which holds as much as theirs. */
static void test_drawn_by_hand(void **state)
{
    PlotPlace *place = *state;
    char draw[256];
    sample_run(in_folder(place, "run.h5"), true);
    for (int i = 0; i < 2; i++)
        assert_int_equal(
            PLOT(place, in_folder(place, "run.h5"), "--out", place->folder, "--charts=loss", "--format=svg"),
            0);
    assert_false(folder_has(place->folder, "loss.1.svg"));
    snprintf(draw, sizeof draw, "cd %s && gnuplot -d -e \"fmt='svg'\" loss.gp", place->folder);
    assert_int_equal(system(draw), 0);
    assert_int_equal(
        PLOT(place, in_folder(place, "run.h5"), "--out", place->folder, "--charts=loss", "--format=svg"), 0);
    assert_says(place->said, "/loss.1.svg now\n");
    assert_false(mark_holds(in_folder(place, "loss.1.svg")));
    assert_true(mark_holds(in_folder(place, "loss.svg")));
    assert_false(folder_has(place->folder, "loss.1.gp"));
}

/* Of calls at once one keeps what was there, and none keeps another's. */
static void test_at_once(void **state)
{
    enum { CALLS = 3 };
    PlotPlace *place = *state;
    pid_t call[CALLS];
    sample_run(in_folder(place, "run.h5"), true);
    write_words(in_folder(place, "loss.png"), "my picture");
    write_words(in_folder(place, "loss.gp"), "my script");
    for (int i = 0; i < CALLS; i++)
        if ((call[i] = fork()) == 0) {
            int status = 0;
            for (int again = 0; again < 2 && !status; again++) status = plot_sample(place);
            _exit(status);
        }
    for (int i = 0; i < CALLS; i++) {
        int status;
        assert_int_equal(waitpid(call[i], &status, 0), call[i]);
        assert_int_equal(status, 0);
    }
    assert_is(in_folder(place, "loss.1.png"), "my picture");
    assert_is(in_folder(place, "loss.1.gp"), "my script");
    assert_true(mark_holds(in_folder(place, "loss.png")) && mark_holds(in_folder(place, "loss.gp")));
    static const char *const none[] = {"loss.2.png", "loss.2.gp", "memory.1.gp", "index.1.html"};
    for (int i = 0; i < 4; i++) assert_false(folder_has(place->folder, none[i]));
    assert_false(folder_has_draft(place->folder));
}

/* Whether it is sim's is seen, and at once not so any more: the calls wait for each other. */
static bool seen_slowly(const char *path)
{
    const bool holds = mark_holds(path);
    usleep(30000);
    return holds;
}

static void test_one_after_another(void **state)
{
    enum { CALLS = 3 };
    PlotPlace *place = *state;
    pid_t call[CALLS];
    write_words(in_folder(place, "a.gp"), "my script");
    place_marked(in_folder(place, "b.gp"), "sim's\n", 6);
    assert_int_equal(rename(in_folder(place, "b.gp"), in_folder(place, "sims")), 0);
    const Bytes sims = bytes_of(in_folder(place, "sims"));
    for (int i = 0; i < CALLS; i++)
        if ((call[i] = fork()) == 0) {
            Draft draft;
            Error error;
            bool good = draft_begin(&draft, in_folder(place, "a.gp"), &error) &&
                        write(draft.file, sims.at, sims.count) == (ssize_t)sims.count &&
                        draft_renew(&draft, seen_slowly, &error);
            draft_end(&draft);
            _exit(!good);
        }
    for (int i = 0; i < CALLS; i++) {
        int status;
        assert_int_equal(waitpid(call[i], &status, 0), call[i]);
        assert_int_equal(status, 0);
    }
    assert_is(in_folder(place, "a.1.gp"), "my script");
    assert_true(mark_holds(in_folder(place, "a.gp")));
    assert_false(folder_has(place->folder, "a.2.gp"));
}

/* A disk without room for anything, for all of a script, or for its mark alone: what was there stays. */
static void test_no_room(void **state)
{
    PlotPlace *place = *state;
    const char *path = in_folder(place, "comm.gp");
    char templates[PLOT_PATH];
    Error error = {""};
    struct rlimit before, small;
    assert_true(plot_find_templates(place->program, templates, &error));
    assert_true(plot_write_script(templates, "comm", "X = 1\n", place->folder, &error));
    const size_t script = bytes_of(path).count;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_IGN);
    const rlim_t rooms[] = {0, 1000, script - 2};
    write_words(path, "my script");
    for (int i = 0; i < 3; i++) {
        small = before;
        small.rlim_cur = rooms[i];
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        const bool written = plot_write_script(templates, "comm", "X = 1\n", place->folder, &error);
        setrlimit(RLIMIT_FSIZE, &before);
        assert_false(written);
        assert_says(error.text, "/comm.gp: cannot write: ");
        assert_is(path, "my script");
        assert_false(folder_has_draft(place->folder));
        assert_false(folder_has(place->folder, "comm.1.gp"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_any_change, plot_setup_undrawn, plot_teardown),
        cmocka_unit_test_setup_teardown(test_chunks, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(test_own_go, plot_setup_undrawn, plot_teardown),
        cmocka_unit_test_setup_teardown(test_others_stay, plot_setup_undrawn, plot_teardown),
        cmocka_unit_test_setup_teardown(test_drawn_by_hand, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(test_at_once, plot_setup_undrawn, plot_teardown),
        cmocka_unit_test_setup_teardown(test_one_after_another, plot_setup_undrawn, plot_teardown),
        cmocka_unit_test_setup_teardown(test_no_room, plot_setup_undrawn, plot_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
