/* report.h - what a run file says. */
#ifndef SIM_REPORT_REPORT_H
#define SIM_REPORT_REPORT_H
#include <stdbool.h>
#include "models/machine/error.h"
#include "sim/file/run_file.h"
#include "sim/report/sheet.h"

/* Begins the sheet with what run it is: "zero3.h5: zero3 on 8 ranks, complete". */
void report_title(const RunFile *run, Sheet *sheet);
/* Fills the sheet with that, loss, bytes and memory beside their formulas, bubble and time. */
bool report_read(const RunFile *run, Sheet *sheet, Error *error);
/* Prints that as a screen of text, and what to do next. `own`: this process has written it, just now. */
bool report_run(const char *path, bool own, Error *error);
#endif
