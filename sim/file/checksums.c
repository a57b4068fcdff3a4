/* checksums.c - the checksums in a run file that is complete. */
#include "sim/file/checksums.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "sim/file/layout.h"

static const char table[] = "/checksums";
static const char flag[] = "complete";

enum { OTHERS = 5, OBJECTS = OTHERS + LAYOUT_NAMES + LAYOUT_DATASETS };

static const char *object_path(int i)
{
    static const char *const others[OTHERS] = {"/", "/config", "/timeline", "/config/ini", layout_actions};
    if (i < OTHERS) return others[i];
    i -= OTHERS;
    return i < LAYOUT_NAMES ? layout_names[i].path : layout_datasets[i - LAYOUT_NAMES].path;
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
    return h5_table_write(file, table, row, 0, OBJECTS, rows, error);
}

bool checksums_make(H5 *file, Error *error)
{
    static const Row none[OBJECTS];
    const H5Table made = {.path = table,
                          .units = "1",
                          .long_name = "checksum of an object, once the run is complete",
                          .row = row,
                          .rows = OBJECTS};
    return h5_table(file, &made, error) && write_rows(file, none, error);
}

bool checksums_write(H5 *file, Error *error)
{
    Row rows[OBJECTS] = {0};
    for (int i = 0; i < OBJECTS; i++) {
        snprintf(rows[i].object, sizeof rows[i].object, "%s", object_path(i));
        if (!h5_checksum(file, object_path(i), flag, &rows[i].checksum, error)) return false;
    }
    return write_rows(file, rows, error);
}

bool checksums_try(H5 *file, Error *error)
{
    uint64_t ignored;
    for (int i = 0; i < OBJECTS; i++)
        if (!h5_checksum(file, object_path(i), flag, &ignored, error)) return false;
    return true;
}

bool checksums_check(H5 *file, const char *path, Error *error)
{
    Row rows[OBJECTS];
    if (!h5_check_table(file, table, row, OBJECTS, error) ||
        !h5_table_rows(file, table, row, 0, OBJECTS, rows, error))
        return false;
    for (int i = 0; i < OBJECTS; i++) {
        const char *object = object_path(i);
        uint64_t sum;
        rows[i].object[sizeof rows[i].object - 1] = '\0';
        if (strcmp(rows[i].object, object) != 0)
            return error_set(error, "%s: row %d of %s is not %s's; is the file damaged?", path, i, table,
                             object);
        if (!h5_checksum(file, object, flag, &sum, error)) return false;
        if (sum != rows[i].checksum)
            return error_set(error,
                             "%s: %s is not as the run left it: its checksum is %016" PRIx64
                             ", not %016" PRIx64 "; the file was damaged or changed, try a copy of it",
                             path, object, sum, rows[i].checksum);
    }
    return true;
}
