/* taken.h - which rows experts took, where replicas share them, and what the formula needs besides. */
#ifndef SIM_REPORT_TAKEN_H
#define SIM_REPORT_TAKEN_H
#include "parallel/schedule/plan.h"
#include "sim/config/config.h"
#include "sim/file/run_file.h"

typedef struct Taken {
    Config *config; /* NULL: rows do not go from rank to rank */
    Plan plan;
    bool known; /* the file has which rows, and which layers each rank has */
} Taken;

Taken taken_known(const RunFile *run);
void taken_free(Taken *taken);
/* Where it is known: those of a step, which is that row of the file, as theory_dispatched() takes them; malloc'd. NULL when
 * they cannot be read. */
int32_t *taken_in(const RunFile *run, size_t step, Error *error);
#endif
