/* mesh.c - making the groups. */
#include "parallel/mesh.h"
#include <stdlib.h>
#include "models/machine/error.h"

Mesh mesh_new(Comm *comm, MeshShape shape, int sharing)
{
    const MeshPlace place = mesh_place(shape, comm->rank);
    int *member = allocate((size_t)mesh_ranks(shape) * sizeof *member);
    Mesh m = {.shape = shape, .place = place};
    int count = mesh_members(shape, comm->rank, AXIS_DATA, member);
    m.data_group = group_new(comm, CHANNEL_DATA, member, count);
    count = mesh_members(shape, comm->rank, AXIS_PIPE, member);
    m.pipe_group = group_new(comm, CHANNEL_PIPE, member, count);
    m.norm_group = group_new(comm, CHANNEL_PIPE_NORM, member, count);
    count = mesh_members(shape, comm->rank, AXIS_TENSOR, member);
    m.tensor_group = group_new(comm, CHANNEL_TENSOR, member, count);
    if (sharing > 1) /* neighbours among them */
        m.sharing_group =
            group_new(comm, CHANNEL_SHARING, member + place.tensor / sharing * sharing, sharing);
    if (shape.ep > 1) {
        count = mesh_members(shape, comm->rank, AXIS_EXPERT, member);
        m.expert_group = group_new(comm, CHANNEL_EXPERT, member, count);
        count = mesh_members(shape, comm->rank, AXIS_EXPERT_DATA, member);
        m.expert_data_group = group_new(comm, CHANNEL_EXPERT_DATA, member, count);
    }
    free(member);
    Group *const collective[] = {m.data_group,    m.norm_group,   m.tensor_group,
                                 m.sharing_group, m.expert_group, m.expert_data_group};
    for (size_t i = 0; i < sizeof collective / sizeof *collective; i++)
        if (collective[i]) group_share(collective[i]);
    return m;
}

void mesh_free(Mesh *mesh)
{
    group_free(mesh->data_group);
    group_free(mesh->tensor_group);
    group_free(mesh->pipe_group);
    group_free(mesh->norm_group);
    group_free(mesh->sharing_group);
    group_free(mesh->expert_group);
    group_free(mesh->expert_data_group);
    *mesh = (Mesh){0};
}
