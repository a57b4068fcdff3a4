/* links.c - ping-pong and rings. */
#include "sim/calibrate/links.h"
#include "models/machine/real.h"
#include "parallel/collectives/collectives.h"
#include "sim/base/clock.h"
#include "sim/base/quantile.h"
#include "sim/run/agree.h"

const char *const link_kind_name[LINK_KINDS] = {"message", "all-gather", "all-reduce"};

enum { AGAIN = 12 }; /* in a row, of which each is timed */

void links_begin(LinkTimings *links, const Group *world)
{
    static const size_t bytes[LINK_SIZES] = {64, 1 << 10, 1 << 14, 1 << 16, 1 << 18, 1 << 20};
    const int others = world->size - 1;
    links->count = 0;
    for (LinkKind kind = 0; kind < LINK_KINDS && others > 0; kind++)
        for (int i = 0; i < LINK_SIZES; i++) {
            int steps = kind == LINK_MESSAGE ? 1 : kind == LINK_ALL_GATHER ? others : 2 * others;
            links->timing[links->count++] = (LinkTiming){.kind = kind, .steps = steps, .bytes = bytes[i]};
        }
}

/* There and back, between the first two. */
static void ping(Group *world, Tensor t)
{
    Request request;
    int tag = group_tag(world), other = 1 - world->rank;
    for (int way = 0; way < 2 && world->rank < 2; way++) {
        if (way == world->rank)
            comm_send(world, other, tag, CONTROL, t.data, tensor_bytes(t), &request);
        else
            comm_receive(world, other, tag, CONTROL, t.data, tensor_bytes(t), &request);
        comm_wait(&request);
    }
}

static void ring(Group *world, LinkKind kind, Tensor t)
{
    Collective c;
    if (kind == LINK_ALL_REDUCE)
        ring_all_reduce_begin(&c, world, CONTROL, &t, 1);
    else
        ring_all_gather_begin(&c, world, CONTROL, &t, 1);
    ring_end(&c);
}

/* What a rank sends it computed before, so no other rank has it in its caches. */
static void renew(Group *world, Tensor t)
{
    tensor_zero(t);
    agree(world, true); /* and all begin together */
}

static void time_one(LinkTiming *link, Group *world, Tensor t)
{
    for (int i = 0; i <= AGAIN; i++) { /* the first finds its way */
        renew(world, t);
        double began = clock_now();
        if (link->kind == LINK_MESSAGE)
            ping(world, t);
        else
            ring(world, link->kind, t);
        double took = clock_now() - began;
        if (i > 0 && link->times < LINK_TIMES)
            link->seen[link->times++] = link->kind == LINK_MESSAGE ? took / 2 : took;
    }
}

void links_do(LinkTimings *links, Group *world)
{
    Device device = {.dry = false};
    for (int i = 0; i < links->count; i++) {
        LinkTiming *link = &links->timing[i];
        int64_t blocks = link->kind == LINK_MESSAGE ? 1 : world->size;
        Tensor t = tensor_new(&device, MEM_WORKSPACE, REAL, blocks * (int64_t)(link->bytes / sizeof(real)));
        tensor_zero(t);
        time_one(link, world, t);
        tensor_free(&t);
    }
}

void links_settle(LinkTimings *links)
{
    for (int i = 0; i < links->count; i++)
        links->timing[i].seconds = quantile_of(links->timing[i].seen, links->timing[i].times, 0.25);
}

double link_foretold(const LinkTiming *link, const NetworkNode *node)
{
    const Network network = network_of(node, (Placement){0}, ALL_REDUCE_RING);
    const int size = link->kind == LINK_ALL_REDUCE ? link->steps / 2 + 1 : link->steps + 1;
    const RingSize ring = {.spread = {size, 1, size, size, true, false},
                           .steps = link->steps,
                           .step_bytes = link->bytes,
                           .sums = link->kind == LINK_ALL_REDUCE};
    if (link->kind == LINK_MESSAGE) return link_seconds(&network.message[ROUTE_INSIDE], link->bytes);
    const NetworkTime time = network_ring(&network, &ring);
    return network_alone(&time);
}
