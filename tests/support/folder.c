/* folder.c - making and removing a test's folder. */
#include "tests/support/folder.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int folder_make(char path[FOLDER])
{
    snprintf(path, FOLDER, "/tmp/sim-test-XXXXXX");
    return mkdtemp(path) ? 0 : -1;
}

int folder_remove(const char *path)
{
    char command[16 + FOLDER];
    snprintf(command, sizeof command, "rm -rf '%s'", path);
    return system(command);
}

bool folder_has(const char *path, const char *name)
{
    char whole[256];
    snprintf(whole, sizeof whole, "%s/%s", path, name);
    return access(whole, F_OK) == 0;
}

bool folder_has_draft(const char *path)
{
    bool has = false;
    DIR *directory = opendir(path);
    for (struct dirent *entry; directory && !has && (entry = readdir(directory));) {
        size_t length = strlen(entry->d_name);
        has = length > 4 && strcmp(entry->d_name + length - 4, ".tmp") == 0;
    }
    if (directory) closedir(directory);
    return has;
}
