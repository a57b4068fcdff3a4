/* group.c - ranks that send to each other: who they are, which of them are walked, and on which nodes they lie. */
#include <assert.h>
#include <stdlib.h>
#include "models/machine/error.h"
#include "parallel/wire/comm.h"

Group *group_new(Comm *comm, int channel, const int *members, int size)
{
    Group *group = allocate_zeroed(1, sizeof *group);
    int *copy = allocate((size_t)size * sizeof *copy);
    *group = (Group){.comm = comm, .rank = -1, .size = size, .members = copy, .channel = channel};
    for (int i = 0; i < size; i++) {
        copy[i] = members[i];
        if (members[i] == comm->rank) group->rank = i;
    }
    if (comm->backend->group_begin) comm->backend->group_begin(group);
    return group;
}

Group *group_world(Comm *comm, int channel)
{
    int *members = allocate((size_t)comm->size * sizeof *members);
    for (int i = 0; i < comm->size; i++) members[i] = i;
    Group *group = group_new(comm, channel, members, comm->size);
    free(members);
    return group;
}

void group_free(Group *group)
{
    if (!group) return;
    if (group->window) group->comm->backend->window_end(group);
    if (group->comm->backend->group_end) group->comm->backend->group_end(group);
    free((void *)group->members);
    free(group->walked);
    free(group->node_first);
    free(group);
}

void group_share(Group *group)
{
    const Comm *comm = group->comm;
    if (comm->windows && comm->backend->window_begin && group->size > 1) comm->backend->window_begin(group);
}

uint64_t group_stands_for(const Group *group)
{
    assert(!group->walked || group->walks == 1);
    return (uint64_t)(group->comm->stands_for / (group->walked ? group->size : 1));
}

int group_walks(const Group *group)
{
    return group->walked ? group->walks : group->size;
}

int group_walked(const Group *group, int i)
{
    return group->walked ? group->walked[i] : i;
}

int group_round(const Group *group, int rank)
{
    int n = group->size;
    return (rank % n + n) % n;
}

int group_tag(Group *group)
{
    return group->sequence++ & (COMM_TAGS - 1);
}

Spread group_spread(Group *group)
{
    if (group->spread.nodes == 0)
        group->spread = place_spread(&group->comm->network.placement, group->members, group->size);
    return group->spread;
}

const int *group_nodes(Group *group)
{
    if (!group->node_first) {
        group->node_first = allocate(((size_t)group_spread(group).nodes + 1) * sizeof *group->node_first);
        place_runs(&group->comm->network.placement, group->members, group->size, group->node_first);
    }
    return group->node_first;
}
