/* lanes.c - the names of what simulated time is spent on. */
#include "models/lanes.h"

const char *const part_name[PARTS] = {
    [PART_COMPUTE] = "compute",       [PART_RECOMPUTE] = "recompute", [PART_TP_EXPOSED] = "tp_exposed",
    [PART_DP_EXPOSED] = "dp_exposed", [PART_PP_WIRE] = "pp_wire",     [PART_PP_IDLE] = "pp_idle",
    [PART_OPTIMIZER] = "optimizer",
};
