/* page.h - index.html: the charts of a folder with the report's tables, for a browser. */
#ifndef SIM_PAGE_PAGE_H
#define SIM_PAGE_PAGE_H
#include <stdbool.h>
#include <stddef.h>
#include "models/machine/error.h"

typedef struct PageChart {
    const char *name, *what; /* of its files; what it shows, in a line */
    bool asked, drawn;
    const char *why; /* why it was asked for and is not drawn, or which runs it leaves out; "" */
} PageChart;

typedef struct Page {
    const char *folder;       /* where the charts are and the page goes */
    const char *const *path;  /* [runs] of their files */
    const char *const *label; /* [runs] what the charts call them */
    size_t runs;
    const PageChart *chart; /* [charts] */
    size_t charts;
    const char *const *format; /* "png", "svg", "pdf": each chart that is drawn has these, up to NULL */
} Page;

/* Writes the page in place of an earlier one, and says so in a line on stdout; a file of that name that is no such
 * page is kept as index.1.html. Names and texts of files show as they are, whatever they hold. */
bool page_write(const Page *page, Error *error);
#endif
