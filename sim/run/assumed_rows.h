/* assumed_rows.h - the rows of experts that a run recorded (/moe/rows), for a dry run that is to be the same. */
#ifndef SIM_RUN_ASSUMED_ROWS_H
#define SIM_RUN_ASSUMED_ROWS_H
#include "sim/config/config.h"
#include "sim/file/run_file.h"

typedef struct AssumedLoad {
    int64_t *load; /* (L, E), as GptPass.load; NULL: it is even, or */
    int32_t
        *rows; /* (microbatches, dp, L, E): those that experts took of each replica's; NULL: none are given */
    double *chosen; /* (L, E), beside rows: choices of the step, those that were dropped, too */
} AssumedLoad;

/* Whether the file has any, and its steps are cut into the same microbatches, of which experts take as many: whatever the
 * grid beside its replicas, and the schedule. */
bool assumed_rows_fit(const Config *config, int ranks, const RunFile *run);
/* Of such a file the `row`-th step's, whose loads are `load` [layer][expert]. False where they are not what experts can take
 * of what was chosen. */
bool assumed_rows(const Config *config, const RunFile *run, size_t row, const double *load,
                  AssumedLoad *assumed, Error *error);
#endif
