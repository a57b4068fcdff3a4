/* mesh.h - the groups of ranks that talk, one along each axis of the grid. */
#ifndef PARALLEL_MESH_H
#define PARALLEL_MESH_H
#include "parallel/grid.h"
#include "parallel/wire/comm.h"

typedef struct Mesh {
    MeshShape shape;
    MeshPlace place; /* this rank's */
    Group *data_group, *tensor_group;
    Group *pipe_group;    /* for messages between stages */
    Group *norm_group;    /* the same ranks, for collectives */
    Group *sharing_group; /* those of the tensor group that hold the same keys and values; NULL: no two do */
    /* those of the data group that share a layer's experts, and that hold the same ones; NULL: each holds all */
    Group *expert_group, *expert_data_group;
} Mesh;

/* The shape has comm's ranks, sharing divides tp; all of them call together. */
Mesh mesh_new(Comm *comm, MeshShape shape, int sharing);
void mesh_free(Mesh *mesh);
#endif
