/* run_config.h - the configuration that a run file has, for what is computed from it. */
#ifndef SIM_REPORT_RUN_CONFIG_H
#define SIM_REPORT_RUN_CONFIG_H
#include "sim/config/config.h"
#include "sim/file/run_file.h"

/* NULL when it lacks a key, as one of a sim with other keys may. Names of files are left empty, but for
 * parallel.schedule, data.source and output.checkpoint. */
Config *run_config_new(const RunFile *run);
void run_config_free(Config *config); /* NULL is left alone */
#endif
