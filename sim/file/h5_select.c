/* h5_select.c - some of an array: where it lies in the file, and where in memory. */
#define H5_USE_110_API
#include <hdf5.h>
#include "sim/file/h5_private.h"

bool h5_select_rows(H5 *file, const char *path, size_t first, size_t rows, H5Selection *selection)
{
    hsize_t start[H5S_MAX_RANK] = {first}, count[H5S_MAX_RANK] = {0};
    *selection = (H5Selection){h5_dataset(file, path), -1, -1};
    if (selection->data < 0) return false;
    selection->in_file = H5Dget_space(selection->data);
    const int rank = H5Sget_simple_extent_dims(selection->in_file, count, NULL);
    if (rank == 0) selection->in_memory = H5Screate(H5S_SCALAR);
    if (rank <= 0) return rank == 0;
    count[0] = rows;
    selection->in_memory = H5Screate_simple(rank, count, NULL);
    return H5Sselect_hyperslab(selection->in_file, H5S_SELECT_SET, start, NULL, count, NULL) >= 0;
}

/* In memory it is of one row of so many values. */
bool h5_select_slab(H5 *file, const char *path, const H5Slab *s, H5Selection *selection)
{
    *selection = (H5Selection){h5_dataset(file, path), -1, -1};
    if (selection->data < 0) return false;
    selection->in_file = H5Dget_space(selection->data);
    bool matrix = H5Sget_simple_extent_ndims(selection->in_file) == 2, packed = s->stride == s->columns;
    const hsize_t start[] = {matrix ? s->row : s->column, s->column},
                  count[] = {matrix ? s->rows : s->columns, s->columns};
    const hsize_t from = s->from, stride = packed ? s->rows * s->columns : s->stride;
    const hsize_t pieces = packed ? 1 : s->rows, piece = packed ? s->rows * s->columns : s->columns;
    const hsize_t extent = from + (pieces - 1) * stride + piece;
    selection->in_memory = H5Screate_simple(1, &extent, NULL);
    return H5Sselect_hyperslab(selection->in_file, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
           H5Sselect_hyperslab(selection->in_memory, H5S_SELECT_SET, &from, &stride, &pieces, &piece) >= 0;
}

void h5_unselect(H5Selection *selection)
{
    h5_release(selection->in_memory);
    h5_release(selection->in_file);
}
