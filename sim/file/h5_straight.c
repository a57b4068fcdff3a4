/* h5_straight.c - rows of numbers that go into a published file past HDF5, to where it would put them. Through it a row
 * of one number rewrites the chunk that it is in, and each flush looks through every dataset in use. */
#define H5_USE_110_API
#include <hdf5.h>
#include "sim/file/h5_private.h"
#include <stdio.h>
#include "sim/base/posix.h"

/* Whether they lie in the file as in memory: whole, in one piece or in chunks of whole rows. */
static bool lies_plain(hid_t data, H5Kind kind, H5Straight *s)
{
    hsize_t dims[H5S_MAX_RANK], chunk[H5S_MAX_RANK];
    hid_t type = H5Dget_type(data), space = H5Dget_space(data), list = H5Dget_create_plist(data);
    const int rank = H5Sget_simple_extent_dims(space, dims, NULL);
    const bool chunked = H5Pget_layout(list) == H5D_CHUNKED;
    const haddr_t place = chunked ? HADDR_UNDEF : H5Dget_offset(data);
    bool plain = rank > 0 && H5Tequal(type, h5_type(kind, false)) > 0 && H5Pget_nfilters(list) == 0 &&
                 (chunked ? H5Pget_chunk(list, rank, chunk) == rank : place != HADDR_UNDEF);
    *s = (H5Straight){.kind = kind, .row = h5_width(kind)};
    for (int i = 1; i < rank && plain; i++) {
        plain = !chunked || chunk[i] == dims[i];
        s->row *= dims[i];
    }
    if (plain) s->rows = dims[0];
    if (plain) s->chunk = chunked ? chunk[0] : dims[0];
    if (plain && !chunked) s->place = place;
    h5_release(list);
    h5_release(space);
    h5_release(type);
    return plain;
}

/* Of the chunk with this row. */
static bool find_place(hid_t data, H5Straight *s, size_t row)
{
    hsize_t at[H5S_MAX_RANK] = {row / s->chunk * s->chunk}, bytes;
    unsigned filters;
    haddr_t place;
    if (s->place > 0 && row - s->first < s->chunk) return true; /* one before the first is far behind it */
    if (H5Dget_chunk_info_by_coord(data, at, &filters, &place, &bytes) < 0 || place == HADDR_UNDEF)
        return false;
    s->first = at[0];
    s->place = place;
    return true;
}

H5Open *h5_straight(H5 *file, const char *path, H5Kind kind, size_t first, size_t rows)
{
    H5Open *open = file->draft.file < 0 || file->draft.temporary ? NULL : h5_opened(file, path);
    H5Straight s;
    if (!open || open->id < 0 || open->running) return NULL;
    if (!open->straight) {
        if (!lies_plain(open->id, kind, &s)) return NULL;
        h5_open_again(file, open); /* what HDF5 keeps of it would be older than the file */
        open->is = s;
        open->straight = open->id >= 0;
    }
    const bool within = rows <= open->is.rows && first <= open->is.rows - rows;
    return open->straight && open->is.kind == kind && within ? open : NULL;
}

bool h5_write_straight(H5 *file, H5Open *open, size_t first, size_t rows, const void *values, Error *error)
{
    H5Straight *s = &open->is;
    const char *from = values;
    while (rows > 0) {
        if (!find_place(open->id, s, first))
            return h5_fail(file->path, "find the values of", open->path, error);
        const size_t left = s->first + s->chunk - first, count = rows < left ? rows : left;
        const int number =
            files_write_at(file->draft.file, from, count * s->row, s->place + (first - s->first) * s->row);
        if (number) {
            char what[512];
            snprintf(what, sizeof what, "write %s", open->path);
            return files_refuse(file->path, what, number, error);
        }
        from += count * s->row;
        first += count;
        rows -= count;
    }
    return true;
}
