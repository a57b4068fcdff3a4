/* step_record.h - what each rank tells rank 0 after a step. */
#ifndef SIM_FILE_STEP_RECORD_H
#define SIM_FILE_STEP_RECORD_H
#include <stdint.h>
#include "models/machine/device.h"
#include "parallel/network/network.h"
#include "parallel/wire/purpose.h"
#include "sim/config/config.h"

typedef struct StepRecord {
    double loss;                                  /* this rank's part of the mean */
    uint64_t bytes[PURPOSES], messages[PURPOSES]; /* sent since the record before, this record included */
    uint64_t across[PURPOSES]; /* simulated: sent out of their nodes, by this rank and those it stands for */
    uint64_t peak[MEMORY_CATEGORIES], peak_total, rss;
    double simulated, spent[PARTS]; /* seconds: the compute lane's at the end, and what they went into */
    double hidden[PARTS];           /* and those of communication beside computing */
    double busy[ROUTES];            /* and those that its links send */
} StepRecord;

/* Before it go, of a model with experts, as many doubles as GptPass.routing has, and behind them, of each microbatch as
 * many int32_t as GptPass.taken has: 0 where those of all replicas would be more than ROWS_MOST bytes a step. */
enum { ROWS_MOST = 1 << 20 };
size_t step_record_sums(const GptShape *shape);
size_t step_record_rows(const Config *config, int ranks);
/* Those of all replicas, of the layers that have experts, however many. */
size_t step_record_rows_of_all(const Config *config, int ranks);
/* Bytes of both. */
size_t step_record_routing(const Config *config, int ranks);
/* Bytes of all of it, and in how many messages. */
size_t step_record_bytes(const Config *config, int ranks);
uint64_t step_record_messages(const GptShape *shape);
#endif
