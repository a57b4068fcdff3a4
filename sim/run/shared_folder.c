/* shared_folder.c - rank 0 leaves a file, and all look. */
#include "sim/run/shared_folder.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "parallel/collectives/collectives.h"
#include "sim/base/node.h"
#include "sim/base/posix.h"
#include "sim/run/agree.h"
#include "sim/run/verdict.h"

enum { PATH_SIZE = 4096 };

/* A file of a name that was never asked for, so that no node remembers it as missing. */
static bool leave(const char *folder, char file[PATH_SIZE], Error *error)
{
    snprintf(file, PATH_SIZE, "%s/.sim-seen-XXXXXX", folder);
    int descriptor = mkstemp(file);
    if (descriptor < 0) return error_set(error, "%s: cannot make a file there: %s", folder, strerror(errno));
    close(descriptor);
    return true;
}

bool shared_folder(Group *world, const char *path, Error *error)
{
    char folder[PATH_SIZE - 32], file[PATH_SIZE] = "", node[NODE_NAME];
    Error mine;
    if (world->size == 1) return true;
    files_folder(path, folder, sizeof folder);
    if (!agree(world, world->rank > 0 || leave(folder, file, error))) return false;
    tree_broadcast(world, CONTROL, file, sizeof file, 0);
    bool sees = access(file, F_OK) == 0;
    node_name(node);
    if (!sees)
        error_set(&mine,
                  "on %s the folder %s is not the one that rank 0 has, and every rank writes its part of the "
                  "file; try a folder that all nodes share",
                  node, folder);
    uint64_t none;
    bool all = verdict_of_all(world, sees, &none, 0, &mine);
    if (world->rank == 0) unlink(file);
    if (world->rank == 0 && !all) *error = mine;
    return agree(world, all);
}
