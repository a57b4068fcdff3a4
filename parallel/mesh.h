/* mesh.h - ranks on a grid: which stage of a pipeline, which data-parallel replica, which slice of a tensor.
 *
 * Tensor parallelism talks most, so its groups are neighbours; pipelines talk least (Narayanan et al.
 * 2104.04473, section 3.2): rank = (pipe * dp + data) * tp + tensor. Eight ranks, pp = dp = tp = 2:
 *
 *   tensor groups  {0 1} {2 3} {4 5} {6 7}     data groups  {0 2} {1 3} {4 6} {5 7}
 *   pipelines      {0 4} {1 5} {2 6} {3 7}
 */
#ifndef PARALLEL_MESH_H
#define PARALLEL_MESH_H
#include "parallel/wire/comm.h"

typedef struct Mesh {
    int pp, dp, tp;         /* sizes */
    int pipe, data, tensor; /* this rank's place */
    Group *data_group, *tensor_group;
    Group *pipe_group;    /* for messages between stages */
    Group *norm_group;    /* the same ranks, for collectives */
    Group *sharing_group; /* those of the tensor group that hold the same keys and values; NULL: no two do */
} Mesh;

/* pp * tp divides the ranks of comm, sharing divides tp; all of them call together. */
Mesh mesh_new(Comm *comm, int pp, int tp, int sharing);
void mesh_free(Mesh *mesh);
#endif
