/* arrays.c - listed by their headers. */
#include "sim/inspect/arrays.h"
#include <stdlib.h>
#include <string.h>
#include "sim/base/words.h"
#include "sim/file/extents.h"

typedef struct Listing {
    Arrays *arrays;
    H5 *file;
    Error *error;
    bool ok;
} Listing;

static bool list_array(const char *path, void *context)
{
    Listing *l = context;
    Arrays *all = l->arrays;
    Array a = {.rank = 0};
    l->ok = h5_shape(l->file, path, &a.rank, a.dims, l->error);
    if (!l->ok) return false;
    a.tensor = (a.rank == 1 || a.rank == 2) && h5_is_floating(l->file, path) && h5_is_written(l->file, path);
    a.path = words_copy(path);
    all->bytes += h5_bytes(l->file, path);
    all->array = allocate_more(all->array, all->count, sizeof *all->array);
    all->array[all->count++] = a;
    return true;
}

bool arrays_read(Arrays *arrays, H5 *file, Error *error)
{
    Listing l = {arrays, file, error, true};
    *arrays = (Arrays){.count = 0};
    return h5_walk(file, list_array, &l, error) && l.ok;
}

void arrays_free(Arrays *arrays)
{
    for (size_t i = 0; i < arrays->count; i++) free(arrays->array[i].path);
    free(arrays->array);
    *arrays = (Arrays){.count = 0};
}

const Array *arrays_find(const Arrays *arrays, const char *path)
{
    for (size_t i = 0; i < arrays->count; i++)
        if (strcmp(arrays->array[i].path, path) == 0) return &arrays->array[i];
    return NULL;
}

bool arrays_alike(const Array *a, const Array *b)
{
    return extents_same(a->rank, a->dims, b->rank, b->dims);
}

size_t array_values(const Array *array)
{
    return extents_count(array->rank, array->dims);
}
