/* quoted.h - the report's part on the memory formulas that people quote. */
#ifndef SIM_REPORT_QUOTED_H
#define SIM_REPORT_QUOTED_H
#include "sim/file/h5.h"

/* Of a run in 16 bits, which those formulas are about; nothing of others. `ranks` as the file has it. */
void report_quoted(H5 *file, int ranks);
#endif
