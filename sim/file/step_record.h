/* step_record.h - what each rank tells rank 0 after a step. */
#ifndef SIM_FILE_STEP_RECORD_H
#define SIM_FILE_STEP_RECORD_H
#include <stdint.h>
#include "models/layers/gpt_shape.h"
#include "models/layers/routing.h"
#include "models/machine/device.h"
#include "parallel/network/network.h"
#include "parallel/wire/purpose.h"

typedef struct StepRecord {
    double loss;                                  /* this rank's part of the mean */
    uint64_t bytes[PURPOSES], messages[PURPOSES]; /* sent since the record before, this record included */
    uint64_t across[PURPOSES]; /* simulated: sent out of their nodes, by this rank and those it stands for */
    uint64_t peak[MEMORY_CATEGORIES], peak_total, rss;
    double simulated, spent[PARTS]; /* seconds: the compute lane's at the end, and what they went into */
    double hidden[PARTS];           /* and those of communication beside computing */
    double busy[ROUTES];            /* and those that its links send */
} StepRecord;

/* What follows it, of a model with experts: as GptPass.routing. */
static inline size_t step_record_routing(const GptShape *shape)
{
    return shape->experts.count ? (size_t)(shape->layers * routing_width(&shape->experts)) * sizeof(double)
                                : 0;
}
/* Bytes of both, and in how many messages. */
static inline size_t step_record_bytes(const GptShape *shape)
{
    return sizeof(StepRecord) + step_record_routing(shape);
}
static inline uint64_t step_record_messages(const GptShape *shape)
{
    return shape->experts.count ? 2 : 1;
}
#endif
