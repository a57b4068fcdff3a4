/* document.h - what the page shows, and its HTML. */
#ifndef SIM_PAGE_DOCUMENT_H
#define SIM_PAGE_DOCUMENT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include "sim/report/sheet.h"
#include "sim/report/table.h"

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

/* What the reports say of the runs. */
typedef struct Contents {
    Sheet *sheet; /* [runs] */
    RunTable figures, config;
} Contents;

void document_write(FILE *out, const Page *page, const Contents *contents);
#endif
