/* test_cores.c - what a rank has for itself, of what /sys tells. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "parallel/wire/cores.h"
#include "tests/support/check.h"

static Cores some(int first, int end)
{
    Cores cores = {0};
    for (int i = first; i < end; i++) cores.bits[i / 64] |= UINT64_C(1) << i % 64;
    return cores;
}

static int each(const char *root, Cores mine, Cores all, int ranks)
{
    return cores_of_rank(root, &mine, &all, ranks);
}

static void cores_are_shared(void **state)
{
    (void)state;
    assert_int_equal(each("/nowhere", some(0, 8), some(0, 8), 1), 8);
    assert_int_equal(each("/nowhere", some(0, 8), some(0, 8), 3), 2);
    assert_int_equal(each("/nowhere", some(0, 8), some(0, 8), 9), 1);
    assert_int_equal(each("/nowhere", some(60, 64), some(60, 68), 2), 4); /* bound to a socket each */
    assert_int_equal(each("/nowhere", some(3, 4), some(0, 8), 1), 1);     /* to a core */
    assert_int_equal(each("/nowhere", some(0, 0), some(0, 0), 1), 1);
}

static void put(const char *root, const char *name, const char *text)
{
    char path[512], folder[512];
    snprintf(path, sizeof path, "%s/%s", root, name);
    for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
        mkdir(folder, 0700);
    }
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fputs(text, file) < 0, 0);
    assert_int_equal(fclose(file), 0);
}

static void remove_root(const char *root)
{
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", root);
    assert_int_equal(system(command), 0);
}

static void a_container_has_its_share(void **state)
{
    (void)state;
    char root[] = "cores-XXXXXX";
    assert_non_null(mkdtemp(root));
    Cores all = some(0, 16);
    put(root, "proc/self/cgroup", "4:cpuset,memory:/\n3:cpuacct,cpu:/\n0::/\n");
    put(root, "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
    put(root, "sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    assert_int_equal(each(root, all, all, 1), 16);
    put(root, "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "250000\n");
    assert_int_equal(each(root, all, all, 1), 3);
    put(root, "sys/fs/cgroup/cpu.max", "max 100000\n");
    put(root, "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
    assert_int_equal(each(root, all, all, 1), 16);
    put(root, "sys/fs/cgroup/cpu.max", "600000 100000\n");
    assert_int_equal(each(root, all, all, 1), 6);
    assert_int_equal(each(root, all, all, 2), 3);
    put(root, "sys/fs/cgroup/cpu.max", "50000 100000\n");
    assert_int_equal(each(root, all, all, 2), 1);
    remove_root(root);
}

/* Of the group that a process is in and all above it the least counts, of others none. */
static void a_group_has_no_more_than_those_it_is_in(void **state)
{
    (void)state;
    char root[] = "cores-XXXXXX";
    assert_non_null(mkdtemp(root));
    Cores all = some(0, 16);
    put(root, "proc/self/cgroup", "1:name=systemd:/x\n0::/user/job/task\n");
    put(root, "sys/fs/cgroup/user/other/cpu.max", "100000 100000\n");
    put(root, "sys/fs/cgroup/x/cpu.max", "100000 100000\n");
    assert_int_equal(each(root, all, all, 1), 16);
    put(root, "sys/fs/cgroup/user/job/task/cpu.max", "700000 100000\n");
    assert_int_equal(each(root, all, all, 1), 7);
    put(root, "sys/fs/cgroup/user/job/cpu.max", "350000 100000\n");
    assert_int_equal(each(root, all, all, 1), 4);
    put(root, "sys/fs/cgroup/user/cpu.max", "max 100000\n");
    assert_int_equal(each(root, all, all, 1), 4);
    put(root, "sys/fs/cgroup/user/cpu.max", "200000 100000\n");
    assert_int_equal(each(root, all, all, 1), 2);
    put(root, "proc/self/cgroup", "6:cpuset:/user\n3:cpu,cpuacct:/docker/d\n"); /* version 1 */
    assert_int_equal(each(root, all, all, 1), 16);
    put(root, "sys/fs/cgroup/cpu/docker/d/cpu.cfs_quota_us", "300000\n");
    put(root, "sys/fs/cgroup/cpu/docker/d/cpu.cfs_period_us", "100000\n");
    assert_int_equal(each(root, all, all, 1), 3);
    put(root, "sys/fs/cgroup/cpu/docker/d/cpu.cfs_quota_us", "100000\n");
    assert_int_equal(cores_of_node(root), 1);
    remove_root(root);
}

/* Of the processors that this process may use now, all said to be one core's. */
static void threads_of_a_core_are_one(void **state)
{
    (void)state;
    char root[] = "cores-XXXXXX", name[128];
    assert_non_null(mkdtemp(root));
    for (int i = 0; i < CORES_MOST; i++) {
        snprintf(name, sizeof name, "sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", i);
        put(root, name, "0-1023\n");
    }
    Cores apart = cores_allowed("/nowhere"), together = cores_allowed(root);
    assert_true(cores_count(&apart) >= 1);
    assert_int_equal(cores_count(&together), 1);
    assert_int_equal(together.bits[0] & 1, 1);
    assert_int_equal(cores_of_node(root), 1);
    assert_true(cores_of_process() >= 1 && cores_of_process() <= cores_of_node(""));
    remove_root(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cores_are_shared),
        cmocka_unit_test(a_container_has_its_share),
        cmocka_unit_test(a_group_has_no_more_than_those_it_is_in),
        cmocka_unit_test(threads_of_a_core_are_one),
    };
    return cmocka_run_group_tests_name("cores", tests, NULL, NULL);
}
