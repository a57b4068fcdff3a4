/* h5_share.c - a file that others fill: who has it. */
#define H5_USE_110_API
#include <hdf5.h>
#include "sim/file/h5_private.h"

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

void h5_give_draft(H5 *file, Draft *draft)
{
    *draft = file->draft;
    file->draft = (Draft){.file = -1};
    h5_abandon(file);
}

bool h5_place(H5 *file, const char *path, uint64_t *place, Error *error)
{
    haddr_t at = H5Dget_offset(h5_dataset(file, path));
    *place = (uint64_t)at;
    return at != HADDR_UNDEF || h5_fail(file->path, "find the values of", path, error);
}
