/* comm.c - counting, and the way to whichever backend is behind. */
#include "parallel/comm.h"
#include <stdlib.h>
#include "models/error.h"

const char *const purpose_name[PURPOSES] = {
    [DP_SCATTER] = "dp.scatter",
    [DP_BROADCAST] = "dp.broadcast",
    [DP_GATHER] = "dp.gather",
    [DP_REDUCE] = "dp.reduce",
    [DP_ALL_REDUCE] = "dp.all_reduce",
    [ZERO_REDUCE_SCATTER] = "zero.reduce_scatter",
    [ZERO_ALL_GATHER] = "zero.all_gather",
    [ZERO_NORM] = "zero.norm",
    [TP_ALL_REDUCE] = "tp.all_reduce",
    [TP_ALL_GATHER] = "tp.all_gather",
    [TP_REDUCE_SCATTER] = "tp.reduce_scatter",
    [TP_CROSS_ENTROPY] = "tp.cross_entropy",
    [TP_GRADIENTS] = "tp.gradients",
    [TP_NORM] = "tp.norm",
    [PP_SEND_FORWARD] = "pp.send_forward",
    [PP_SEND_BACKWARD] = "pp.send_backward",
    [PP_EMBEDDING] = "pp.embedding",
    [PP_NORM] = "pp.norm",
    [INIT_BROADCAST] = "init.broadcast",
    [OUTPUT_GATHER] = "output.gather",
    [CONTROL] = "control",
};

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
    if (group->comm->backend->group_end) group->comm->backend->group_end(group);
    free((void *)group->members);
    free(group);
}

void comm_send(Group *group, int to, int tag, Purpose purpose, const void *data, size_t bytes,
               Request *request)
{
    *request = (Request){0};
    if (bytes == 0) return;
    Comm *comm = group->comm;
    comm->bytes[purpose] += bytes;
    comm->messages[purpose]++;
    request->comm = comm;
    comm->backend->send(group, to, tag, data, bytes, request);
}

void comm_receive(Group *group, int from, int tag, void *data, size_t bytes, Request *request)
{
    *request = (Request){0};
    if (bytes == 0) return;
    request->comm = group->comm;
    group->comm->backend->receive(group, from, tag, data, bytes, request);
}

bool comm_test(Request *request)
{
    if (request->comm && request->comm->backend->test(request)) request->comm = NULL;
    return request->comm == NULL;
}

void comm_wait(Request *request)
{
    if (request->comm) request->comm->backend->wait(request);
    request->comm = NULL;
}
