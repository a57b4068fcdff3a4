/* experts.h - of a model with experts, how even their load is and what keeps it so. */
#ifndef SIM_REPORT_EXPERTS_H
#define SIM_REPORT_EXPERTS_H
#include "sim/file/run_file.h"
#include "sim/report/sheet.h"

/* Nothing of a run without experts. */
bool report_experts(const RunFile *run, Sheet *sheet, Error *error);
#endif
