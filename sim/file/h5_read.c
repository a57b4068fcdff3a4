/* h5_read.c - reading HDF5 files back: arrays, names, tables, and which there are. */
#define H5_USE_110_API
#include <hdf5.h>
#include "sim/file/h5_private.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/base/words.h"
#include "sim/file/extents.h"

/* ---- arrays ---- */

bool h5_exists(H5 *file, const char *path)
{
    /* H5Lexists wants every group on the way to exist */
    char part[1024];
    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        snprintf(part, sizeof part, "%.*s", (int)(slash - path), path);
        if (H5Lexists(file->id, part, H5P_DEFAULT) <= 0) return false;
    }
    return H5Lexists(file->id, path, H5P_DEFAULT) > 0;
}

bool h5_is_floating(H5 *file, const char *path)
{
    hid_t data = h5_dataset(file, path), type = data >= 0 ? H5Dget_type(data) : -1;
    bool floating = type >= 0 && H5Tget_class(type) == H5T_FLOAT;
    h5_release(type);
    return floating;
}

bool h5_shape(H5 *file, const char *path, int *rank, size_t dims[H5_MAX_RANK], Error *error)
{
    hid_t data = h5_dataset(file, path);
    if (data < 0) return h5_fail(file->path, "read", path, error);
    hsize_t extent[H5S_MAX_RANK];
    hid_t space = H5Dget_space(data);
    *rank = H5Sget_simple_extent_dims(space, extent, NULL);
    h5_release(space);
    if (*rank < 0 || *rank > H5_MAX_RANK)
        return error_set(error, "%s: %s has %d dimensions, more than %d", file->path, path, *rank,
                         (int)H5_MAX_RANK);
    for (int i = 0; i < *rank; i++) dims[i] = extent[i];
    return true;
}

bool h5_read(H5 *file, const char *path, H5Kind kind, void *values, Error *error)
{
    hid_t data = h5_dataset(file, path);
    return (data >= 0 && H5Dread(data, h5_type(kind, false), H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0) ||
           h5_fail(file->path, "read", path, error);
}

bool h5_read_typed(H5 *file, const char *path, size_t first, size_t rows, hid_t type, void *values,
                   Error *error)
{
    H5Selection selection;
    bool ok = h5_select_rows(file, path, first, rows, &selection) &&
              H5Dread(selection.data, type, selection.in_memory, selection.in_file, H5P_DEFAULT, values) >= 0;
    if (!ok) h5_fail(file->path, "read", path, error);
    h5_unselect(&selection);
    return ok;
}

bool h5_read_rows(H5 *file, const char *path, size_t first, size_t rows, H5Kind kind, void *values,
                  Error *error)
{
    return h5_read_typed(file, path, first, rows, h5_type(kind, false), values, error);
}

bool h5_read_slab(H5 *file, const char *path, const H5Slab *slab, H5Kind kind, void *values, Error *error)
{
    H5Selection selection;
    bool ok = h5_select_slab(file, path, slab, &selection) &&
              H5Dread(selection.data, h5_type(kind, false), selection.in_memory, selection.in_file,
                      H5P_DEFAULT, values) >= 0;
    if (!ok) h5_fail(file->path, "read", path, error);
    h5_unselect(&selection);
    return ok;
}

double *h5_read_numbers(H5 *file, const char *path, int *rank, size_t dims[H5_MAX_RANK], Error *error)
{
    if (!h5_shape(file, path, rank, dims, error)) return NULL;
    double *values = allocate(extents_count(*rank, dims) * sizeof *values);
    if (h5_read(file, path, H5_F64, values, error)) return values;
    free(values);
    return NULL;
}

/* ---- names ---- */

char **h5_read_names(H5 *file, const char *path, size_t *count, Error *error)
{
    int rank;
    size_t dims[H5_MAX_RANK];
    if (!h5_shape(file, path, &rank, dims, error)) return NULL;
    *count = extents_count(rank, dims);
    hid_t data = h5_dataset(file, path), type = H5Dget_type(data);
    if (!h5_fixed_text(type) || H5Tget_size(type) > H5_TEXT_MOST) {
        h5_release(type);
        error_set(error, "%s: %s holds no text of a fixed length; try a file that sim wrote", file->path,
                  path);
        return NULL;
    }
    const size_t size = H5Tget_size(type);
    char *packed = allocate_zeroed(*count, size);
    char **names = NULL;
    if (H5Dread(data, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, packed) < 0)
        h5_fail(file->path, "read", path, error);
    else
        names = allocate_zeroed(*count, sizeof *names);
    for (size_t i = 0; names && i < *count; i++) {
        names[i] = allocate_zeroed(1, size + 1);
        memcpy(names[i], packed + i * size, size);
    }
    h5_release(type);
    free(packed);
    return names;
}

void h5_free_names(char **names, size_t count)
{
    for (size_t i = 0; names && i < count; i++) free(names[i]);
    free(names);
}

/* ---- tables ---- */

bool h5_table_rows(H5 *file, const char *path, H5Row row, size_t first, size_t rows, void *values,
                   Error *error)
{
    hid_t type = h5_row_type(row, false);
    bool ok = h5_read_typed(file, path, first, rows, type, values, error);
    h5_release(type);
    return ok;
}

void *h5_table_read(H5 *file, const char *path, H5Row row, size_t *rows, Error *error)
{
    int rank;
    size_t dims[H5_MAX_RANK];
    if (!h5_shape(file, path, &rank, dims, error)) return NULL;
    *rows = extents_count(rank, dims);
    void *values = allocate_zeroed(*rows, row.bytes);
    if (h5_table_rows(file, path, row, 0, *rows, values, error)) return values;
    free(values);
    return NULL;
}

/* ---- what is there ---- */

typedef struct Names {
    char **name;
    size_t count;
} Names;

static herr_t take_dataset(hid_t group, const char *name, const H5L_info_t *info, void *context)
{
    (void)info;
    Names *names = context;
    hid_t object = H5Oopen(group, name, H5P_DEFAULT);
    if (object >= 0 && H5Iget_type(object) == H5I_DATASET) {
        names->name = allocate_more(names->name, names->count, sizeof *names->name);
        names->name[names->count++] = words_copy(name);
    }
    h5_release(object);
    return 0;
}

/* Links that are no names of their own lead back, nowhere, or to other files. */
static herr_t take_at_depth(hid_t root, const char *name, const H5L_info_t *info, void *context)
{
    char path[1024];
    const bool own = info->type == H5L_TYPE_HARD && strlen(name) + 2 < sizeof path;
    if (own) snprintf(path, sizeof path, "/%s", name);
    return own ? take_dataset(root, path, info, context) : 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* `listed`: what HDF5 said of the iteration. Frees the names. */
static bool visit_in_order(H5 *file, Names *names, herr_t listed,
                           bool (*visit)(const char *name, void *context), void *context, Error *error)
{
    bool ok = listed >= 0 || h5_fail(file->path, "list", "the datasets", error);
    if (names->count) qsort(names->name, names->count, sizeof *names->name, by_name);
    for (size_t i = 0; ok && i < names->count; i++)
        if (!visit(names->name[i], context)) break;
    h5_free_names(names->name, names->count);
    return ok;
}

/* Names come as they lie, and are sorted here: to sort them itself HDF5 (1.10.8) makes a table first, and where a link is
 * damaged it frees what it has not yet put in there. */
bool h5_each(H5 *file, bool (*visit)(const char *name, void *context), void *context, Error *error)
{
    Names names = {.count = 0};
    herr_t listed = H5Literate(file->id, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, take_dataset, &names);
    return visit_in_order(file, &names, listed, visit, context, error);
}

bool h5_walk(H5 *file, bool (*visit)(const char *path, void *context), void *context, Error *error)
{
    Names names = {.count = 0};
    herr_t listed = H5Lvisit(file->id, H5_INDEX_NAME, H5_ITER_NATIVE, take_at_depth, &names);
    return visit_in_order(file, &names, listed, visit, context, error);
}
