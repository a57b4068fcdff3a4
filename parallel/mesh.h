/* mesh.h - ranks on a grid: which data-parallel replica, which slice of a tensor.
 *
 * Tensor parallelism talks most, so its groups are neighbours (Narayanan et al.
 * 2104.04473, section 3.2): rank = data * tp + tensor. Eight ranks, tp = 2:
 *
 *   tensor groups  {0 1} {2 3} {4 5} {6 7}     data groups  {0 2 4 6} {1 3 5 7}
 */
#ifndef PARALLEL_MESH_H
#define PARALLEL_MESH_H
#include "parallel/comm.h"

typedef struct Mesh {
    int dp, tp;       /* sizes */
    int data, tensor; /* this rank's place */
    Group *data_group, *tensor_group;
} Mesh;

/* tp divides the ranks of comm; all of them call together. */
Mesh mesh_new(Comm *comm, int tp);
void mesh_free(Mesh *mesh);
#endif
