/* legs.c - choosing legs, and what they send. */
#include "parallel/collectives/legs.h"

void legs_choose(Collective *c, bool reduces, bool gathers)
{
    Group *group = c->group;
    Spread s = group_spread(group);
    int r = group->rank, inside = s.most;
    c->legs = 1;
    c->leg[0] = (Leg){0, 1, group->size, r, reduces, gathers, false};
    if (!reduces || !gathers || c->arrived || !network_is_hierarchical(&group->comm->network, &s)) return;
    c->legs = 3;
    c->leg[0] = (Leg){r - r % inside, 1, inside, r % inside, true, false, false};
    c->leg[1] = (Leg){r % inside, inside, s.nodes, r / inside, true, true, true};
    c->leg[2] = (Leg){r - r % inside, 1, inside, r % inside, false, true, false};
}

/* Of three legs the second has one member in each node, the others all in one. */
static Spread leg_spread(const Leg *leg)
{
    int n = leg->size;
    return leg->narrow ? (Spread){n, n, 1, 1, true, false} : (Spread){n, 1, n, n, true, false};
}

int64_t legs_edge_block(const Collective *c, const Leg *leg, bool last)
{
    int64_t count = 0;
    for (int i = 0; i < c->parts; i++) {
        int64_t part = c->whole[i].count;
        if (leg->narrow) part = block_count(part, leg[-1].size, last ? leg[-1].size - 1 : 0);
        count += block_count(part, leg->size, last ? leg->size - 1 : 0);
    }
    return count;
}

/* Of a half all blocks leave but one: of a reduction the own, else the right one's. */
static int64_t leaves(const Collective *c, const Leg *leg)
{
    int64_t count = 0;
    for (int i = 0; i < c->parts; i++) {
        int64_t part = c->whole[i].count;
        if (leg->narrow) part = block_count(part, leg[-1].size, leg[-1].rank);
        if (leg->reduces) count += part - block_count(part, leg->size, leg->rank);
        if (leg->gathers) count += part - block_count(part, leg->size, (leg->rank + 1) % leg->size);
    }
    return count;
}

RingShape legs_shape(const Collective *c)
{
    RingShape shape = {.purpose = c->purpose};
    const size_t width = dtype_bytes(c->whole->dtype);
    if (c->group->size == 1) return shape;
    for (const Leg *leg = c->leg; leg < c->leg + c->legs; leg++) {
        RingSize *size = &shape.leg[shape.legs++];
        *size = (RingSize){.spread = c->legs == 1 ? group_spread(c->group) : leg_spread(leg),
                           .steps = (leg->reduces + leg->gathers) * (leg->size - 1),
                           .step_bytes = (size_t)legs_edge_block(c, leg, false) * width,
                           .sums = !c->arrived && leg->reduces && leg->gathers};
        shape.messages += (uint64_t)size->steps;
        shape.bytes += (uint64_t)leaves(c, leg) * width;
    }
    return shape;
}
