/* node.c - asking the system. */
#include "sim/base/node.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "sim/base/posix.h"

enum { PATH_SIZE = 4096, LINE = 4096 };

void node_name(char name[NODE_NAME])
{
    if (gethostname(name, NODE_NAME)) strcpy(name, "this machine");
    name[NODE_NAME - 1] = '\0';
}

void node_describe(char *text, size_t size)
{
    char name[NODE_NAME], line[LINE], *model = NULL;
    FILE *file = fopen("/proc/cpuinfo", "re");
    node_name(name);
    while (file && !model && fgets(line, sizeof line, file))
        if (!strncmp(line, "model name", 10)) model = strchr(line, ':');
    if (file) fclose(file);
    if (model) {
        model += 1 + strspn(model + 1, " ");
        model[strcspn(model, "\n")] = '\0';
    }
    snprintf(text, size, "%s%s%s", name, model ? ", " : "", model ? model : "");
}

/* ---- memory ---- */

/* The number behind `key` in a file of lines "key number"; of the file's only line where `key` is "". Infinite where
 * there is none: no such file, or a limit that is "max". */
static double number_in(const char *path, const char *key)
{
    char line[LINE];
    double number = INFINITY;
    size_t length = strlen(key);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, key, length) == 0 && sscanf(line + length, " %lf", &number) == 1) break;
    if (file) fclose(file);
    return number;
}

/* How the two versions of control groups call what they have. */
typedef struct GroupFiles {
    const char *mount, *most, *used, *inactive;
} GroupFiles;

/* What the group in `folder` leaves: pages of files that nobody uses are given back when memory is short. */
static double left_in(const char *folder, const GroupFiles *files)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%.3900s/%s", folder, files->most);
    double most = number_in(path, "");
    snprintf(path, sizeof path, "%.3900s/%s", folder, files->used);
    double used = number_in(path, "");
    snprintf(path, sizeof path, "%.3900s/memory.stat", folder);
    double inactive = number_in(path, files->inactive);
    if (!isfinite(most) || !isfinite(used)) return INFINITY;
    return most - used + (isfinite(inactive) ? inactive : 0);
}

/* Of a group and of all that it is in. */
static double left_up_from(const char *root, const char *group, const GroupFiles *files)
{
    char folder[PATH_SIZE];
    double left = INFINITY;
    snprintf(folder, sizeof folder, "%.1000s%s%.2800s", root, files->mount, group);
    size_t mount = strlen(root) + strlen(files->mount);
    while (true) {
        left = fmin(left, left_in(folder, files));
        char *slash = strlen(folder) > mount ? strrchr(folder, '/') : NULL;
        if (!slash || (size_t)(slash - folder) < mount) return left;
        *slash = '\0';
    }
}

/* "0::/a/b" is a group of version 2, "4:memory:/a/b" of version 1. */
static double left_in_groups(const char *root)
{
    static const GroupFiles first = {"/sys/fs/cgroup/memory", "memory.limit_in_bytes",
                                     "memory.usage_in_bytes", "total_inactive_file"},
                            second = {"/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"};
    char path[PATH_SIZE], line[LINE];
    double left = INFINITY;
    snprintf(path, sizeof path, "%.3900s/proc/self/cgroup", root);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file)) {
        char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group) continue;
        *group++ = '\0';
        group[strcspn(group, "\n")] = '\0';
        bool unified = controllers[1] == '\0', memory = strstr(controllers, "memory") != NULL;
        if (unified || memory) left = fmin(left, left_up_from(root, group, unified ? &second : &first));
    }
    if (file) fclose(file);
    return left;
}

double node_memory(const char *root)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%.3900s/proc/meminfo", root);
    return fmax(0, fmin(number_in(path, "MemAvailable:") * 1024, left_in_groups(root)));
}

/* Of the limit on this process's addresses. */
static double left_to_process(void)
{
    struct rlimit limit;
    double pages = number_in("/proc/self/statm", "");
    if (getrlimit(RLIMIT_AS, &limit) || limit.rlim_cur == RLIM_INFINITY || !isfinite(pages)) return INFINITY;
    return fmax(0, (double)limit.rlim_cur - pages * (double)sysconf(_SC_PAGESIZE));
}

/* ---- disk ---- */

/* Of the nearest folder above `path` that is there. */
static double left_on_disk(const char *path)
{
    char folder[PATH_SIZE];
    struct statvfs disk;
    files_folder(path, folder, sizeof folder);
    while (statvfs(folder, &disk)) {
        char *slash = strrchr(folder, '/');
        if (!strcmp(folder, ".") || !strcmp(folder, "/")) return INFINITY;
        if (slash > folder)
            *slash = '\0';
        else
            strcpy(folder, slash ? "/" : ".");
    }
    return (double)disk.f_bavail * (double)disk.f_frsize;
}

Node node_look(const char *path)
{
    Node node = {.memory = node_memory(""), .process = left_to_process(), .disk = left_on_disk(path)};
    node_name(node.name);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    node.cores = cores > 0 ? (int)cores : 1;
    return node;
}
