/* routing_record.h - what layers of experts tell of a step: of all ranks together, as a row of the run file. */
#ifndef SIM_RUN_ROUTING_RECORD_H
#define SIM_RUN_ROUTING_RECORD_H
#include "sim/file/recorder.h"
#include "sim/run/step.h"

/* Rank 0's; zero where there are no experts. */
typedef struct RoutingRecord {
    RoutingRow row;
    double *values; /* what its pointers are of, */
    int32_t *rows;  /* and that of its rows */
} RoutingRecord;

/* All ranks of the world call it after a step; where there are no experts nothing is sent. */
RoutingRecord routing_record_gather(const Trainer *t, Group *world);
void routing_record_free(RoutingRecord *r);
#endif
