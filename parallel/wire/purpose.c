/* purpose.c - the table. */
#include "parallel/wire/purpose.h"
#include <string.h>

#define DATA AXIS_DATA, PART_DP_EXPOSED, PART_DP_EXPOSED
#define TENSOR AXIS_TENSOR, PART_TP_EXPOSED, PART_TP_EXPOSED
#define EXPERT AXIS_EXPERT, PART_EP_EXPOSED, PART_EP_EXPOSED
#define PIPE AXIS_PIPE, PART_PP_IDLE, PART_PP_WIRE
#define OWN AXIS_NONE, PARTS, PARTS

const PurposeRow purpose_row[PURPOSES] = {
    [DP_SCATTER] = {"dp.scatter", DATA},
    [DP_BROADCAST] = {"dp.broadcast", DATA},
    [DP_GATHER] = {"dp.gather", DATA},
    [DP_REDUCE] = {"dp.reduce", DATA},
    [DP_ALL_REDUCE] = {"dp.all_reduce", DATA},
    [ZERO_REDUCE_SCATTER] = {"zero.reduce_scatter", DATA},
    [ZERO_ALL_GATHER] = {"zero.all_gather", DATA},
    [ZERO_NORM] = {"zero.norm", DATA},
    [TP_ALL_REDUCE] = {"tp.all_reduce", TENSOR},
    [TP_ALL_GATHER] = {"tp.all_gather", TENSOR},
    [TP_REDUCE_SCATTER] = {"tp.reduce_scatter", TENSOR},
    [TP_CROSS_ENTROPY] = {"tp.cross_entropy", TENSOR},
    [TP_GRADIENTS] = {"tp.gradients", TENSOR},
    [TP_NORM] = {"tp.norm", TENSOR},
    [MOE_COUNTS] = {"moe.counts", EXPERT},
    [MOE_DISPATCH] = {"moe.dispatch", EXPERT},
    [MOE_COMBINE] = {"moe.combine", EXPERT},
    [PP_SEND_FORWARD] = {"pp.send_forward", PIPE},
    [PP_SEND_BACKWARD] = {"pp.send_backward", PIPE},
    [PP_EMBEDDING] = {"pp.embedding", PIPE},
    [PP_NORM] = {"pp.norm", PIPE},
    [MOE_LOAD] = {"moe.load", DATA},
    [INIT_BROADCAST] = {"init.broadcast", OWN},
    [OUTPUT_GATHER] = {"output.gather", OWN},
    [CONTROL] = {"control", OWN},
};

const PurposeRow *purpose_named(const char *name)
{
    for (int p = 0; p < PURPOSES; p++)
        if (strcmp(name, purpose_row[p].name) == 0) return &purpose_row[p];
    return NULL;
}
