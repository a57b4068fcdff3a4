/* page.c - what stands on the page, and in which order. */
#include "sim/page/page.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "sim/base/draft.h"
#include "sim/base/posix.h"
#include "sim/base/version.h"
#include "sim/base/words.h"
#include "sim/config/rows.h"
#include "sim/file/run_file.h"
#include "sim/page/html.h"
#include "sim/page/picture.h"
#include "sim/report/compare.h"
#include "sim/report/report.h"

/* What the reports say of the runs. */
typedef struct Contents {
    Sheet *sheet; /* [runs] */
    RunTable figures, config;
} Contents;

/* ---- reading ---- */

static void read_config(RunTable *t, size_t i, const RunFile *run)
{
    for (int k = 0; k < CONFIG_ROWS; k++) {
        char key[64], value[CONFIG_VALUE];
        snprintf(key, sizeof key, "%s.%s", config_rows[k].section, config_rows[k].key);
        /* a file of an older sim lacks some */
        if (run_file_config(run, key, value, sizeof value)) run_table_text(t, i, key, value);
    }
}

static bool read_run(Contents *c, size_t i, const char *path, Error *error)
{
    RunFile *run = run_file_open(path, error);
    const bool read =
        run && report_read(run, &c->sheet[i], error) && compare_read(&c->figures, i, run, error);
    if (read) read_config(&c->config, i, run);
    run_file_close(run);
    return read;
}

static bool read_contents(Contents *c, const Page *page, Error *error)
{
    *c = (Contents){.sheet = allocate_zeroed(page->runs, sizeof *c->sheet),
                    .figures.runs = page->runs,
                    .config.runs = page->runs};
    for (size_t i = 0; i < page->runs; i++)
        if (!read_run(c, i, page->path[i], error)) return false;
    return true;
}

static void free_contents(Contents *c, size_t runs)
{
    for (size_t i = 0; i < runs; i++) sheet_free(&c->sheet[i]);
    free(c->sheet);
    run_table_free(&c->figures);
    run_table_free(&c->config);
}

/* ---- the head ---- */

static const char mark[] = "<meta name=\"generator\" content=\"sim plot ";

static const char style[] =
    ":root { color-scheme: light dark; --ink: #222; --soft: #595959; --line: #ddd; --paper: #fff; --link: "
    "#1a56a8 }\n"
    "@media (prefers-color-scheme: dark) {\n"
    "  :root { --ink: #e4e4e4; --soft: #ababab; --line: #444; --paper: #17191c; --link: #8ab4f8 }\n"
    "}\n"
    "body { margin: 2rem auto; max-width: 76rem; padding: 0 1rem; font: 16px/1.5 Arial, sans-serif;\n"
    "  color: var(--ink); background: var(--paper); overflow-wrap: anywhere }\n"
    "a { color: var(--link) }\n"
    "figure { margin: 1.5rem 0 2.5rem }\n"
    "figcaption { color: var(--soft); margin-top: 0.4rem }\n"
    "img { display: block; max-width: 100%; height: auto; background: #fff; border-radius: 4px }\n"
    ".wide { overflow-x: auto; margin: 1rem 0 }\n"
    "table { border-spacing: 0; font-size: 0.9rem; font-variant-numeric: tabular-nums }\n"
    "th, td { text-align: left; vertical-align: top; padding: 0.2rem 1.5rem 0.2rem 0; border-bottom: 1px "
    "solid var(--line) }\n"
    "th[scope=row] { font-weight: normal; color: var(--soft); white-space: nowrap }\n"
    ".runs td { white-space: nowrap }\n"
    ".runs th[scope=row] { position: sticky; left: 0; background: var(--paper) }\n"
    ".config { columns: 22rem }\n"
    ".config table { break-inside: avoid; margin-bottom: 1rem }\n"
    "summary { cursor: pointer; padding: 0.3rem 0 }\n";

/* "zero3", "dp, ddp, zero1 and 2 more" */
static void name_runs(const Page *page, char *name, size_t size)
{
    enum { NAMED = 3 };
    name[0] = '\0';
    for (size_t i = 0; i < page->runs && i < NAMED; i++)
        words_append(name, size, "%s%s", i ? ", " : "", page->label[i]);
    if (page->runs > NAMED) words_append(name, size, " and %zu more", page->runs - NAMED);
}

static void write_head(FILE *out, const char *name)
{
    fprintf(out,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\" />\n%s" SIM_VERSION
            "\" />\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\" />\n<title>",
            mark);
    html_text(out, name);
    fprintf(out, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<h1>", style);
    html_text(out, name);
    fputs("</h1>\n", out);
}

/* ---- charts ---- */

/* Of the formats that were drawn the one that a page shows; NULL: none. */
static const char *shown_format(const Page *page)
{
    const char *shown = NULL;
    for (int f = 0; page->format[f]; f++)
        if (!strcmp(page->format[f], "svg") || (!shown && !strcmp(page->format[f], "png")))
            shown = page->format[f];
    return shown;
}

static void write_picture(FILE *out, const Page *page, const PageChart *chart, const char *name,
                          const char *format)
{
    char *path = allocate(strlen(page->folder) + strlen(chart->name) + 16);
    int width, height;
    sprintf(path, "%s/%s.%s", page->folder, chart->name, format);
    fprintf(out, "<a href=\"%s.%s\"><img src=\"%s.%s\" ", chart->name, format, chart->name, format);
    if (picture_size(path, &width, &height)) fprintf(out, "width=\"%d\" height=\"%d\" ", width, height);
    fputs("alt=\"", out);
    html_text(out, name);
    fputs(": ", out);
    html_text(out, chart->what);
    fputs("\" /></a>\n", out);
    free(path);
}

static void write_chart(FILE *out, const Page *page, const PageChart *chart, const char *name)
{
    const char *format = shown_format(page);
    fprintf(out, "<figure id=\"%s\">\n", chart->name);
    if (format) write_picture(out, page, chart, name, format);
    fprintf(out, "<figcaption><strong>%s</strong>: ", chart->name);
    html_text(out, chart->what);
    if (chart->why[0]) fputs(". Left out: ", out);
    html_text(out, chart->why);
    fputs(". As ", out);
    for (int f = 0; page->format[f]; f++)
        fprintf(out, "<a href=\"%s.%s\">%s</a>, ", chart->name, page->format[f], page->format[f]);
    fprintf(out, "<a href=\"%s.gp\">gnuplot script</a>.</figcaption>\n</figure>\n", chart->name);
}

/* Those that are not on the page. */
static void write_missing(FILE *out, const Page *page)
{
    const char *before = "<p>Not asked for: ";
    for (size_t i = 0; i < page->charts; i++) {
        const PageChart *chart = &page->chart[i];
        if (!chart->asked || chart->drawn || !chart->why[0]) continue;
        fprintf(out, "<p>%s is not drawn: ", chart->name);
        html_text(out, chart->why);
        fputs("</p>\n", out);
    }
    for (size_t i = 0; i < page->charts; i++) {
        if (page->chart[i].asked) continue;
        fprintf(out, "%s%s", before, page->chart[i].name);
        before = ", ";
    }
    if (*before == ',') fputs("</p>\n", out);
}

static void write_charts(FILE *out, const Page *page, const char *name)
{
    bool any = false;
    for (size_t i = 0; i < page->charts; i++) any = any || page->chart[i].drawn;
    fputs("<h2>Charts</h2>\n", out);
    if (any && !shown_format(page))
        fputs("<p>Only PDFs were drawn, which do not show on a page: open them one by one.</p>\n", out);
    for (size_t i = 0; i < page->charts; i++)
        if (page->chart[i].drawn) write_chart(out, page, &page->chart[i], name);
    write_missing(out, page);
}

/* ---- runs ---- */

/* One run's, a table a section. */
static void write_config(FILE *out, const RunTable *config, size_t run)
{
    fputs("<div class=\"config\">\n", out);
    for (int s = 0; s < CONFIG_SECTIONS; s++) {
        const char *section = config_sections[s].name;
        const size_t length = strlen(section);
        fprintf(out, "<table><tr><th scope=\"col\">[%s]</th><td></td></tr>\n", section);
        for (size_t i = 0; i < config->lines; i++) {
            const Line *line = &config->line[i];
            if (strncmp(line->key, section, length) != 0 || line->key[length] != '.' || !line->text[run])
                continue;
            fprintf(out, "<tr><th scope=\"row\">%s</th><td>", line->key + length + 1);
            html_text(out, line->text[run]);
            fputs("</td></tr>\n", out);
        }
        fputs("</table>\n", out);
    }
    fputs("</div>\n", out);
}

static bool differs(const RunTable *t, const Line *line)
{
    for (size_t r = 1; r < t->runs; r++) {
        const char *first = line->text[0], *other = line->text[r];
        if (!first != !other || (first && strcmp(first, other) != 0)) return true;
    }
    return false;
}

static void write_comparison(FILE *out, const Page *page, const Contents *c)
{
    fputs("<h2>Figures</h2>\n", out);
    html_runs(out, &c->figures, page->label, run_table_says);
    fputs("<h2>What the configs differ in</h2>\n", out);
    html_runs(out, &c->config, page->label, differs);
    fputs("<h2>Runs</h2>\n", out);
    for (size_t i = 0; i < page->runs; i++) {
        fputs("<details>\n<summary>", out);
        html_text(out, page->label[i]);
        fputs("</summary>\n", out);
        html_title(out, &c->sheet[i]);
        html_facts(out, &c->sheet[i]);
        html_tables(out, &c->sheet[i]);
        write_config(out, &c->config, i);
        fputs("</details>\n", out);
    }
}

static void write_page(FILE *out, const Page *page, const Contents *c)
{
    char name[512];
    name_runs(page, name, sizeof name);
    write_head(out, name);
    if (page->runs == 1) {
        html_title(out, &c->sheet[0]);
        html_facts(out, &c->sheet[0]);
    }
    write_charts(out, page, name);
    if (page->runs == 1) {
        fputs("<h2>Report</h2>\n", out);
        html_tables(out, &c->sheet[0]);
        fputs("<h2>Config</h2>\n", out);
        write_config(out, &c->config, 0);
    } else
        write_comparison(out, page, c);
    fputs("</body>\n</html>\n", out);
}

/* ---- the file ---- */

static bool is_page(const char *path)
{
    char head[512];
    FILE *in = files_open(path);
    const size_t got = in ? fread(head, 1, sizeof head, in) : 0;
    if (in) fclose(in);
    return memmem(head, got, mark, sizeof mark - 1) != NULL;
}

/* Pages of other calls, earlier or at the same time, make room; what else is there is kept. */
static bool put_in_place(Draft *draft, Error *error)
{
    struct stat there;
    const bool taken = !lstat(draft->path, &there) && !is_page(draft->path);
    return !taken ? draft_replace(draft, error) : draft_place(draft, is_page, error);
}

static bool write_draft(const Draft *draft, const Page *page, const Contents *c, Error *error)
{
    FILE *out = fdopen(draft_hold(draft), "w");
    if (!out) return files_refuse(draft->path, "write", errno, error);
    write_page(out, page, c);
    bool whole = !fflush(out) && !ferror(out);
    int number = errno;
    if (fclose(out) && whole) {
        whole = false;
        number = errno;
    }
    return whole || files_refuse(draft->path, "write", number, error);
}

static bool write_file(const Page *page, const Contents *c, Error *error)
{
    Draft draft;
    char *path = allocate(strlen(page->folder) + sizeof "/index.html");
    const char *slash = page->folder[strlen(page->folder) - 1] == '/' ? "" : "/";
    sprintf(path, "%s%sindex.html", page->folder, slash);
    bool good = draft_begin(&draft, path, error);
    if (good) {
        good = write_draft(&draft, page, c, error) && put_in_place(&draft, error);
        char *shown = words_line(draft.path), *kept = words_line(draft.kept ? draft.kept : "");
        if (good && *kept)
            printf("%-19s %s; the file of that name, which is none of sim's, is %s now\n", "page", shown,
                   kept);
        else if (good)
            printf("%-19s %s\n", "page", shown);
        free(kept);
        free(shown);
        draft_end(&draft);
    }
    free(path);
    return good;
}

bool page_write(const Page *page, Error *error)
{
    Contents contents;
    const bool good = read_contents(&contents, page, error) && write_file(page, &contents, error);
    free_contents(&contents, page->runs);
    return good;
}
