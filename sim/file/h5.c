/* h5.c - HDF5 files: made, edited, published, closed; and what went wrong. */
#define H5_USE_110_API /* the same functions whatever the library's version */
#include <hdf5.h>
#include "sim/file/h5_private.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "sim/base/posix.h"
#include "sim/base/words.h"
#include "sim/file/not_hdf5.h"

enum {
    COMPACT_MOST = 4096, /* attributes that lie in their group's header, under its checksum */
    CACHE_BYTES = 65536, /* a dataset: a column's current chunk and some; the default is 1 MB each */
    CACHE_SLOTS = 101,
    SIEVE_BYTES = 4096 /* what is smaller goes through a buffer, which is read first; the default is 64 KB */
};

/* ---- what went wrong ---- */

typedef struct Cause {
    int number;     /* errno of the system call that failed, or 0 */
    char text[256]; /* HDF5's innermost complaint */
} Cause;

static herr_t note_cause(unsigned depth, const H5E_error2_t *entry, void *context)
{
    Cause *cause = context;
    const char *text = entry->desc ? entry->desc : "";
    if (depth == 0) snprintf(cause->text, sizeof cause->text, "%s", text);
    const char *number = strstr(text, "errno = ");
    if (number && !cause->number) cause->number = (int)strtol(number + strlen("errno = "), NULL, 10);
    return 0;
}

/* Must come right after the call that failed: the next one clears HDF5's
 * stack of errors. The system's errno is only there as text. */
bool h5_fail(const char *path, const char *verb, const char *object, Error *error)
{
    Cause cause = {0, "HDF5 gives no reason"};
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, note_cause, &cause);
    char what[512];
    snprintf(what, sizeof what, "%s%s%s", verb, *object ? " " : "", object);
    if (cause.number) return files_refuse(path, what, cause.number, error);
    if (!strcmp(cause.text, "unable to find link class")) strcpy(cause.text, "it is a link to another file");
    return error_set(error, "%s: cannot %s: %s; is it a whole HDF5 file of the expected layout?", path, what,
                     cause.text);
}

void h5_release(hid_t id)
{
    if (id >= 0) H5Idec_ref(id); /* closes whatever it is */
}

/* ---- files ---- */

/* What every file is opened with. No atexit handler: at exit() HDF5 would
 * close a broken file again. Files lock themselves (draft.h), and HDF5's locks would be in the way, whatever the
 * environment asks for. Links to other files are followed nowhere: who reports a file reads that file, and HDF5 would
 * wait for what comes through a pipe. */
hid_t h5_access_list(void)
{
    unsetenv("HDF5_USE_FILE_LOCKING");
    H5dont_atexit();
    H5open();
    if (H5Lis_registered(H5L_TYPE_EXTERNAL) > 0) H5Lunregister(H5L_TYPE_EXTERNAL);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* its reports go into our one line instead */
    hid_t list = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_libver_bounds(list, H5F_LIBVER_V18, H5F_LIBVER_V18);
    H5Pset_file_locking(list, false, true);
    H5Pset_fclose_degree(list, H5F_CLOSE_STRONG);
    H5Pset_cache(list, 0, CACHE_SLOTS, CACHE_BYTES, 1.0);
    H5Pset_sieve_buf_size(list, SIEVE_BYTES);
    return list;
}

H5 *h5_new(hid_t id, const char *path)
{
    H5 *file = allocate_zeroed(1, sizeof *file);
    file->id = id;
    file->path = words_copy(path);
    file->draft.file = -1;
    return file;
}

void h5_plain_group(hid_t list)
{
    H5Pset_obj_track_times(list, false);
    H5Pset_attr_phase_change(list, COMPACT_MOST, COMPACT_MOST);
}

H5 *h5_create(const char *path, Error *error)
{
    hid_t list = h5_access_list(), root = H5Pcreate(H5P_FILE_CREATE);
    H5 *file = h5_new(-1, path);
    h5_plain_group(root);
    bool ok = draft_begin(&file->draft, path, error);
    if (ok) {
        file->id = H5Fcreate(file->draft.temporary, H5F_ACC_TRUNC, root, list);
        ok = file->id >= 0 || h5_fail(path, "create", "", error);
    }
    h5_release(root);
    h5_release(list);
    if (ok) return file;
    h5_abandon(file);
    return NULL;
}

H5 *h5_open(const char *path, Error *error)
{
    FILE *plain = files_open(path); /* HDF5 would wait for what comes through a pipe */
    if (!plain) {
        files_refuse(path, "open", errno, error);
        return NULL;
    }
    fclose(plain);
    hid_t list = h5_access_list(), id = -1;
    if (H5Fis_hdf5(path) == 0) {
        refuse_not_hdf5(path, error);
        h5_release(list);
        return NULL;
    }
    id = H5Fopen(path, H5F_ACC_RDONLY, list);
    bool ok = id >= 0 || h5_fail(path, "open", "", error);
    h5_release(list);
    return ok ? h5_new(id, path) : NULL;
}

H5 *h5_edit(const char *path, Error *error)
{
    hid_t list = h5_access_list();
    H5 *file = h5_new(-1, path);
    file->edits = true;
    bool ok = draft_begin(&file->draft, path, error) && files_copy(path, file->draft.temporary, error);
    if (ok) {
        file->id = H5Fopen(file->draft.temporary, H5F_ACC_RDWR, list);
        ok = file->id >= 0 || h5_fail(path, "open", "", error);
    }
    h5_release(list);
    if (ok) return file;
    h5_abandon(file);
    return NULL;
}

void h5_fill_disk(H5 *file)
{
    file->full = true;
}

/* What HDF5 writes first of a file that has grown is how long it is: who killed it then would leave one that nobody opens.
 * So it is as long before. */
static bool reach_end(const H5 *file)
{
    hsize_t bytes;
    struct stat at;
    if (file->draft.file < 0) return true;
    if (H5Fget_filesize(file->id, &bytes) < 0 || fstat(file->draft.file, &at) != 0) return false;
    return at.st_size >= (off_t)bytes || ftruncate(file->draft.file, (off_t)bytes) == 0;
}

bool h5_flush(H5 *file, Error *error)
{
    file->keeps = false;
    return (reach_end(file) && H5Fflush(file->id, H5F_SCOPE_LOCAL) >= 0) ||
           h5_fail(file->path, "write", "", error);
}

bool h5_flush_rows(H5 *file, Error *error)
{
    return !file->keeps || h5_flush(file, error);
}

void h5_let_go(H5 *file, bool (*worthless)(const char *path))
{
    file->worthless = worthless;
}

bool h5_publish(H5 *file, Error *error)
{
    Draft *draft = &file->draft;
    if (!h5_flush(file, error) ||
        !(file->edits ? draft_replace(draft, error) : draft_place(draft, file->worthless, error)))
        return false;
    free(file->path);
    file->path = words_copy(draft->path);
    return true;
}

const char *h5_path(const H5 *file)
{
    return file->path;
}

const char *h5_kept(const H5 *file)
{
    return file->draft.kept ? file->draft.kept : "";
}

int h5_hold(const H5 *file)
{
    return draft_hold(&file->draft);
}

bool h5_is_there(const H5 *file)
{
    return draft_is_there(&file->draft);
}

static void forget_datasets(H5 *file)
{
    for (H5Open *open = file->open, *next; open; open = next) {
        next = open->next;
        free(open->running);
        free(open);
    }
    file->open = NULL;
}

void h5_release_all(H5 *file)
{
    for (H5Open *open = file->open; open; open = open->next) h5_release(open->id);
    forget_datasets(file);
}

static void forget(H5 *file)
{
    forget_datasets(file);
    draft_end(&file->draft);
    free(file->path);
    free(file);
}

bool h5_close(H5 *file, Error *error)
{
    /* after the flush nothing is left to write, so that closing cannot fail half-way */
    if (!(file->draft.temporary ? h5_publish(file, error) : h5_flush(file, error))) {
        h5_abandon(file);
        return false;
    }
    h5_release_all(file);
    bool ok = H5Fclose(file->id) >= 0 || h5_fail(file->path, "close", "", error);
    forget(file);
    return ok;
}

void h5_abandon(H5 *file)
{
    if (!file) return;
    forget(file);
}
