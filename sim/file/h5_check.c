/* h5_check.c - whether a dataset is what a layout says it is, from its header alone: nothing is read and nothing
 * allocated before the answer. */
#define H5_USE_110_API
#include <hdf5.h>
#include "sim/file/h5_private.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "[5, 3] of 8-byte floats" */
static void describe(char *text, size_t size, int rank, const hsize_t *dims, hid_t type)
{
    static const char *const classes[] = {"integers",   "floats",    "times", "texts",
                                          "bit fields", "opaques",   "rows",  "references",
                                          "enums",      "sequences", "arrays"};
    const H5T_class_t class = H5Tget_class(type);
    size_t used = (size_t)snprintf(text, size, rank > 0 ? "[" : "a scalar of ");
    for (int i = 0; i < rank && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%llu%s", (unsigned long long)dims[i],
                                 i + 1 < rank ? ", " : "] of ");
    if (used >= size) return;
    if (H5Tis_variable_str(type) > 0)
        snprintf(text + used, size - used, "texts of variable length");
    else
        snprintf(text + used, size - used, "%zu-byte %s%s", H5Tget_size(type),
                 class == H5T_INTEGER && H5Tget_sign(type) == H5T_SGN_NONE ? "unsigned " : "",
                 class >= 0 && class < H5T_NCLASSES ? classes[class] : "nothing known");
}

void h5_describe(H5 *file, const char *path, char *text, size_t size)
{
    hid_t data = h5_dataset(file, path), space = data >= 0 ? H5Dget_space(data) : -1;
    hid_t type = data >= 0 ? H5Dget_type(data) : -1;
    hsize_t dims[H5S_MAX_RANK];
    const int rank = space >= 0 ? H5Sget_simple_extent_dims(space, dims, NULL) : -1;
    snprintf(text, size, "unreadable");
    if (rank >= 0 && type >= 0) describe(text, size, rank, dims, type);
    h5_release(type);
    h5_release(space);
}

/* The bytes of so many elements, or more than `most`. */
static size_t bytes_of(int rank, const hsize_t *dims, size_t element, size_t most)
{
    size_t bytes = element;
    for (int i = 0; i < rank; i++)
        if (dims[i] == 0) return 0;
    for (int i = 0; i < rank; i++) {
        if (bytes > most / dims[i]) return most + 1;
        bytes *= dims[i];
    }
    return bytes;
}

/* Whether all of it lies in this file as it is: an extent that a damaged or made-up header claims has no bytes. */
static bool is_stored(H5 *file, hid_t data, int rank, const hsize_t *dims, hid_t type)
{
    hsize_t whole = 0, chunk[H5S_MAX_RANK];
    H5Fget_filesize(file->id, &whole);
    const size_t bytes = bytes_of(rank, dims, H5Tget_size(type), whole);
    hid_t list = H5Dget_create_plist(data);
    bool ok = list >= 0 && bytes <= whole && H5Pget_nfilters(list) == 0 && H5Pget_external_count(list) == 0;
    switch (ok ? H5Pget_layout(list) : H5D_LAYOUT_ERROR) {
    case H5D_COMPACT: break;
    case H5D_CONTIGUOUS:
        ok = bytes == 0 || (H5Dget_offset(data) != HADDR_UNDEF && H5Dget_offset(data) + bytes <= whole);
        break;
    case H5D_CHUNKED:
        ok = H5Pget_chunk(list, H5S_MAX_RANK, chunk) == rank &&
             bytes_of(rank, chunk, H5Tget_size(type), whole) <= whole;
        break;
    default: ok = false;
    }
    ok = ok && (bytes == 0 || H5Dget_storage_size(data) >= bytes);
    h5_release(list);
    return ok;
}

/* `type` and `dims` are the layout's. */
static bool check(H5 *file, const char *path, int rank, const hsize_t *dims, hid_t type, Error *error)
{
    hid_t data = h5_dataset(file, path);
    if (data < 0) return h5_fail(file->path, "read", path, error);
    hsize_t have[H5S_MAX_RANK];
    hid_t space = H5Dget_space(data), have_type = H5Dget_type(data);
    const int have_rank = H5Sget_simple_extent_dims(space, have, NULL);
    bool same = have_rank == rank && H5Sget_simple_extent_type(space) == (rank ? H5S_SIMPLE : H5S_SCALAR);
    for (int i = 0; same && i < rank; i++) same = have[i] == dims[i];
    same = same && H5Tequal(have_type, type) > 0;
    bool ok = same && is_stored(file, data, rank, dims, type);
    if (!ok) {
        char is[160], wanted[160];
        describe(is, sizeof is, have_rank, have, have_type);
        describe(wanted, sizeof wanted, rank, dims, type);
        if (same)
            error_set(error, "%s: %s is %s that are compressed or not all in the file; is it damaged?",
                      file->path, path, is);
        else
            error_set(error, "%s: %s is %s; %s was expected; is the file damaged?", file->path, path, is,
                      strcmp(is, wanted) ? wanted : "the same of other fields or byte order");
    }
    h5_release(have_type);
    h5_release(space);
    return ok;
}

/* How many chunks hold the whole. */
static hsize_t chunks_of(hid_t list, int rank, const hsize_t *dims)
{
    hsize_t chunk[H5S_MAX_RANK], chunks = 1;
    if (H5Pget_chunk(list, H5S_MAX_RANK, chunk) != rank) return 0;
    for (int i = 0; i < rank; i++) chunks *= (dims[i] + chunk[i] - 1) / chunk[i];
    return chunks;
}

bool h5_is_written(H5 *file, const char *path)
{
    hid_t data = h5_dataset(file, path);
    if (data < 0) return false;
    hsize_t dims[H5S_MAX_RANK], chunks = 0;
    hid_t list = H5Dget_create_plist(data), space = H5Dget_space(data);
    const int rank = H5Sget_simple_extent_dims(space, dims, NULL);
    bool ok = H5Pget_external_count(list) == 0;
    switch (H5Pget_layout(list)) {
    case H5D_COMPACT: break;
    case H5D_CONTIGUOUS: ok = ok && H5Dget_offset(data) != HADDR_UNDEF; break;
    case H5D_CHUNKED:
        ok = ok && H5Dget_num_chunks(data, space, &chunks) >= 0 && chunks == chunks_of(list, rank, dims);
        break;
    default: ok = false; /* put together from other files */
    }
    h5_release(space);
    h5_release(list);
    return ok;
}

bool h5_check_object(H5 *file, const char *path, Error *error)
{
    hid_t object = H5Oopen(file->id, path, H5P_DEFAULT);
    bool ok = object >= 0 || h5_fail(file->path, "read", path, error);
    h5_release(object);
    return ok;
}

bool h5_check_array(H5 *file, const char *path, H5Kind kind, int rank, const size_t *dims, Error *error)
{
    hsize_t wanted[H5_MAX_RANK];
    for (int i = 0; i < rank; i++) wanted[i] = dims[i];
    return check(file, path, rank, wanted, h5_type(kind, true), error);
}

bool h5_check_table(H5 *file, const char *path, H5Row row, size_t rows, Error *error)
{
    const hsize_t dims = rows;
    hid_t type = h5_row_type(row, true);
    bool ok = check(file, path, 1, &dims, type, error);
    h5_release(type);
    return ok;
}

bool h5_check_texts(H5 *file, const char *path, int rank, size_t most, size_t most_bytes, size_t *count,
                    Error *error)
{
    hid_t data = h5_dataset(file, path);
    if (data < 0) return h5_fail(file->path, "read", path, error);
    hsize_t dims[H5S_MAX_RANK];
    hid_t space = H5Dget_space(data), type = H5Dget_type(data);
    const int have_rank = H5Sget_simple_extent_dims(space, dims, NULL);
    *count = rank == 0 ? 1 : have_rank == 1 ? dims[0] : 0;
    bool ok = have_rank == rank && *count >= 1 && *count <= most && h5_fixed_text(type) &&
              H5Tget_size(type) <= most_bytes && is_stored(file, data, rank, dims, type);
    if (!ok) {
        char is[160];
        describe(is, sizeof is, have_rank, dims, type);
        error_set(
            error,
            "%s: %s is %s; %s1 to %zu texts of a fixed length, at most %zu bytes, were expected; is the file "
            "damaged?",
            file->path, path, is, rank ? "a row of " : "", most, most_bytes);
    }
    h5_release(type);
    h5_release(space);
    return ok;
}
