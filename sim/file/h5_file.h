/* h5_file.h - what h5.c, h5_write.c and h5_read.c share, and nobody else sees: they
 * include it after hdf5.h, whose types it uses. */
#ifndef SIM_FILE_H5_FILE_H
#define SIM_FILE_H5_FILE_H
#include "sim/file/h5.h"

typedef struct H5Open {
    struct H5Open *next;
    hid_t id;
    char path[]; /* of the dataset */
} H5Open;

struct H5 {
    hid_t id;
    char *path, *temporary; /* temporary: PATH.tmp until published; NULL in a file opened to read */
    H5Open *open;           /* datasets in use */
};

void h5_release(hid_t id); /* closes any object; a negative id is left alone */
/* "PATH: cannot VERB OBJECT: why", from the errors of HDF5's last call; returns false. */
bool h5_fail(const char *path, const char *verb, const char *object, Error *error);
hid_t h5_dataset(H5 *file, const char *path);
hid_t h5_type(H5Kind kind, bool in_file);
hid_t h5_text_type(size_t size);
hid_t h5_row_type(const H5Field *fields, int count, size_t row_bytes, bool in_file);
#endif
