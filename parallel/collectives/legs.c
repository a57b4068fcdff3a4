/* legs.c - choosing legs, and what they send. */
#include "parallel/collectives/legs.h"
#include "parallel/collectives/moves.h"
#include "parallel/collectives/shared_tensor.h"

static RingSize leg_size(const Collective *c, const Leg *leg, Spread spread)
{
    return (RingSize){.spread = spread,
                      .steps = (leg->reduces + leg->gathers) * (leg->size - 1),
                      .step_bytes = (size_t)legs_edge_block(c, leg, false) * dtype_bytes(c->whole->dtype),
                      .sums = !c->arrived && leg->reduces && leg->gathers};
}

/* Of a sum by all of the group, one ring of which would have this size. */
static bool takes_trees(const Collective *c)
{
    size_t bytes = 0;
    RingSize ring = leg_size(c, &c->leg[0], group_spread(c->group));
    for (int i = 0; i < c->parts; i++) bytes += tensor_bytes(c->whole[i]);
    return network_takes_trees(&c->group->comm->network, &ring, bytes);
}

/* A ring's stand-in where its ranks share memory, and no message of it is to be late. With an empty block not all of a
 * ring's members would learn of all beginnings: then it is the ring. */
static bool takes_window(const Collective *c)
{
    return c->group->window && c->way == OVER_RINGS && c->legs == 1 && !c->arrived &&
           c->group->comm->lates == 0 && !c->part->device->dry && legs_edge_block(c, &c->leg[0], true) > 0;
}

/* Whether all of it is in the group's arena. Then it is not copied, however short it is: adding up and storing where values
 * lie takes less than what a slot saves, a wait where it waits once. */
static bool lies_shared(const Collective *c)
{
    bool shared = (size_t)c->parts <= WINDOW_SLOT_BYTES / sizeof(uint64_t);
    for (int i = 0; i < c->parts && shared; i++) shared = shared_tensor_is(c->group, c->whole[i]);
    return shared;
}

static void choose_all_reduce(Collective *c)
{
    Group *group = c->group;
    Spread s = group_spread(group);
    int r = group->rank, inside = s.most;
    if (takes_trees(c)) c->way = OVER_TREES;
    if (!network_is_hierarchical(&group->comm->network, &s)) return;
    c->legs = 3;
    c->leg[0] = (Leg){r - r % inside, 1, inside, r % inside, true, false, false};
    c->leg[1] = (Leg){r % inside, inside, s.nodes, r / inside, true, true, true};
    c->leg[2] = (Leg){r - r % inside, 1, inside, r % inside, false, true, false};
}

void legs_choose(Collective *c, bool reduces, bool gathers)
{
    c->legs = 1;
    c->leg[0] = (Leg){0, 1, c->group->size, c->group->rank, reduces, gathers, false};
    if (reduces && gathers && !c->arrived) choose_all_reduce(c);
    if (takes_window(c)) c->way = lies_shared(c) ? IN_PLACE : THROUGH_SLOTS;
}

/* Of three legs the second has one member in each node, the others all in one. */
static Spread leg_spread(const Leg *leg)
{
    int n = leg->size;
    Spread in_one = {.size = n, .nodes = 1, .most = n, .least = n, .even = true},
           in_each = {
               .size = n, .nodes = n, .most = 1, .least = 1, .even = true, .strangers = (int64_t)n * (n - 1)};
    return leg->narrow ? in_each : in_one;
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

/* Elements that a rank sends in either half: all blocks but one, of a reduction the own, else the right one's. */
typedef struct Halves {
    int64_t reducing, gathering;
} Halves;

static Halves halves(const Collective *c, const Leg *leg)
{
    Halves h = {0};
    for (int i = 0; i < c->parts; i++) {
        int64_t part = c->whole[i].count;
        if (leg->narrow) part = block_count(part, leg[-1].size, leg[-1].rank);
        if (leg->reduces) h.reducing += part - block_count(part, leg->size, leg->rank);
        if (leg->gathers) h.gathering += part - block_count(part, leg->size, (leg->rank + 1) % leg->size);
    }
    return h;
}

static bool leaves_node(const Collective *c, const Leg *leg, int rank)
{
    const Group *g = c->group;
    int to = g->members[leg->first + rank % leg->size * leg->apart];
    return network_route(&g->comm->network, g->comm->rank, to) == ROUTE_ACROSS;
}

/* How many of them leave their nodes: to the right neighbour, or of an exchange, a block to each of the others. Where a
 * rank is walked for its group, whose blocks then are alike, of all members. */
static uint64_t across(const Collective *c, const Leg *leg, const Spread *spread, Halves h)
{
    uint64_t own = (uint64_t)h.gathering, block = 0, sends = 0, strangers = 0;
    if (!c->arrived)
        own += (uint64_t)h.reducing;
    else
        block = (uint64_t)h.reducing / (uint64_t)(leg->size - 1);
    if (c->group->walked) {
        uint64_t rings = (uint64_t)(c->group->size / leg->size);
        sends = rings * (uint64_t)place_borders(spread);
        strangers = rings * (uint64_t)spread->strangers;
    } else {
        sends = leaves_node(c, leg, leg->rank + 1);
        for (int to = 0; to < leg->size && block; to++) strangers += leaves_node(c, leg, to);
    }
    return own * sends + block * strangers;
}

RingShape legs_shape(Collective *c)
{
    RingShape shape = {.purpose = c->purpose};
    const size_t width = dtype_bytes(c->whole->dtype);
    if (c->group->size == 1) return shape;
    if (c->way == OVER_TREES) return trees_shape(c);
    for (const Leg *leg = c->leg; leg < c->leg + c->legs; leg++) {
        RingSize size = leg_size(c, leg, c->legs == 1 ? group_spread(c->group) : leg_spread(leg));
        comm_ring_leg(&shape, network_ring(&c->group->comm->network, &size));
        shape.messages += (uint64_t)size.steps;
        Halves h = halves(c, leg);
        shape.bytes += (uint64_t)(h.reducing + h.gathering) * width;
        if (size.spread.nodes > 1)
            shape.across += across(c, leg, &size.spread, h) * width * group_stands_for(c->group);
    }
    return shape;
}
