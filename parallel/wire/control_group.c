/* control_group.c - as /proc/self/cgroup tells: "0::/a/b" is a group of version 2, "4:cpu,cpuacct:/a/b" of version 1. */
#include "parallel/wire/control_group.h"
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { PATH_SIZE = 4096, LINE = 4096 };

static bool has_name(const char *names, const char *name)
{
    const size_t length = strlen(name);
    for (const char *at = names; *at; at += strcspn(at, ","), at += *at == ',')
        if (strcspn(at, ",") == length && strncmp(at, name, length) == 0) return true;
    return false;
}

/* From the group's folder up to where its hierarchy is mounted. In a container that is its own group, whatever the path
 * says. */
static void visit_up(const char *mount, const char *group, int version,
                     void (*visit)(void *context, const char *folder, int version), void *context)
{
    char folder[PATH_SIZE];
    const size_t end = strlen(mount);
    snprintf(folder, sizeof folder, "%s%.2800s", mount, group);
    while (true) {
        visit(context, folder, version);
        char *slash = strlen(folder) > end ? strrchr(folder, '/') : NULL;
        if (!slash || (size_t)(slash - folder) < end) return;
        *slash = '\0';
    }
}

void control_groups_visit(const char *root, const char *controller,
                          void (*visit)(void *context, const char *folder, int version), void *context)
{
    char path[PATH_SIZE], mount[1200], line[LINE];
    snprintf(path, sizeof path, "%.1000s/proc/self/cgroup", root);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file)) {
        char *names = strchr(line, ':'), *group = names ? strchr(names + 1, ':') : NULL;
        if (!group) continue;
        *group++ = '\0';
        group[strcspn(group, "\n")] = '\0';
        bool unified = names[1] == '\0';
        if (!unified && !has_name(names + 1, controller)) continue;
        snprintf(mount, sizeof mount, "%.1000s/sys/fs/cgroup%s%.100s", root, unified ? "" : "/",
                 unified ? "" : controller);
        visit_up(mount, group, unified ? 2 : 1, visit, context);
    }
    if (file) fclose(file);
}
