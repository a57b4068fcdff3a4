/* file.c - finding and reading an ini file: here, then where sim keeps its own; and what it names. */
#include "sim/config/file.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "sim/base/posix.h"
#include "sim/base/words.h"
#include "sim/config/refuse.h"
#include "sim/config/text.h"

enum { PATH_SIZE = 4096, LISTED = 32, PLACES = 3 };

/* From the folder of the program: installed (bin/), built (build/bin/), built in a variant
 * (build/double/bin/). */
static const char *const places[PLACES] = {"../share/sim/configs", "../../configs", "../../../configs"};

/* The folder of place `i` in its shortest form; false when there is none. */
static bool place_folder(const char *program_directory, int i, char *folder, size_t size)
{
    char joined[PATH_SIZE];
    if (!program_directory) return false;
    if (snprintf(joined, sizeof joined, "%s/%s", program_directory, places[i]) >= (int)sizeof joined)
        return false;
    char *resolved = realpath(joined, NULL);
    if (!resolved) return false;
    bool fits = snprintf(folder, size, "%s", resolved) < (int)size;
    free(resolved);
    return fits;
}

bool config_folder(const char *program_directory, const char *name, char *folder, size_t size)
{
    char place[PATH_SIZE];
    for (int i = 0; i < PLACES; i++)
        if (place_folder(program_directory, i, place, sizeof place) &&
            snprintf(folder, size, "%s/%s", place, name) < (int)size && access(folder, R_OK | X_OK) == 0)
            return true;
    return false;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The .ini files of a folder, sorted; a list that ends in NULL. */
static int list_configs(const char *folder, char *names[LISTED + 1])
{
    int count = 0;
    DIR *directory = opendir(folder);
    for (struct dirent *entry; directory && count < LISTED && (entry = readdir(directory));) {
        size_t length = strlen(entry->d_name);
        if (length < 5 || strcmp(entry->d_name + length - 4, ".ini") != 0) continue;
        names[count++] = words_copy(entry->d_name);
    }
    if (directory) closedir(directory);
    qsort(names, (size_t)count, sizeof *names, by_name);
    names[count] = NULL;
    return count;
}

/* The config that was meant by the last part of a path, "--config zero3.ini"; "" where that is a guess. Endings, which
 * make any two short names alike, are not compared: `names` lose theirs. */
static void suggest(const char *path, char *names[], char *suggestion, size_t size)
{
    const char *slash = strrchr(path, '/');
    char stem[CONFIG_PATH];
    snprintf(stem, sizeof stem, "%s", slash ? slash + 1 : path);
    char *dot = strrchr(stem, '.');
    if (dot) *dot = '\0';
    for (int k = 0; names[k]; k++) *strrchr(names[k], '.') = '\0';
    const char *nearest = words_nearest(stem, (const char *const *)names);
    int as_near = 0;
    for (int k = 0; nearest && names[k]; k++)
        as_near += words_far(stem, names[k]) == words_far(stem, nearest);
    suggestion[0] = '\0';
    if (as_near == 1 && words_is_near(stem, nearest)) snprintf(suggestion, size, "--config %s.ini", nearest);
}

/* Missing: says where it was looked for, and what was meant, or, where no name is near it, which there are. */
static char *refuse_missing(const char *name, const char *program_directory, Error *error)
{
    char here[PATH_SIZE], folder[PATH_SIZE], looked[PATH_SIZE] = "", list[1024] = "", suggestion[256] = "";
    bool bare = !strchr(name, '/');
    if (!getcwd(here, sizeof here)) strcpy(here, ".");
    words_append(looked, sizeof looked, "%s", bare ? here : "that path");
    for (int i = 0; i < PLACES; i++) {
        char *names[LISTED + 1];
        if (!place_folder(program_directory, i, folder, sizeof folder)) continue;
        if (bare) words_append(looked, sizeof looked, " or %s", folder);
        if (list_configs(folder, names) > 0 && !*list) {
            words_join(list, sizeof list, (const char *const *)names);
            suggest(name, names, suggestion, sizeof suggestion);
        }
        for (int k = 0; names[k]; k++) free(names[k]);
    }
    if (*suggestion)
        error_set(error, "%s: no such file in %.1200s; try %s, or the path of another", name, looked,
                  suggestion);
    else if (*list)
        error_set(error, "%s: no such file in %.1200s; try one that comes with sim: %s", name, looked, list);
    else
        error_set(error, "%s: no such file in %.1200s; try --config with the path of an ini file", name,
                  looked);
    return NULL;
}

/* Opens `name` here or, when it is a bare name that is not here, in the first place that has it. */
static FILE *open_config(const char *name, const char *program_directory, char path[PATH_SIZE])
{
    snprintf(path, PATH_SIZE, "%s", name);
    FILE *file = files_open(path);
    for (int i = 0; !file && errno == ENOENT && !strchr(name, '/') && i < PLACES; i++) {
        char folder[PATH_SIZE];
        bool there = place_folder(program_directory, i, folder, sizeof folder);
        if (there && snprintf(path, PATH_SIZE, "%s/%s", folder, name) < PATH_SIZE) file = files_open(path);
        if (!file && !there) errno = ENOENT;
    }
    return file;
}

char *config_read(const char *name, const char *program_directory, Error *error)
{
    char path[PATH_SIZE];
    if (*name == '\0') {
        error_set(error, "--config: no file name; try --config zero3.ini");
        return NULL;
    }
    if (strlen(name) >= CONFIG_PATH) {
        error_set(
            error,
            "%.40s...: a file name of %zu characters, more than the %d there is room for; try a shorter one",
            name, strlen(name), CONFIG_PATH - 1);
        return NULL;
    }
    FILE *file = open_config(name, program_directory, path);
    if (!file) {
        if (errno == ENOENT) return refuse_missing(name, program_directory, error);
        if (errno == EISDIR)
            error_set(error, "%s: is a folder; try an ini file in it, such as %s%szero3.ini", name, name,
                      name[strlen(name) - 1] == '/' ? "" : "/");
        else
            error_set(error, "%s: cannot be opened: %s; try another file%s", path, files_reason(errno),
                      errno == EACCES ? ", or chmod" : "");
        return NULL;
    }
    char *text = config_text(file, name, "two lines in it: [parallel] and data = zero3", error);
    fclose(file);
    return text;
}

/* The machines that come with sim, sorted; a list that ends in NULL. */
static int list_machines(const char *program_directory, char *names[LISTED + 1])
{
    char folder[PATH_SIZE];
    names[0] = NULL;
    if (!config_folder(program_directory, "hardware", folder, sizeof folder)) return 0;
    int count = list_configs(folder, names);
    for (int k = 0; k < count; k++) *strrchr(names[k], '.') = '\0';
    return count;
}

bool config_machines(char *list, size_t size, const char *program_directory)
{
    char *names[LISTED + 1];
    int count = list_machines(program_directory, names);
    words_join(list, size, (const char *const *)names);
    for (int k = 0; k < count; k++) free(names[k]);
    return count > 0;
}

/* Names no file: says which there are, and which may have been meant. */
static char *refuse_machine(const Config *config, const char *program_directory, Error *error)
{
    enum { BUILTIN = 4 };
    char *names[BUILTIN + LISTED + 1] = {words_copy("ideal"), words_copy("measured"), words_copy("given"),
                                         words_copy("localhost")};
    char list[512];
    int count = BUILTIN + list_machines(program_directory, names + BUILTIN);
    words_join(list, sizeof list, (const char *const *)names);
    const char *nearest = words_nearest(config->hardware.name, (const char *const *)names);
    config_refuse(config, "hardware.profile", error,
                  "neither one of %s, nor the path of a file that ends in .ini; try %s", list,
                  nearest ? nearest : names[0]);
    for (int k = 0; k < count; k++) free(names[k]);
    return NULL;
}

/* What nobody measured has no numbers. */
static char *refuse_unmeasured(const Config *config, Error *error)
{
    char here[PATH_SIZE];
    if (!getcwd(here, sizeof here)) strcpy(here, ".");
    config_refuse(
        config, "hardware.profile", error,
        "no localhost.ini in %.1200s, so this machine is not measured; try mpirun -n 2 sim calibrate "
        "first, or the path of another's FILE.ini",
        here);
    return NULL;
}

char *config_read_profile(const Config *config, const char *program_directory, Error *error)
{
    char file[CONFIG_PATH + 16], folder[PATH_SIZE - CONFIG_PATH - 32], path[PATH_SIZE];
    config_profile_file(config, file, sizeof file);
    bool local = config_is_localhost(config), named = !local && strcmp(file, config->hardware.name) != 0;
    FILE *opened = named ? NULL : files_open(file);
    for (int i = 0; named && !opened && i < PLACES; i++) {
        if (!place_folder(program_directory, i, folder, sizeof folder)) continue;
        snprintf(path, sizeof path, "%s/%s", folder, file);
        opened = files_open(path);
    }
    if (!opened && local && errno == ENOENT) return refuse_unmeasured(config, error);
    if (!opened && (named || errno == ENOENT)) return refuse_machine(config, program_directory, error);
    if (!opened) {
        config_refuse(config, "hardware.profile", error, "cannot be opened: %s; try another file",
                      files_reason(errno));
        return NULL;
    }
    char instead[PATH_SIZE + 32] = "mpirun -n 2 sim calibrate, which measures one";
    if (config_folder(program_directory, "hardware", folder, sizeof folder))
        snprintf(instead, sizeof instead, "a copy of %s/h100-dgx.ini", folder);
    char *text = config_text(opened, file, instead, error);
    fclose(opened);
    return text;
}

FILE *config_open_path(const Config *config, const char *key, const char *path, const char *instead,
                       Error *error)
{
    FILE *file = files_open(path);
    if (!file)
        config_refuse(config, key, error, "cannot read it: %s; try the path of %s", files_reason(errno),
                      instead);
    return file;
}

/* What `file` holds, if it is no more than `most` bytes. */
static char *read_small(const Config *config, const char *key, FILE *file, size_t most, size_t *bytes,
                        Error *error)
{
    struct stat about;
    char has[32], may[32];
    if (!fstat(fileno(file), &about) && about.st_size > (off_t)most) {
        words_bytes((double)about.st_size, has, sizeof has);
        words_bytes((double)most, may, sizeof may);
        config_refuse(config, key, error, "it has %s, and such a file has %s at most; try another", has, may);
        return NULL;
    }
    char *text = files_read(file, most, bytes);
    if (!ferror(file)) return text;
    config_refuse(config, key, error, "cannot read it: %s; try another", files_reason(errno));
    free(text);
    return NULL;
}

char *config_read_path(const Config *config, const char *key, const char *path, const char *instead,
                       size_t most, int64_t *bytes, Error *error)
{
    size_t used = 0;
    FILE *file = config_open_path(config, key, path, instead, error);
    char *text = file ? read_small(config, key, file, most, &used, error) : NULL;
    if (file) fclose(file);
    *bytes = (int64_t)used;
    return text;
}
