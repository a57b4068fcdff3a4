/* document.h - the page's HTML. */
#ifndef SIM_PAGE_DOCUMENT_H
#define SIM_PAGE_DOCUMENT_H
#include <stdio.h>
#include "sim/page/page.h"
#include "sim/report/sheet.h"
#include "sim/report/table.h"

/* What the reports say of the runs. */
typedef struct Contents {
    Sheet *sheet; /* [runs] */
    RunTable figures, config;
} Contents;

/* Stands near the beginning of every page, and of nothing else. */
extern const char document_mark[];

void document_write(FILE *out, const Page *page, const Contents *contents);
#endif
