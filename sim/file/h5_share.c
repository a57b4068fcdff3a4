/* h5_share.c - one file that several processes fill, and rectangles of its arrays. */
#define H5_USE_110_API
#include <hdf5.h>
#include "sim/file/h5_private.h"

/* ---- who has it ---- */

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

static hid_t open_to_write(const char *draft, int ranks)
{
    hid_t list = h5_access_list();
    if (ranks >= 0) H5Pset_fapl_mpio(list, MPI_Comm_f2c(ranks), MPI_INFO_NULL);
    hid_t id = H5Fopen(draft, H5F_ACC_RDWR, list);
    h5_release(list);
    return id;
}

bool h5_take_back(H5 *file, Error *error)
{
    file->id = open_to_write(file->draft.temporary, -1);
    return file->id >= 0 || h5_fail(file->path, "open", "", error);
}

H5 *h5_join(const char *draft, int ranks, Error *error)
{
    hid_t id = open_to_write(draft, ranks);
    if (id >= 0) return h5_new(id, draft);
    h5_fail(draft, "open", "", error);
    return NULL;
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

bool h5_write_slab(H5 *file, const char *path, const H5Slab *slab, H5Kind kind, const void *values,
                   Error *error)
{
    Spaces s;
    bool ok = select_slab(file, path, slab, &s) &&
              H5Dwrite(s.data, h5_type(kind, false), s.in_memory, s.in_file, H5P_DEFAULT, values) >= 0;
    return end_slab(file, path, "write", s, ok, error);
}

bool h5_read_slab(H5 *file, const char *path, const H5Slab *slab, H5Kind kind, void *values, Error *error)
{
    Spaces s;
    bool ok = select_slab(file, path, slab, &s) &&
              H5Dread(s.data, h5_type(kind, false), s.in_memory, s.in_file, H5P_DEFAULT, values) >= 0;
    return end_slab(file, path, "read", s, ok, error);
}
