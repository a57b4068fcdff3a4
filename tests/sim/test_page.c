/* test_page.c - index.html beside the charts: an XML parser reads it, what it shows is there, and it says what
 * `sim report` says, whatever the runs are called. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include "sim/page/page.h"
#include "sim/page/picture.h"
#include "sim/report/report_command.h"
#include "tests/support/check.h"
#include "tests/support/markup.h"
#include "tests/support/plot_place.h"
#include "tests/support/sample_run.h"

static const char odd[] = "<b>&\"x%'.h5";

static void is_there(void *folder, const char *name)
{
    if (!folder_has(folder, name)) print_error("%s is not in %s\n", name, (const char *)folder);
    assert_true(folder_has(folder, name));
}

static void counts(void *count, const char *value)
{
    assert_true(value[0]);
    ++*(int *)count;
}

/* The page of a folder, with what every page keeps to; `text` is what it says. Free both. */
static char *page_of(const PlotPlace *place, const char *folder, char **text)
{
    char path[128];
    int pictures = 0, alts = 0;
    snprintf(path, sizeof path, "%s/%s", place->folder, folder);
    assert_true(folder_has(path, "index.html"));
    assert_false(folder_has_draft(path));
    strcat(path, "/index.html");
    char *page = text_of(path);
    *strrchr(path, '/') = '\0';
    *text = markup_text(page);
    markup_each(page, "src", is_there, path);
    markup_each(page, "href", is_there, path);
    markup_each(page, "src", counts, &pictures);
    markup_each(page, "alt", counts, &alts);
    assert_int_equal(pictures, alts);
    assert_null(strstr(page, "<script"));
    assert_null(strstr(page, "://"));
    assert_null(strstr(page, "url("));
    return page;
}

/* Each line that sim report prints of these runs stands in the page, but for how to go on. */
static void assert_tells_report(PlotPlace *place, const char *text, const char *const *words)
{
    char *argv[8] = {(char *)"report"}, *rest;
    int argc = 1, lines = 0;
    for (; words[argc - 1]; argc++) argv[argc] = (char *)words[argc - 1];
    const Capture c = capture();
    assert_int_equal(report_command(argc, argv), 0);
    captured(place, c);
    for (char *line = strtok_r(place->said, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        if (strstr(line, "draw it")) continue;
        assert_says(text, markup_squeeze(line + strspn(line, " ")));
        lines++;
    }
    assert_true(lines > 20);
}
#define TELLS_REPORT(place, text, ...) \
    assert_tells_report(place, text, (const char *const[]){__VA_ARGS__, NULL})

static void test_one_run(void **state)
{
    PlotPlace *place = *state;
    char *text, run[64];
    snprintf(run, sizeof run, "%s", in_folder(place, odd));
    sample_run(run, true);
    assert_int_equal(PLOT(place, run, "--out", in_folder(place, "out")), 0);
    assert_says(place->said, "\npage                /");
    char *page = page_of(place, "out", &text);
    TELLS_REPORT(place, text, run);
    assert_says(page, "<h1>&lt;b&gt;&amp;&quot;x%'</h1>");
    assert_says(page, "alt=\"&lt;b&gt;&amp;&quot;x%': peak bytes by category");
    assert_says(page, "<img src=\"memory.svg\"");
    assert_says(page, "<a href=\"memory.png\">");
    assert_says(text, "activations is not drawn: one run; give several");
    assert_says(text, " [parallel] data zero3 ");
    free(text);
    free(page);
}

static void test_several_runs(void **state)
{
    PlotPlace *place = *state;
    char *text, a[64], b[64];
    snprintf(a, sizeof a, "%s", in_folder(place, "a.h5"));
    snprintf(b, sizeof b, "%s", in_folder(place, odd));
    sample_run(a, true);
    sample_run(b, false);
    assert_int_equal(PLOT(place, a, b, "--out", in_folder(place, "out"), "--charts=memory"), 0);
    char *page = page_of(place, "out", &text);
    TELLS_REPORT(place, text, a, b);
    TELLS_REPORT(place, text, b);
    assert_says(page, "<th scope=\"col\">&lt;b&gt;&amp;&quot;x%'</th>");
    assert_says(text, " What the configs differ in a <b>&\"x%' train.steps 12 24 ");
    assert_says(text, " Not asked for: loss, comm, ");
    free(text);
    free(page);
}

/* A page shows SVGs, or else PNGs, and says where there is neither. */
static void test_formats(void **state)
{
    PlotPlace *place = *state;
    char *text, run[64], out[64];
    snprintf(run, sizeof run, "%s", in_folder(place, "a\xff.h5"));
    snprintf(out, sizeof out, "%s", in_folder(place, "out"));
    sample_run(run, true);
    assert_int_equal(PLOT(place, run, "--out", out, "--charts", "loss", "--format", "png"), 0);
    char *page = page_of(place, "out", &text);
    assert_says(page, "<h1>a?</h1>");
    assert_says(page, "<img src=\"loss.png\"");
    free(text);
    free(page);
    assert_int_equal(PLOT(place, run, "--out", out, "--charts", "loss", "--format", "pdf"), 0);
    page = page_of(place, "out", &text);
    assert_null(strstr(page, "<img"));
    assert_says(page, "<a href=\"loss.pdf\">pdf</a>");
    assert_says(text, " Only PDFs were drawn");
    free(text);
    free(page);
    assert_false(folder_has(place->folder, "out/index.1.html")); /* a page of ours was in its place */
}

/* Nothing of another's is written over. */
static void test_kept(void **state)
{
    PlotPlace *place = *state;
    const char *run = in_folder(place, "run.h5");
    sample_run(run, true);
    FILE *own = fopen(in_folder(place, "index.html"), "w");
    assert_true(own && fputs("my own page\n", own) >= 0 && fclose(own) == 0);
    assert_int_equal(PLOT(place, run, "--out", place->folder, "--charts", "loss"), 0);
    assert_says(place->said, "/index.html was not as sim wrote it; that file is /");
    assert_says(place->said, "/index.1.html now\n");
    assert_file_says(in_folder(place, "index.1.html"), "my own page\n");
    assert_file_says(in_folder(place, "index.html"), "<h1>run</h1>");
}

static void write_bytes(const char *path, const char *bytes, size_t count)
{
    FILE *out = fopen(path, "w");
    assert_true(out && fwrite(bytes, 1, count, out) == count && fclose(out) == 0);
}

static void test_sizes(void **state)
{
    PlotPlace *place = *state;
    static const char png[] = "\x89PNG\r\n\032\n\0\0\0\rIHDR\0\0\004\0\0\0\002\000more",
                      svg[] = "<?xml?>\n<svg\n viewBox=\"0 0 1006 566\"\n>", bare[] = "<svg></svg>";
    int width, height;
    write_bytes(in_folder(place, "a"), png, sizeof png);
    assert_true(picture_size(in_folder(place, "a"), &width, &height) && width == 512 && height == 256);
    write_bytes(in_folder(place, "a"), svg, sizeof svg);
    assert_true(picture_size(in_folder(place, "a"), &width, &height) && width == 1006 && height == 566);
    write_bytes(in_folder(place, "a"), bare, sizeof bare);
    assert_false(picture_size(in_folder(place, "a"), &width, &height));
    assert_false(picture_size(in_folder(place, "b"), &width, &height));
}

/* Where not all of it can be written, the page before stays. */
static void test_no_room(void **state)
{
    PlotPlace *place = *state;
    const char *run = in_folder(place, "run.h5"), *label = "run";
    static const char *const formats[] = {"svg", NULL};
    const Page page = {place->folder, &run, &label, 1, NULL, 0, formats};
    Error error = {""};
    struct rlimit before, small;
    sample_run(run, true);
    const Capture c = capture();
    const bool first_written = page_write(&page, &error);
    captured(place, c);
    assert_true(first_written);
    char *first = text_of(in_folder(place, "index.html"));
    assert_true(strlen(first) > 6000);

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 5000;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    const bool written = page_write(&page, &error);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_false(written);
    assert_says(error.text, "/index.html: cannot write: File too large");
    assert_false(folder_has_draft(place->folder));
    char *second = text_of(in_folder(place, "index.html"));
    assert_string_equal(first, second);
    free(first);
    free(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_run, plot_setup_undrawn, plot_teardown),
        cmocka_unit_test_setup_teardown(test_several_runs, plot_setup_undrawn, plot_teardown),
        cmocka_unit_test_setup_teardown(test_formats, plot_setup_undrawn, plot_teardown),
        cmocka_unit_test_setup_teardown(test_kept, plot_setup_undrawn, plot_teardown),
        cmocka_unit_test_setup_teardown(test_sizes, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(test_no_room, plot_setup, plot_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
