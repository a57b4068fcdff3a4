/* cache.h - the report's line on what inference would keep. */
#ifndef SIM_REPORT_CACHE_H
#define SIM_REPORT_CACHE_H
#include "sim/file/run_file.h"
#include "sim/report/sheet.h"

/* Of latent attention, beside what heads with keys and values of their own would; nothing of others. */
void report_cache(const RunFile *run, Sheet *sheet);
#endif
