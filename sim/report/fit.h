/* fit.h - the report's line on whether a run fits into the memory of its accelerators, and what would make it fit. */
#ifndef SIM_REPORT_FIT_H
#define SIM_REPORT_FIT_H
#include "sim/file/run_file.h"
#include "sim/report/sheet.h"

/* Nothing of a run on no machine. */
bool report_fit(const RunFile *run, Sheet *sheet, Error *error);
#endif
