/* h5_share.c - a file that others fill, and rectangles of its arrays. */
#define H5_USE_110_API
#include <hdf5.h>
#include "sim/file/h5_private.h"

/* ---- who has it ---- */

H5 *h5_blank(const char *path, Error *error)
{
    H5 *file = h5_new(-1, path);
    if (draft_begin(&file->draft, path, error)) return file;
    h5_abandon(file);
    return NULL;
}

bool h5_lend(H5 *file, Error *error)
{
    if (!h5_flush(file, error)) return false;
    h5_release_all(file);
    hid_t id = file->id;
    file->id = -1;
    return H5Fclose(id) >= 0 || h5_fail(file->path, "close", "", error);
}

bool h5_take_room(H5 *file, Error *error)
{
    return draft_reserve(&file->draft, error);
}

const char *h5_draft(const H5 *file)
{
    return file->draft.temporary;
}

bool h5_take_back(H5 *file, Error *error)
{
    hid_t list = h5_access_list();
    file->id = H5Fopen(file->draft.temporary, H5F_ACC_RDWR, list);
    bool ok = file->id >= 0 || h5_fail(file->path, "open what is written of it", "", error);
    h5_release(list);
    return ok;
}

bool h5_give_draft(H5 *file, Draft *draft, Error *error)
{
    if (!h5_lend(file, error)) return false;
    *draft = file->draft;
    file->draft = (Draft){.file = -1};
    h5_abandon(file);
    return true;
}

bool h5_place(H5 *file, const char *path, uint64_t *place, Error *error)
{
    haddr_t at = H5Dget_offset(h5_dataset(file, path));
    *place = (uint64_t)at;
    return at != HADDR_UNDEF || h5_fail(file->path, "find the values of", path, error);
}

/* ---- rectangles ---- */

/* Of the array in the file and, as one row of so many values, in memory; negative where HDF5 refuses. */
typedef struct Spaces {
    hid_t data, in_file, in_memory;
} Spaces;

static bool select_slab(H5 *file, const char *path, const H5Slab *s, Spaces *spaces)
{
    *spaces = (Spaces){h5_dataset(file, path), -1, -1};
    if (spaces->data < 0) return false;
    spaces->in_file = H5Dget_space(spaces->data);
    bool matrix = H5Sget_simple_extent_ndims(spaces->in_file) == 2, packed = s->stride == s->columns;
    const hsize_t start[] = {matrix ? s->row : s->column, s->column},
                  count[] = {matrix ? s->rows : s->columns, s->columns};
    const hsize_t from = s->from, stride = packed ? s->rows * s->columns : s->stride;
    const hsize_t pieces = packed ? 1 : s->rows, piece = packed ? s->rows * s->columns : s->columns;
    const hsize_t extent = from + (pieces - 1) * stride + piece;
    spaces->in_memory = H5Screate_simple(1, &extent, NULL);
    return H5Sselect_hyperslab(spaces->in_file, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
           H5Sselect_hyperslab(spaces->in_memory, H5S_SELECT_SET, &from, &stride, &pieces, &piece) >= 0;
}

static bool end_slab(H5 *file, const char *path, const char *verb, Spaces spaces, bool ok, Error *error)
{
    if (!ok) h5_fail(file->path, verb, path, error);
    h5_release(spaces.in_memory);
    h5_release(spaces.in_file);
    return ok;
}

bool h5_read_slab(H5 *file, const char *path, const H5Slab *slab, H5Kind kind, void *values, Error *error)
{
    Spaces s;
    bool ok = select_slab(file, path, slab, &s) &&
              H5Dread(s.data, h5_type(kind, false), s.in_memory, s.in_file, H5P_DEFAULT, values) >= 0;
    return end_slab(file, path, "read", s, ok, error);
}
