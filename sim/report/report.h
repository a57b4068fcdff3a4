/* report.h - what a run file says, in a screen of text. */
#ifndef SIM_REPORT_REPORT_H
#define SIM_REPORT_REPORT_H
#include <stdbool.h>
#include "models/machine/error.h"

/* Prints loss, bytes and memory beside their formulas, and what to do next. */
bool report_run(const char *path, Error *error);
#endif
