/* h5_write.c - writing HDF5 files: groups, arrays, names, tables. */
#define H5_USE_110_API
#include <hdf5.h>
#include <hdf5_hl.h>
#include "sim/file/h5_private.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 4096 }; /* a step touches one page a column: its flush rewrites no more */

/* ---- groups and links ---- */

bool h5_group(H5 *file, const char *path, Error *error)
{
    hid_t list = H5Pcreate(H5P_GROUP_CREATE);
    h5_plain_group(list);
    hid_t group = H5Gcreate2(file->id, path, H5P_DEFAULT, list, H5P_DEFAULT);
    bool ok = group >= 0 || h5_fail(file->path, "make the group", path, error);
    h5_release(list);
    h5_release(group);
    return ok;
}

bool h5_link(H5 *file, const char *path, const char *another_name, Error *error)
{
    return H5Lcreate_hard(file->id, path, file->id, another_name, H5P_DEFAULT, H5P_DEFAULT) >= 0 ||
           h5_fail(file->path, "link", another_name, error);
}

bool h5_unlink(H5 *file, const char *path, Error *error)
{
    return H5Ldelete(file->id, path, H5P_DEFAULT) >= 0 || h5_fail(file->path, "remove", path, error);
}

/* ---- datasets ---- */

static H5Open *remember(H5 *file, const char *path, hid_t id)
{
    if (id < 0) return NULL;
    H5Open *open = allocate(sizeof *open + strlen(path) + 1);
    *open = (H5Open){.next = file->open, .id = id};
    memcpy(open->path, path, strlen(path) + 1);
    file->open = open;
    return open;
}

/* Those in use again and again come to be found first. */
H5Open *h5_find_open(H5 *file, const char *path)
{
    for (H5Open **at = &file->open, *open; (open = *at); at = &open->next) {
        if (strcmp(open->path, path) != 0) continue;
        *at = open->next;
        open->next = file->open;
        return file->open = open;
    }
    return NULL;
}

/* Stays open until the file is closed: opening one costs more than a step's row. */
H5Open *h5_opened(H5 *file, const char *path)
{
    H5Open *open = h5_find_open(file, path);
    return open ? open : remember(file, path, H5Dopen2(file->id, path, H5P_DEFAULT));
}

void h5_open_again(H5 *file, H5Open *open)
{
    h5_release(open->id);
    open->id = H5Dopen2(file->id, open->path, H5P_DEFAULT);
    open->straight = false;
}

hid_t h5_dataset(H5 *file, const char *path)
{
    H5Open *open = h5_opened(file, path);
    if (open && open->straight) h5_open_again(file, open);
    return open ? open->id : -1;
}

/* What a dataset is called. */
typedef struct Label {
    const char *path, *units, *long_name;
} Label;

static bool make(H5 *file, const Label *label, hid_t type, hid_t space, hid_t list, Error *error)
{
    const char *path = label->path;
    H5Pset_alloc_time(list, H5D_ALLOC_TIME_EARLY); /* a full disk shows now, not at step 900 */
    H5Pset_obj_track_times(list, false);           /* the same run makes the same bytes */
    hid_t id = H5Dcreate2(file->id, path, type, space, H5P_DEFAULT, list, H5P_DEFAULT);
    if (id < 0) return h5_fail(file->path, "make", path, error);
    remember(file, path, id);
    return h5_set_text(file, path, "units", label->units, error) &&
           h5_set_text(file, path, "long_name", label->long_name, error);
}

static bool attach(H5 *file, const char *path, int axis, const char *scale, Error *error)
{
    return H5DSattach_scale(h5_dataset(file, path), h5_dataset(file, scale), (unsigned)axis) >= 0 ||
           h5_fail(file->path, "attach the scale", scale, error);
}

static void sum_as_written(H5 *file, const char *path)
{
    H5Open *open = h5_find_open(file, path);
    open->running = allocate_zeroed(1, sizeof *open->running);
}

bool h5_array(H5 *file, const H5Array *a, Error *error)
{
    bool floats = a->kind == H5_F32 || a->kind == H5_F64;
    hsize_t dims[H5_MAX_RANK], most[H5_MAX_RANK], chunk[H5_MAX_RANK];
    size_t row_bytes = H5Tget_size(h5_type(a->kind, true));
    for (int i = 0; i < a->rank; i++) {
        dims[i] = most[i] = chunk[i] = a->dims[i];
        if (chunk[i] == 0) chunk[i] = 1;
        if (i > 0) row_bytes *= chunk[i];
    }
    hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    if (a->grows) {
        hsize_t rows = CHUNK_BYTES / row_bytes;
        chunk[0] = rows < 1 ? 1 : rows < chunk[0] ? rows : chunk[0];
        most[0] = H5S_UNLIMITED;
        H5Pset_chunk(list, a->rank, chunk);
    }
    const double nan_fill = NAN;
    if (a->unfilled)
        H5Pset_fill_time(list, H5D_FILL_TIME_NEVER);
    else if (floats)
        H5Pset_fill_value(list, H5T_NATIVE_DOUBLE, &nan_fill);
    else
        H5Pset_fill_value(list, H5T_NATIVE_INT64, &a->fill);

    hid_t space = H5Screate_simple(a->rank, dims, most), type = h5_type(a->kind, true);
    bool ok = make(file, &(Label){a->path, a->units, a->long_name}, type, space, list, error);
    if (ok && floats && !a->unfilled)
        ok = h5_set_attribute(file, a->path, "_FillValue", type, H5T_NATIVE_DOUBLE, &nan_fill, error);
    for (int i = 0; i < a->rank && ok; i++)
        if (a->scales[i]) ok = attach(file, a->path, i, a->scales[i], error);
    if (ok && a->summed) sum_as_written(file, a->path);
    h5_release(space);
    h5_release(list);
    return ok;
}

bool h5_make_scale(H5 *file, const char *path, Error *error)
{
    const char *slash = strrchr(path, '/');
    return H5DSset_scale(h5_dataset(file, path), slash ? slash + 1 : path) >= 0 ||
           h5_fail(file->path, "make a scale of", path, error);
}

/* One text (rank 0) or a row of them, as long as the longest. */
static bool write_texts(H5 *file, const char *path, const char *long_name, int rank, hsize_t count,
                        const char *const *texts, Error *error)
{
    size_t size = 1;
    for (hsize_t i = 0; i < count; i++)
        if (strlen(texts[i]) >= size) size = strlen(texts[i]) + 1;
    char *packed = allocate_zeroed(count, size);
    for (hsize_t i = 0; i < count; i++) strcpy(packed + i * size, texts[i]);
    hid_t type = h5_text_type(size), list = H5Pcreate(H5P_DATASET_CREATE);
    hid_t space = rank ? H5Screate_simple(rank, &count, NULL) : H5Screate(H5S_SCALAR);
    bool ok = make(file, &(Label){path, "1", long_name}, type, space, list, error);
    if (ok && H5Dwrite(h5_dataset(file, path), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, packed) < 0)
        ok = h5_fail(file->path, "write", path, error);
    h5_release(space);
    h5_release(list);
    h5_release(type);
    free(packed);
    return ok;
}

bool h5_texts(H5 *file, const char *path, const char *long_name, const char *const *texts, size_t count,
              Error *error)
{
    return write_texts(file, path, long_name, 1, count, texts, error);
}

bool h5_names(H5 *file, const char *path, const char *long_name, const char *const *names, size_t count,
              Error *error)
{
    return h5_texts(file, path, long_name, names, count, error) && h5_make_scale(file, path, error);
}

bool h5_write_text(H5 *file, const char *path, const char *long_name, const char *text, Error *error)
{
    return write_texts(file, path, long_name, 0, 1, &text, error);
}

bool h5_extend(H5 *file, const char *path, size_t rows, Error *error)
{
    hsize_t dims[H5_MAX_RANK];
    hid_t data = h5_dataset(file, path), space = H5Dget_space(data);
    bool ok = H5Sget_simple_extent_dims(space, dims, NULL) > 0;
    dims[0] = rows;
    ok = ok && H5Dset_extent(data, dims) >= 0;
    if (!ok) h5_fail(file->path, "resize", path, error);
    h5_release(space);
    return ok;
}

static bool is_full(const H5 *file, const char *path, Error *error)
{
    return file->full && !error_set(error, "%s: cannot write %s: %s, as if the disk were full", file->path,
                                    path, strerror(ENOSPC));
}

static bool write_rows(H5 *file, const char *path, size_t first, size_t rows, hid_t type, const void *values,
                       Error *error)
{
    if (is_full(file, path, error)) return false;
    H5Selection selection;
    bool ok =
        h5_select_rows(file, path, first, rows, &selection) &&
        H5Dwrite(selection.data, type, selection.in_memory, selection.in_file, H5P_DEFAULT, values) >= 0;
    if (!ok) h5_fail(file->path, "write", path, error);
    h5_unselect(&selection);
    file->keeps = true;
    const H5Open *open = h5_find_open(file, path);
    if (ok && open->running) h5_run_on(open, first, rows, type, values);
    return ok;
}

bool h5_write(H5 *file, const char *path, size_t first, size_t rows, H5Kind kind, const void *values,
              Error *error)
{
    H5Open *straight = h5_straight(file, path, kind, first, rows);
    if (!straight) return write_rows(file, path, first, rows, h5_type(kind, false), values, error);
    return !is_full(file, path, error) && h5_write_straight(file, straight, first, rows, values, error);
}

/* ---- tables ---- */

bool h5_table(H5 *file, const H5Table *table, Error *error)
{
    hsize_t dims = table->rows;
    hid_t type = h5_row_type(table->row, true), list = H5Pcreate(H5P_DATASET_CREATE);
    hid_t space = H5Screate_simple(1, &dims, NULL);
    if (table->unfilled) H5Pset_fill_time(list, H5D_FILL_TIME_NEVER);
    const Label label = {table->path, table->units, table->long_name};
    bool ok = make(file, &label, type, space, list, error) &&
              (!table->scale || attach(file, table->path, 0, table->scale, error));
    if (ok && table->summed) sum_as_written(file, table->path);
    h5_release(space);
    h5_release(list);
    h5_release(type);
    return ok;
}

/* Bytes that lie together in a struct and in a row of the file. */
typedef struct Stretch {
    size_t from, to, bytes;
} Stretch;

static size_t bytes_of(const H5Field *f)
{
    return f->text ? f->size : h5_width(f->kind);
}

size_t h5_packed_bytes(H5Row row)
{
    size_t bytes = 0;
    for (int i = 0; i < row.fields; i++) bytes += bytes_of(&row.field[i]);
    return bytes;
}

/* Returns how many; at most one a field. */
static int stretches_of(H5Row row, Stretch *stretch)
{
    int count = 0;
    size_t to = 0;
    for (int i = 0; i < row.fields; i++) {
        const H5Field *f = &row.field[i];
        Stretch *last = count ? &stretch[count - 1] : NULL;
        if (!last || last->from + last->bytes != f->offset)
            *(last = &stretch[count++]) = (Stretch){.from = f->offset, .to = to};
        last->bytes += bytes_of(f);
        to += bytes_of(f);
    }
    return count;
}

/* HDF5 takes ten times as long to leave out what a compiler leaves between fields. */
void h5_pack(H5Row row, size_t rows, const void *values, void *packed)
{
    Stretch *stretch = allocate((size_t)row.fields * sizeof *stretch);
    const int count = stretches_of(row, stretch);
    const size_t bytes = h5_packed_bytes(row);
    for (size_t i = 0; i < rows; i++)
        for (const Stretch *s = stretch; s < stretch + count; s++)
            memcpy((char *)packed + i * bytes + s->to, (const char *)values + i * row.bytes + s->from,
                   s->bytes);
    free(stretch);
}

bool h5_table_write_packed(H5 *file, const char *path, H5Row row, size_t first, size_t rows,
                           const void *packed, Error *error)
{
    hid_t type = h5_row_type(row, false);
    H5Tpack(type);
    bool ok = write_rows(file, path, first, rows, type, packed, error);
    h5_release(type);
    return ok;
}

bool h5_table_write(H5 *file, const char *path, H5Row row, size_t first, size_t rows, const void *values,
                    Error *error)
{
    char *packed = allocate(rows * h5_packed_bytes(row));
    h5_pack(row, rows, values, packed);
    bool ok = h5_table_write_packed(file, path, row, first, rows, packed, error);
    free(packed);
    return ok;
}
