/* checksums.c - the checksums in a run file that is complete. */
#include "sim/file/checksums.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "sim/file/layout.h"

static const char table[] = "/checksums";
static const char flag[] = "complete";

enum { OTHERS = 5, OBJECTS = OTHERS + LAYOUT_NAMES + LAYOUT_ALL };

/* Those that a file has, and how many. */
static int objects_of(H5 *file, const char *path[OBJECTS])
{
    static const char *const others[OTHERS] = {"/", "/config", "/timeline", "/config/ini", layout_actions};
    const int datasets = h5_exists(file, "/moe") ? LAYOUT_ALL : LAYOUT_DATASETS;
    int objects = 0;
    for (int i = 0; i < OTHERS; i++) path[objects++] = others[i];
    for (int i = 0; i < LAYOUT_NAMES; i++) path[objects++] = layout_names[i].path;
    for (int i = 0; i < datasets; i++)
        if (!layout_is_optional(&layout_datasets[i]) || h5_exists(file, layout_datasets[i].path))
            path[objects++] = layout_datasets[i].path;
    return objects;
}

static size_t count_of(H5 *file)
{
    const char *ignored[OBJECTS];
    return (size_t)objects_of(file, ignored);
}

typedef struct Row {
    char object[40];
    uint64_t checksum;
} Row;

static const H5Field fields[] = {
    {.name = "object", .offset = offsetof(Row, object), .text = true, .size = sizeof((Row *)0)->object},
    {.name = "checksum", .offset = offsetof(Row, checksum), .kind = H5_U64},
};
static const H5Row row = {fields, sizeof fields / sizeof *fields, sizeof(Row)};

static bool write_rows(H5 *file, const Row rows[OBJECTS], Error *error)
{
    return h5_table_write(file, table, row, 0, count_of(file), rows, error);
}

bool checksums_clear(H5 *file, Error *error)
{
    static const Row none[OBJECTS];
    return write_rows(file, none, error);
}

bool checksums_make(H5 *file, Error *error)
{
    const H5Table made = {.path = table,
                          .units = "1",
                          .long_name = "checksum of an object, once the run is complete",
                          .row = row,
                          .rows = count_of(file)};
    return h5_table(file, &made, error) && checksums_clear(file, error);
}

/* The checksum of each object, into sum[OBJECTS]. */
static bool sum_all(H5 *file, uint64_t sum[OBJECTS], Progress *progress, Error *error)
{
    const char *object[OBJECTS];
    const int objects = objects_of(file, object);
    bool ok = true;
    for (int i = 0; i < objects; i++) progress->total += h5_bytes(file, object[i]);
    for (int i = 0; i < objects && ok; i++) ok = h5_checksum(file, object[i], flag, &sum[i], progress, error);
    progress_end(progress);
    return ok;
}

bool checksums_write(H5 *file, Error *error)
{
    Row rows[OBJECTS] = {0};
    uint64_t sum[OBJECTS];
    Progress progress;
    const char *object[OBJECTS];
    const int objects = objects_of(file, object);
    progress_begin(&progress, 0, PROGRESS_QUIET);
    if (!sum_all(file, sum, &progress, error)) return false;
    for (int i = 0; i < objects; i++) {
        snprintf(rows[i].object, sizeof rows[i].object, "%s", object[i]);
        rows[i].checksum = sum[i];
    }
    return write_rows(file, rows, error);
}

bool checksums_try(H5 *file, Error *error)
{
    uint64_t ignored[OBJECTS];
    Progress progress;
    progress_begin_aside(&progress, 0);
    return sum_all(file, ignored, &progress, error);
}

bool checksums_check(H5 *file, const char *path, Error *error)
{
    Row rows[OBJECTS];
    uint64_t sum[OBJECTS];
    Progress progress;
    const char *object[OBJECTS];
    const int objects = objects_of(file, object);
    if (!h5_check_table(file, table, row, (size_t)objects, error) ||
        !h5_table_rows(file, table, row, 0, (size_t)objects, rows, error))
        return false;
    for (int i = 0; i < objects; i++) {
        rows[i].object[sizeof rows[i].object - 1] = '\0';
        if (strcmp(rows[i].object, object[i]) != 0)
            return error_set(error, "%s: row %d of %s is not %s's; is the file damaged?", path, i, table,
                             object[i]);
    }
    progress_begin_aside(&progress, 0);
    if (!sum_all(file, sum, &progress, error)) return false;
    for (int i = 0; i < objects; i++)
        if (sum[i] != rows[i].checksum)
            return error_set(error,
                             "%s: %s is not as the run left it: its checksum is %016" PRIx64
                             ", not %016" PRIx64 "; the file was damaged or changed, try a copy of it",
                             path, object[i], sum[i], rows[i].checksum);
    return true;
}
