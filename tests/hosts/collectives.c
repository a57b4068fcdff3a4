/* collectives.c CONFIG BYTES TIMES KIND... - on ranks: how long a collective of so many bytes takes, the median of so
 * many times, and what the network that CONFIG describes foretells. A line a KIND: its name, seconds measured, seconds
 * foretold. Both are of the same messages: a clock on the wall, and the simulated one that travels with them.
 *
 *   ring, tree, hierarchical    an all-reduce over all ranks
 *   crosswise                   one around a ring that goes 0, half, 1, half + 1, ...
 *   reduce-scatter, all-gather  over all ranks */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"
#include "models/machine/real.h"
#include "parallel/collectives/collectives.h"
#include "parallel/wire/comm_mpi.h"
#include "sim/base/clock.h"
#include "sim/base/quantile.h"
#include "sim/config/parse.h"

typedef struct Kind {
    const char *name;
    AllReduce all_reduce;
    bool reduces, gathers, crosswise;
} Kind;

static const Kind KINDS[] = {{"ring", ALL_REDUCE_RING, true, true, false},
                             {"tree", ALL_REDUCE_TREE, true, true, false},
                             {"hierarchical", ALL_REDUCE_HIERARCHICAL, true, true, false},
                             {"crosswise", ALL_REDUCE_RING, true, true, true},
                             {"reduce-scatter", ALL_REDUCE_RING, true, false, false},
                             {"all-gather", ALL_REDUCE_RING, false, true, false}};

static const Kind *kind_of(const char *name)
{
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++)
        if (strcmp(KINDS[i].name, name) == 0) return &KINDS[i];
    fail("no collective is called %s", name);
}

static Group *group_of(Comm *comm, const Kind *kind)
{
    int *member = allocate((size_t)comm->size * sizeof *member), half = (comm->size + 1) / 2;
    for (int i = 0; i < comm->size; i++) member[i] = kind->crosswise ? i / 2 + i % 2 * half : i;
    Group *group = group_new(comm, CHANNEL_DATA, member, comm->size);
    free(member);
    return group;
}

static void begin(Collective *c, const Kind *kind, Group *group, const Tensor *t)
{
    if (kind->reduces && kind->gathers)
        ring_all_reduce_begin(c, group, DP_ALL_REDUCE, t, 1);
    else if (kind->reduces)
        ring_reduce_scatter_begin(c, group, DP_ALL_REDUCE, t, 1);
    else
        ring_all_gather_begin(c, group, DP_ALL_REDUCE, t, 1);
}

/* Measured and foretold seconds, on this rank. */
static void time_once(const Kind *kind, Group *group, Device *device, const Tensor *t, double seconds[2])
{
    Comm *comm = group->comm;
    Collective c;
    comm->lanes = &device->lanes;
    comm_begin_step(comm);
    lanes_resume(comm->lanes);
    double began = clock_now();
    begin(&c, kind, group, t);
    ring_end(&c);
    seconds[0] = clock_now() - began;
    seconds[1] = device->lanes.now;
    comm->lanes = NULL;
}

/* All start together, and it takes as long as the last of them needs. */
static void time_kind(const Kind *kind, Group *world, int64_t bytes, int times)
{
    Device device = {.dry = false};
    Comm *comm = world->comm;
    Group *group = group_of(comm, kind);
    Tensor t = tensor_new(&device, MEM_GRADIENTS, REAL, bytes / (int64_t)sizeof(real));
    double *seen = allocate((size_t)times * sizeof *seen), mine[2],
           (*all)[2] = allocate((size_t)comm->size * sizeof *all), foretold = 0;
    for (int i = -1; i < times; i++) { /* the first connects, and fills TCP's windows */
        tensor_zero(t);
        sum_in_rank_order(world, CONTROL, &device, 0);
        time_once(kind, group, &device, &t, mine);
        gather(world, CONTROL, mine, sizeof mine, all, 0);
        for (int r = 0; r < comm->size && comm->rank == 0 && i >= 0; r++) {
            if (r == 0 || all[r][0] > seen[i]) seen[i] = all[r][0];
            if (all[r][1] > foretold) foretold = all[r][1];
        }
    }
    if (comm->rank == 0) printf("%s %.6f %.6f\n", kind->name, quantile_of(seen, times, 0.5), foretold);
    free(seen);
    free(all);
    tensor_free(&t);
    group_free(group);
}

static bool read_number(const char *text, int64_t *number)
{
    char *end;
    *number = strtoll(text, &end, 10);
    return *end == '\0' && *number > 0;
}

int main(int argc, char **argv)
{
    int64_t bytes, times;
    Config config;
    Error error;
    Comm *comm = comm_mpi_start(&argc, &argv);
    if (argc < 5 || !read_number(argv[2], &bytes) || !read_number(argv[3], &times))
        fail("usage: collectives CONFIG BYTES TIMES KIND...");
    if (!config_load(&config, (ConfigSource){.name = argv[1]}, NULL, &error)) fail("%s", error.text);
    Group *world = group_world(comm, CHANNEL_CONTROL);
    for (int i = 4; i < argc; i++) {
        const Kind *kind = kind_of(argv[i]);
        config.hardware.all_reduce = kind->all_reduce;
        comm->network = config_network(&config, comm->size);
        time_kind(kind, world, bytes, (int)times);
    }
    group_free(world);
    config_free(&config);
    comm_mpi_stop(comm);
    return 0;
}
