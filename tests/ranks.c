/* ranks.c [GROUP]... - the tests that run on ranks, all of them or the groups named: on virtual ranks in this
 * process and, under mpirun, one group after another on the ranks of the launch. */
#include "tests/ranks.h"
#include <stdio.h>
#include <string.h>
#include "tests/support/launch.h"

static const struct {
    const char *name;
    int (*run)(void);
    int ranks[6]; /* the launches that it has a case for; none: any */
} GROUPS[] = {
    {"rings", ranks_rings, {0}},
    {"windows", ranks_windows, {0}},
    {"collectives", ranks_collectives, {0}},
    {"all-to-all", ranks_all_to_all, {0}},
    {"dispatch", ranks_dispatch, {2, 3, 4}},
    {"all-to-all-time", ranks_all_to_all_time, {0}},
    {"network", ranks_network, {2, 4, 6, 8}},
    {"links", ranks_links, {4, 6}},
    {"double-tree", ranks_double_tree, {3, 6, 8}},
    {"lanes", ranks_lanes, {0}},
    {"lanes-cpu", ranks_lanes_cpu, {4}},
    {"equivalence", ranks_equivalence, {0}},
    {"stages", ranks_stages, {2, 3, 4, 6, 8}},
#ifdef SIM_DOUBLE /* where 16 bits are refused, on one rank as on many */
    {"precision", ranks_precision, {1}},
#else
    {"precision", ranks_precision, {3, 4}},
#endif
    {"families", ranks_families, {4}},
    {"experts", ranks_experts, {2, 4}},
    {"batch-loads", ranks_batch_loads, {1, 2, 3, 4, 8}},
    {"expert-parallel", ranks_expert_parallel, {2, 3, 4, 8}},
    {"given", ranks_given, {4, 8}},
    {"domains", ranks_domains, {4, 6}},
    {"clock", ranks_clock, {2, 3, 4, 8}},
    {"machine", ranks_machine, {1, 2, 3, 4, 8}},
    {"quantize", ranks_quantize, {2, 3, 4, 8}},
    {"checkpoint", ranks_checkpoint, {4, 8}},
    {"stop", ranks_stop, {3, 8}},
    {"faults", ranks_faults, {4}},
};
enum { GROUP_COUNT = sizeof GROUPS / sizeof *GROUPS };

static bool named(int group, char **names)
{
    bool found = !names[0];
    for (int i = 0; names[i]; i++) found |= strcmp(names[i], GROUPS[group].name) == 0;
    return found;
}

static bool fits(int group)
{
    bool found = !mpi || !GROUPS[group].ranks[0];
    for (int i = 0; !found && i < 6; i++) found = GROUPS[group].ranks[i] == mpi->size;
    return found;
}

int main(int argc, char **argv)
{
    int failed = 0, run = 0;
    launch_start(&argc, &argv);
    for (int g = 0; g < GROUP_COUNT; g++)
        if (named(g, argv + 1) && fits(g)) {
            failed += GROUPS[g].run();
            run++;
        }
    if (!run) fprintf(stderr, "ranks: no such group, or none with a case on these ranks\n");
    return launch_stop(failed || !run);
}
