/* cores.c - as Linux tells of them; elsewhere each rank has one. */
#include "parallel/wire/cores.h"
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

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

Cores cores_allowed(const char *root)
{
    Cores cores = {0};
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set)) CPU_ZERO(&set);
    for (int i = 0; i < CPU_SETSIZE; i++) {
        char path[512];
        if (!CPU_ISSET(i, &set)) continue;
        snprintf(path, sizeof path, "%.400s/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", root,
                 i);
        int core = first_in(path, i);
        cores.bits[core / 64] |= UINT64_C(1) << core % 64;
    }
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

/* Processors that the group of a container lets it use, rounded up: version 2 writes "max 100000" or "200000 100000" into a
 * file, version 1 the two numbers into one each, -1 for no limit. */
static int group_limit(const char *root)
{
    static const char *const names[2][2] = {{"cpu.max", NULL},
                                            {"cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"}};
    for (int version = 0; version < 2; version++) {
        long long quota = -1, period = 0;
        for (int i = 0; i < 2 && names[version][i]; i++) {
            char path[512];
            snprintf(path, sizeof path, "%.400s/sys/fs/cgroup/%s", root, names[version][i]);
            FILE *file = fopen(path, "re");
            if (!file) continue;
            int read = version == 0 ? fscanf(file, "%lld %lld", &quota, &period)
                                    : fscanf(file, "%lld", i ? &period : &quota);
            if (read < 1) quota = -1;
            fclose(file);
        }
        if (quota > 0 && period > 0 && quota / period < CORES_MOST)
            return (int)((quota + period - 1) / period);
    }
    return INT_MAX;
}

int cores_of_rank(const char *root, const Cores *mine, const Cores *of_any, int ranks)
{
    int limit = group_limit(root), all = cores_count(of_any), own = cores_count(mine);
    int each = (all < limit ? all : limit) / ranks;
    if (own < each) each = own;
    return each > 1 ? each : 1;
}
