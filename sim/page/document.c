/* document.c - what stands on the page, and in which order. */
#include "sim/page/document.h"
#include <stdlib.h>
#include <string.h>
#include "sim/base/version.h"
#include "sim/base/words.h"
#include "sim/config/rows.h"
#include "sim/page/html.h"
#include "sim/page/picture.h"

/* ---- the head ---- */

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
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\" />\n<meta name=\"generator\" "
          "content=\"sim plot " SIM_VERSION
          "\" />\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\" />\n<title>",
          out);
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
    const char *note = run_table_note(&c->figures, 0, c->figures.runs);
    if (*note) fprintf(out, "<p>%s</p>\n", note);
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

void document_write(FILE *out, const Page *page, const Contents *c)
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
