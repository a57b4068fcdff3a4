/* quoted.h - the report's part on the memory formulas that people quote. */
#ifndef SIM_REPORT_QUOTED_H
#define SIM_REPORT_QUOTED_H
#include "sim/file/run_file.h"
#include "sim/report/sheet.h"

/* Of a run in 16 bits, which those formulas are about; nothing of others. */
void report_quoted(const RunFile *run, Sheet *sheet);
#endif
