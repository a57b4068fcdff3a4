/* node.c - asking the system. */
#include "sim/base/node.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "parallel/wire/control_group.h"
#include "parallel/wire/cores.h"
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

/* What the group in `folder` leaves: pages of files that nobody uses are given back when memory is short. */
static void take_least(void *context, const char *folder, int version)
{
    static const struct {
        const char *most, *used, *inactive;
    } files[] = {{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"},
                 {"memory.max", "memory.current", "inactive_file"}};
    char path[PATH_SIZE];
    double *left = context;
    snprintf(path, sizeof path, "%.3900s/%s", folder, files[version - 1].most);
    double most = number_in(path, "");
    snprintf(path, sizeof path, "%.3900s/%s", folder, files[version - 1].used);
    double used = number_in(path, "");
    snprintf(path, sizeof path, "%.3900s/memory.stat", folder);
    double inactive = number_in(path, files[version - 1].inactive);
    if (isfinite(most) && isfinite(used))
        *left = fmin(*left, most - used + (isfinite(inactive) ? inactive : 0));
}

double node_memory(const char *root)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%.3900s/proc/meminfo", root);
    double left = number_in(path, "MemAvailable:") * 1024;
    control_groups_visit(root, "memory", take_least, &left);
    return fmax(0, left);
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
    node.cores = cores_of_node("");
    return node;
}
