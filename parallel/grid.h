/* grid.h - where a rank is: which stage of a pipeline, which data-parallel replica, which slice of a tensor.
 *
 * Tensor parallelism talks most, so its groups are neighbours; pipelines talk least (Narayanan et al.
 * 2104.04473, section 3.2): rank = (pipe * dp + data) * tp + tensor. Eight ranks, pp = dp = tp = 2:
 *
 *   tensor groups  {0 1} {2 3} {4 5} {6 7}     data groups  {0 2} {1 3} {4 6} {5 7}
 *   pipelines      {0 4} {1 5} {2 6} {3 7}
 *
 * Where a layer has experts, ep replicas that follow each other share them, each with its part, and every ep-th replica
 * has the same part (GShard, Lepikhin et al. 2006.16668, as Megatron-Core lies it over the data). Sixteen ranks,
 * pp = tp = 2, dp = 4, ep = 2; of the first stage:
 *
 *   data groups    {0 2 4 6} {1 3 5 7}
 *   expert groups  {0 2} {1 3} {4 6} {5 7}     expert-data groups  {0 4} {1 5} {2 6} {3 7}
 *
 * That order is written down in grid.c alone. Whoever knows the sizes, of a run or of a run's file, asks there:
 * the mesh of groups, the formulas, the charts. */
#ifndef PARALLEL_GRID_H
#define PARALLEL_GRID_H
#include "parallel/network/place.h"
#include "parallel/wire/purpose.h"

typedef struct MeshShape {
    int pp, dp, tp; /* ranks along each axis: pp * dp * tp in all */
    int ep;         /* of dp: those that share experts */
} MeshShape;
typedef struct MeshPlace {
    int pipe, data, tensor;
} MeshPlace;

/* Of so many ranks, those that pp and tp leave are replicas: pp * tp divides them, and ep these. */
MeshShape mesh_shape(int ranks, int pp, int tp, int ep);
int mesh_ranks(MeshShape shape);
MeshPlace mesh_place(MeshShape shape, int rank);
int mesh_rank(MeshShape shape, MeshPlace place);
/* The ranks whose place is `rank`'s but for these axes (a sum of Axis bits), ascending, itself included. Returns
 * how many; `member` has room for mesh_ranks() of them. */
int mesh_members(MeshShape shape, int rank, unsigned axes, int *member);

/* In which order ranks fill nodes: whose neighbours lie side by side, then the others. */
typedef enum {
    ORDER_TP_DP_PP,
    ORDER_TP_PP_DP,
    ORDER_DP_TP_PP,
    ORDER_DP_PP_TP,
    ORDER_PP_TP_DP,
    ORDER_PP_DP_TP
} RankOrder;
Placement mesh_placement(MeshShape shape, RankOrder order);
#endif
