/* mesh.c - laying out the grid and its groups. */
#include "parallel/mesh.h"
#include <stdlib.h>
#include "models/error.h"

enum { CHANNEL_DATA = 1, CHANNEL_TENSOR = 2 };

Mesh mesh_new(Comm *comm, int tp)
{
    Mesh mesh = {.dp = comm->size / tp, .tp = tp, .data = comm->rank / tp, .tensor = comm->rank % tp};
    int *members = allocate((size_t)comm->size * sizeof *members);
    for (int i = 0; i < mesh.dp; i++) members[i] = i * tp + mesh.tensor;
    mesh.data_group = group_new(comm, CHANNEL_DATA, members, mesh.dp);
    for (int i = 0; i < tp; i++) members[i] = mesh.data * tp + i;
    mesh.tensor_group = group_new(comm, CHANNEL_TENSOR, members, tp);
    free(members);
    return mesh;
}

void mesh_free(Mesh *mesh)
{
    group_free(mesh->data_group);
    group_free(mesh->tensor_group);
    *mesh = (Mesh){0};
}
