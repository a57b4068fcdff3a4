/* page.h - index.html: the charts of a folder with the report's tables, for a browser. */
#ifndef SIM_PAGE_PAGE_H
#define SIM_PAGE_PAGE_H
#include <stdbool.h>
#include "models/machine/error.h"
#include "sim/page/document.h"

/* Writes the page in place of an earlier one, and says so in a line on stdout; a file of that name that is no page as
 * sim wrote it is kept as index.1.html. Names and texts of files show as they are, whatever they hold. */
bool page_write(const Page *page, Error *error);
#endif
