/* grid.c - the order of ranks on the grid. */
#include "parallel/grid.h"
#include <stdbool.h>

MeshShape mesh_shape(int ranks, int pp, int tp, int ep)
{
    return (MeshShape){.pp = pp, .dp = ranks / (pp * tp), .tp = tp, .ep = ep};
}

int mesh_ranks(MeshShape shape)
{
    return shape.pp * shape.dp * shape.tp;
}

MeshPlace mesh_place(MeshShape shape, int rank)
{
    return (MeshPlace){
        .pipe = rank / shape.tp / shape.dp, .data = rank / shape.tp % shape.dp, .tensor = rank % shape.tp};
}

int mesh_rank(MeshShape shape, MeshPlace place)
{
    return (place.pipe * shape.dp + place.data) * shape.tp + place.tensor;
}

int mesh_members(MeshShape shape, int rank, unsigned axes, int *member)
{
    MeshPlace first = mesh_place(shape, rank), end = {first.pipe + 1, first.data + 1, first.tensor + 1}, p;
    if (axes & AXIS_PIPE) first.pipe = 0, end.pipe = shape.pp;
    if (axes & AXIS_TENSOR) first.tensor = 0, end.tensor = shape.tp;
    const bool along = axes & (AXIS_DATA | AXIS_EXPERT_DATA), inside = axes & (AXIS_DATA | AXIS_EXPERT);
    if (inside) first.data -= first.data % shape.ep, end.data = first.data + shape.ep;
    if (along) first.data %= shape.ep, end.data = shape.dp;
    const int step = inside ? 1 : shape.ep;
    int count = 0;
    for (p.pipe = first.pipe; p.pipe < end.pipe; p.pipe++)
        for (p.data = first.data; p.data < end.data; p.data += step)
            for (p.tensor = first.tensor; p.tensor < end.tensor; p.tensor++)
                member[count++] = mesh_rank(shape, p);
    return count;
}

Placement mesh_placement(MeshShape shape, RankOrder order)
{
    enum { TP, DP, PP }; /* as ranks count */
    static const int from_inside[][PLACE_AXES] = {
        [ORDER_TP_DP_PP] = {TP, DP, PP}, [ORDER_TP_PP_DP] = {TP, PP, DP}, [ORDER_DP_TP_PP] = {DP, TP, PP},
        [ORDER_DP_PP_TP] = {DP, PP, TP}, [ORDER_PP_TP_DP] = {PP, TP, DP}, [ORDER_PP_DP_TP] = {PP, DP, TP}};
    Placement p = {.axis = {{.ranks = shape.tp}, {.ranks = shape.dp}, {.ranks = shape.pp}}};
    for (int i = 0, apart = 1; i < PLACE_AXES; i++) {
        int axis = from_inside[order][i];
        p.axis[axis].apart = apart;
        apart *= p.axis[axis].ranks;
    }
    return p;
}
