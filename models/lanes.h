/* lanes.h - what simulated time is spent on. */
#ifndef MODELS_LANES_H
#define MODELS_LANES_H

typedef enum {
    PART_COMPUTE,
    PART_RECOMPUTE,
    PART_TP_EXPOSED,
    PART_DP_EXPOSED,
    PART_PP_WIRE,
    PART_PP_IDLE,
    PART_OPTIMIZER,
    PARTS
} Part;
extern const char *const part_name[PARTS];
#endif
