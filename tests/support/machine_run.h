/* machine_run.h - the file of a dry run on a machine, whose seconds and bytes a test chooses. */
#ifndef TESTS_SUPPORT_MACHINE_RUN_H
#define TESTS_SUPPORT_MACHINE_RUN_H
#include "sim/config/config.h"

/* Its kernels: matmul of 1e7 operations and 1e4 bytes in 16 s, whose products are 11010048 operations, and softmax of 600
 * and 300 in 4 s. Three quarters of the step computing, the rest waiting for replicas, and an eighth beside.
 * One step of so many seconds on so many ranks, of which rank r holds bytes[r] at most; the memory of its categories is
 * what the formulas say. `text`: of a config with hardware.profile = slow.ini (config_text.h), and one --set or NULL. */
void machine_run(const char *path, const char *text, const char *set, int ranks, double seconds,
                 const double *bytes);
#endif
