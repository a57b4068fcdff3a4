/* checkpoint_traffic.h - how many bytes of a checkpoint a rank writes, and how many it reads back. */
#ifndef SIM_RUN_CHECKPOINT_TRAFFIC_H
#define SIM_RUN_CHECKPOINT_TRAFFIC_H
#include "sim/run/step.h"

typedef struct CheckpointTraffic {
    double written; /* by this rank, of what no other writes (checkpoint_save) */
    double read;    /* by checkpoint_load, which each rank does for itself: also what others read, too */
} CheckpointTraffic;

/* Values alone, without what describes them, of a rank that is real or dry. */
CheckpointTraffic checkpoint_traffic(const Trainer *t);
#endif
