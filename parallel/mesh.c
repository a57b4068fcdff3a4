/* mesh.c - laying out the grid and its groups. */
#include "parallel/mesh.h"
#include <stdlib.h>
#include "models/machine/error.h"

/* The `size` ranks from `first` on, `stride` apart. */
static Group *group_of(Comm *comm, int channel, int first, int stride, int size)
{
    int *members = allocate((size_t)size * sizeof *members);
    for (int i = 0; i < size; i++) members[i] = first + i * stride;
    Group *group = group_new(comm, channel, members, size);
    free(members);
    return group;
}

Mesh mesh_new(Comm *comm, int pp, int tp, int sharing)
{
    int dp = comm->size / (pp * tp), column = dp * tp;
    Mesh m = {.pp = pp, .dp = dp, .tp = tp};
    m.pipe = comm->rank / column;
    m.data = comm->rank / tp % dp;
    m.tensor = comm->rank % tp;
    m.data_group = group_of(comm, CHANNEL_DATA, m.pipe * column + m.tensor, tp, dp);
    m.tensor_group = group_of(comm, CHANNEL_TENSOR, comm->rank - m.tensor, 1, tp);
    m.pipe_group = group_of(comm, CHANNEL_PIPE, comm->rank % column, column, pp);
    m.norm_group = group_of(comm, CHANNEL_PIPE_NORM, comm->rank % column, column, pp);
    if (sharing > 1)
        m.sharing_group = group_of(comm, CHANNEL_SHARING, comm->rank - m.tensor % sharing, 1, sharing);
    return m;
}

void mesh_free(Mesh *mesh)
{
    group_free(mesh->data_group);
    group_free(mesh->tensor_group);
    group_free(mesh->pipe_group);
    group_free(mesh->norm_group);
    group_free(mesh->sharing_group);
    *mesh = (Mesh){0};
}
