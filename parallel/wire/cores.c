/* cores.c - as Linux tells of them; elsewhere each rank has one. */
#include "parallel/wire/cores.h"
#include <sched.h>
#include <stdio.h>
#include <unistd.h>
#include "parallel/wire/control_group.h"

_Static_assert(CPU_SETSIZE <= CORES_MOST, "a bit for each");

/* The lowest number of a file such as "4,36" or "4-5"; `otherwise` where there is no such file. */
static int first_in(const char *path, int otherwise)
{
    int first = otherwise;
    FILE *file = fopen(path, "re");
    if (file && fscanf(file, "%d", &first) != 1) first = otherwise;
    if (file) fclose(file);
    return first >= 0 && first < CORES_MOST ? first : otherwise;
}

/* Of a processor, by its lowest; `otherwise` where that is not told, as of one that is off. */
static int core_of(const char *root, int processor, int otherwise)
{
    char path[512];
    snprintf(path, sizeof path, "%.400s/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", root,
             processor);
    return first_in(path, otherwise);
}

static void add(Cores *cores, int core)
{
    if (core >= 0) cores->bits[core / 64] |= UINT64_C(1) << core % 64;
}

Cores cores_allowed(const char *root)
{
    Cores cores = {0};
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set)) CPU_ZERO(&set);
    for (int i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &set)) add(&cores, core_of(root, i, i));
    return cores;
}

int cores_count(const Cores *cores)
{
    int count = 0;
    for (int i = 0; i < CORES_MOST; i++) count += cores->bits[i / 64] >> i % 64 & 1;
    return count;
}

bool cores_are_fewer(void)
{
    cpu_set_t set;
    return !sched_getaffinity(0, sizeof set, &set) && CPU_COUNT(&set) < sysconf(_SC_NPROCESSORS_ONLN);
}

void cores_join(Cores *cores, const Cores *other)
{
    for (int i = 0; i < CORES_MOST / 64; i++) cores->bits[i] |= other->bits[i];
}

/* Version 2 writes "max 100000" or "200000 100000" into a file, version 1 the two numbers into one each, -1 for no limit. */
static void take_least(void *context, const char *folder, int version)
{
    static const char *const names[2][2] = {{"cpu.cfs_quota_us", "cpu.cfs_period_us"}, {"cpu.max", NULL}};
    int *least = context;
    long long quota = -1, period = 0;
    for (int i = 0; i < 2 && names[version - 1][i]; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%.4000s/%s", folder, names[version - 1][i]);
        FILE *file = fopen(path, "re");
        if (!file) return;
        int read = version == 2 ? fscanf(file, "%lld %lld", &quota, &period)
                                : fscanf(file, "%lld", i ? &period : &quota);
        if (read < 1) quota = -1;
        fclose(file);
    }
    if (quota <= 0 || period <= 0 || quota / period >= *least) return;
    *least = (int)((quota + period - 1) / period);
}

/* Processors that the control groups of this process let it use, rounded up: the least of its own and of all that it is
 * in. */
static int group_limit(const char *root)
{
    int least = CORES_MOST;
    control_groups_visit(root, "cpu", take_least, &least);
    return least;
}

int cores_of_rank(const char *root, const Cores *mine, const Cores *of_any, int ranks)
{
    int limit = group_limit(root), all = cores_count(of_any), own = cores_count(mine);
    int each = (all < limit ? all : limit) / ranks;
    if (own < each) each = own;
    return each > 1 ? each : 1;
}

int cores_of_process(void)
{
    const Cores mine = cores_allowed("");
    return cores_of_rank("", &mine, &mine, 1);
}

int cores_of_node(const char *root)
{
    Cores all = {0};
    long processors = sysconf(_SC_NPROCESSORS_CONF);
    for (int i = 0; i < processors && i < CORES_MOST; i++) add(&all, core_of(root, i, -1));
    if (cores_count(&all) == 0)
        for (int i = 0; i < sysconf(_SC_NPROCESSORS_ONLN) && i < CORES_MOST; i++) add(&all, i);
    return cores_of_rank(root, &all, &all, 1);
}
