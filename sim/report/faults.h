/* faults.h - the report's part on [faults]: what they cost. */
#ifndef SIM_REPORT_FAULTS_H
#define SIM_REPORT_FAULTS_H
#include "models/machine/error.h"
#include "sim/file/run_file.h"
#include "sim/report/sheet.h"

/* Of a run that asked for some, with a finished step. What they are, a step's time in those that they hold in and in
 * the others, and what a death loses; */
bool report_faults(const RunFile *run, Sheet *sheet, Error *error);
/* and, of the step whose actions are recorded, who computes and who waits. */
bool report_waiting(const RunFile *run, Sheet *sheet, Error *error);
#endif
