/* run_files.c - lists the run files of folders. */
#include "sim/file/run_files.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "sim/base/posix.h"
#include "sim/base/progress.h"
#include "sim/base/words.h"
#include "sim/file/run_file.h"

/* Takes the text over. */
static void append(char ***list, size_t *count, char *text)
{
    *list = allocate_more(*list, *count, sizeof **list);
    (*list)[(*count)++] = text;
}

static void free_list(char **list, size_t count)
{
    for (size_t i = 0; i < count; i++) free(list[i]);
    free(list);
}

static int is_named_so(const struct dirent *entry)
{
    const size_t length = strlen(entry->d_name);
    return entry->d_name[0] != '.' && length > 3 && strcmp(entry->d_name + length - 3, ".h5") == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* One of a folder, unless it is among the first `known` of those that are here. */
static void add_found(RunFiles *files, size_t known, const char *path)
{
    Error error;
    for (size_t i = 0; i < known; i++)
        if (files_same(files->path[i], path)) return;
    RunFile *run = run_file_open(path, &error);
    if (run)
        append(&files->path, &files->count, words_copy(path));
    else /* the name is not one that was typed */
        append(&files->skipped, &files->skips, words_shown(error.text));
    run_file_close(run);
}

static bool add_folder(RunFiles *files, const char *folder, Error *error)
{
    const size_t count = files->count, skips = files->skips, length = strlen(folder);
    struct dirent **entry;
    const int found = scandir(folder, &entry, is_named_so, by_name);
    if (found < 0) return files_refuse(folder, "read", errno, error);
    Progress progress;
    progress_begin_aside(&progress, found);
    for (int i = 0; i < found; i++) {
        const char *slash = folder[length - 1] == '/' ? "" : "/";
        const size_t size = length + strlen(entry[i]->d_name) + 2;
        char *path = allocate(size);
        snprintf(path, size, "%s%s%s", folder, slash, entry[i]->d_name);
        add_found(files, count, path);
        if (progress_due(&progress, i + 1))
            progress_show(&progress, "%d of %d files of the folder looked at", i + 1, found);
        free(path);
        free(entry[i]);
    }
    progress_end(&progress);
    free(entry);
    if (found == 0)
        return error_set(error, "%s: no file in this folder ends in .h5; name one of runs", folder);
    if (files->skips - skips < (size_t)found) return true;
    return error_set(error, "%s: no run's file in this folder; %d end%s in .h5: %.1000s", folder, found,
                     found == 1 ? "s" : "", files->skipped[skips]);
}

bool run_files_add(RunFiles *files, const char *path, Error *error)
{
    struct stat about;
    if (!path[0]) return error_set(error, "a name is empty where a run file or a folder of them is meant");
    if (!stat(path, &about) && S_ISDIR(about.st_mode)) return add_folder(files, path, error);
    append(&files->path, &files->count, words_copy(path));
    return true;
}

void run_files_tell(const RunFiles *files, const char *command)
{
    for (size_t i = 0; i < files->skips; i++)
        fprintf(stderr, "sim: %s: skipped %s\n", command, files->skipped[i]);
}

void run_files_free(RunFiles *files)
{
    free_list(files->path, files->count);
    free_list(files->skipped, files->skips);
    *files = (RunFiles){.count = 0};
}
