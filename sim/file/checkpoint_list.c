/* checkpoint_list.c - by their names, and what they say of themselves. */
#include "sim/file/checkpoint_list.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include "sim/base/draft.h"
#include "sim/base/posix.h"
#include "sim/base/words.h"
#include "sim/file/schema.h"

enum { PATH_SIZE = 4096, DIGITS = 6, DIGITS_MOST = 18 };
#define MOMENT_MOST 9e15 /* in the year 2255; a double holds each up to there */

void checkpoint_name(const char *path, int64_t step, char *name, size_t size)
{
    size_t stem = files_stem(path);
    snprintf(name, size, "%.*s-%0*lld%s", (int)stem, path, DIGITS, (long long)step, path + stem);
}

/* The step in the name of a file in the folder of `path`; -1: it is no such name. */
static int64_t step_of(const char *path, const char *name)
{
    const char *base = files_name(path);
    size_t stem = files_stem(path) - (size_t)(base - path), digits;
    if (strncmp(name, base, stem) != 0 || name[stem] != '-') return -1;
    digits = strspn(name + stem + 1, "0123456789");
    bool is = digits >= DIGITS && digits <= DIGITS_MOST && strcmp(name + stem + 1 + digits, base + stem) == 0;
    return is ? strtoll(name + stem + 1, NULL, 10) : -1;
}

static bool look_at(const char *path, CheckpointFound *found)
{
    char said[SCHEMA_TEXT];
    double moment;
    H5 *file = h5_open(path, NULL);
    bool is = file && schema_of(file, said) == SCHEMA_CHECKPOINT &&
              h5_get_text(file, "/", "run", found->run, sizeof found->run);
    if (is && h5_get_number(file, "/", "moment", &moment) && moment >= 0 && moment <= MOMENT_MOST)
        found->moment = (int64_t)moment;
    if (file) h5_close(file, NULL);
    return is;
}

static int64_t microseconds(struct timespec moment)
{
    return (int64_t)moment.tv_sec * 1000000 + moment.tv_nsec / 1000;
}

static CheckpointFound found_at(const char *path, int64_t step)
{
    CheckpointFound one = {.step = step};
    struct stat there;
    if (!stat(path, &there)) one.moment = microseconds(there.st_mtim);
    if (!look_at(path, &one)) one.run[0] = '\0';
    return one;
}

static int by_age(const void *a, const void *b)
{
    const CheckpointFound *x = a, *y = b;
    int order = (x->moment < y->moment) - (x->moment > y->moment);
    return order ? order : (x->step < y->step) - (x->step > y->step);
}

size_t checkpoint_list(const char *path, CheckpointFound **found)
{
    char folder[PATH_SIZE], name[2 * PATH_SIZE];
    size_t count = 0;
    *found = NULL;
    files_folder(path, folder, sizeof folder);
    DIR *directory = opendir(folder);
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        int64_t step = step_of(path, entry->d_name);
        if (step < 0) continue;
        /* as `path` is written: "ck-000120.h5" of "ck.h5" */
        checkpoint_name(path, step, name, sizeof name);
        *found = allocate_more(*found, count, sizeof **found);
        (*found)[count] = found_at(name, step);
        (*found)[count++].path = words_copy(name);
    }
    if (directory) closedir(directory);
    if (count) qsort(*found, count, sizeof **found, by_age);
    return count;
}

void checkpoint_list_free(CheckpointFound *found, size_t count)
{
    for (size_t i = 0; i < count; i++) free(found[i].path);
    free(found);
}

int64_t checkpoint_newest(const char *path)
{
    CheckpointFound *found;
    size_t count = checkpoint_list(path, &found);
    int64_t moment = count ? found[0].moment : 0;
    checkpoint_list_free(found, count);
    return moment;
}

int64_t checkpoint_moment(int64_t newest)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return microseconds(now) > newest ? microseconds(now) : newest + 1;
}

bool checkpoint_is_of(const char *path, const char *run)
{
    CheckpointFound one = {.step = 0};
    return look_at(path, &one) && strcmp(one.run, run) == 0;
}

void checkpoint_prune(const char *path, const char *run, size_t keep, Discard *gone)
{
    CheckpointFound *found;
    size_t count = checkpoint_list(path, &found), kept = 0;
    for (size_t i = 0; i < count; i++)
        if (strcmp(found[i].run, run) == 0 && ++kept > keep) discard_name(gone, found[i].path);
    checkpoint_list_free(found, count);
}

void checkpoint_clear(const char *path)
{
    char folder[PATH_SIZE], name[2 * PATH_SIZE];
    files_folder(path, folder, sizeof folder);
    DIR *directory = opendir(folder);
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        size_t stem = draft_stem(entry->d_name);
        entry->d_name[stem] = '\0';
        int64_t step = stem ? step_of(path, entry->d_name) : -1;
        checkpoint_name(path, step, name, sizeof name);
        if (step >= 0) draft_clear(name);
    }
    if (directory) closedir(directory);
}
