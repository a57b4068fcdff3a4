/* page.c - reads what the page tells of the runs, and puts its file in place. */
#include "sim/page/page.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/base/draft.h"
#include "sim/base/mark.h"
#include "sim/base/words.h"
#include "sim/config/rows.h"
#include "sim/file/run_file.h"
#include "sim/page/document.h"
#include "sim/report/compare.h"
#include "sim/report/report.h"

/* ---- reading ---- */

static void read_config(RunTable *t, size_t i, const RunFile *run)
{
    for (int k = 0; k < CONFIG_ROWS; k++) {
        char key[64], value[CONFIG_VALUE];
        snprintf(key, sizeof key, "%s.%s", config_row_at(k)->section, config_row_at(k)->key);
        /* the keys of machines are there with one alone */
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

/* ---- the file ---- */

typedef struct Written {
    const Page *page;
    const Contents *contents;
} Written;

static void write_document(FILE *out, const void *written)
{
    const Written *w = written;
    document_write(out, w->page, w->contents);
}

static bool write_file(const Page *page, const Contents *c, Error *error)
{
    Draft draft;
    char *path = allocate(strlen(page->folder) + sizeof "/index.html");
    const char *slash = page->folder[strlen(page->folder) - 1] == '/' ? "" : "/";
    sprintf(path, "%s%sindex.html", page->folder, slash);
    bool good = draft_begin(&draft, path, error);
    if (good) {
        good =
            draft_fill(&draft, write_document, &(Written){page, c}, error) && mark_and_place(&draft, error);
        char *shown = words_shown(draft.path);
        if (good) mark_tell("page", &draft);
        if (good) printf("%-19s %s\n", "page", shown);
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
