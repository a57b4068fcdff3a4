/* h5_private.h - what the sources of the one module h5 (h5.c and h5_*.c) share, and nobody else sees: they include it
 * after hdf5.h, whose types it uses. */
#ifndef SIM_FILE_H5_PRIVATE_H
#define SIM_FILE_H5_PRIVATE_H
#include "sim/file/h5.h"

enum { H5_TEXT_MOST = 1 << 24 }; /* bytes of one text; a command line may have 2 MB */

/* The checksum of a dataset whose rows are written one after the other, so far (h5_checksum.c). */
typedef struct H5Running {
    uint64_t before, sum; /* of all that stands before its values; and with them */
    uint64_t word;        /* the bytes behind the last whole word */
    size_t rows;          /* how many are in it */
    size_t block, within; /* bytes that are summed as one, and of the last block so far */
} H5Running;

/* Where rows of numbers lie in the file (h5_straight.c). */
typedef struct H5Straight {
    H5Kind kind;
    size_t rows, row, chunk; /* how many there are, bytes of one, rows in one piece */
    size_t first;            /* row of the piece that was last written into, */
    uint64_t place;          /* and where that begins; 0: none yet */
} H5Straight;

typedef struct H5Open {
    struct H5Open *next;
    hid_t id;
    H5Running *running; /* or NULL: what is written is not summed */
    bool straight;      /* what is written goes past HDF5, which keeps none of its values */
    H5Straight is;
    char path[]; /* of the dataset */
} H5Open;

struct H5 {
    hid_t id;
    char *path;
    Draft draft;                         /* of a file that is written: ended in one opened to read */
    bool edits;                          /* a draft that replaces the file at its path */
    bool (*worthless)(const char *path); /* what need not be kept there; NULL: nothing */
    H5Open *open;                        /* datasets in use */
    bool full;                           /* as if its disk were */
    bool keeps; /* HDF5 may, of what was written into datasets since the last flush */
};

hid_t h5_access_list(void); /* what every file is opened with */
H5 *h5_new(hid_t id, const char *path);
void h5_release_all(H5 *file); /* its datasets in use are no longer */
void h5_release(hid_t id);     /* closes any object; a negative id is left alone */
/* "PATH: cannot VERB OBJECT: why", from the errors of HDF5's last call; returns false. */
bool h5_fail(const char *path, const char *verb, const char *object, Error *error);
/* A list to make groups with: the same run makes the same bytes, attributes lie in the header. */
void h5_plain_group(hid_t list);
/* A dataset in use, or from here on; NULL: there is none. */
H5Open *h5_opened(H5 *file, const char *path);
/* HDF5 forgets what it keeps of it; a negative id where it refuses. */
void h5_open_again(H5 *file, H5Open *open);
/* The same for HDF5 to read and write. */
hid_t h5_dataset(H5 *file, const char *path);
H5Open *h5_find_open(H5 *file, const char *path); /* NULL: it is not in use yet */
/* Rows of one that is summed were written, of this type in memory. */
void h5_run_on(const H5Open *open, size_t first, size_t rows, hid_t type, const void *values);
/* Where rows of `kind` can be written past HDF5, what for; NULL: they cannot, or are summed. */
H5Open *h5_straight(H5 *file, const char *path, H5Kind kind, size_t first, size_t rows);
bool h5_write_straight(H5 *file, H5Open *open, size_t first, size_t rows, const void *values, Error *error);
/* Of a dataset or group; replaces the value of one that exists. */
bool h5_set_attribute(H5 *file, const char *object, const char *name, hid_t file_type, hid_t memory_type,
                      const void *value, Error *error);

hid_t h5_type(H5Kind kind, bool in_file);
hid_t h5_text_type(size_t size); /* `size` bytes, a closing NUL included */
bool h5_fixed_text(hid_t type);  /* of a fixed length, which nothing but its own bytes decides */
hid_t h5_row_type(H5Row row, bool in_file);

/* Some values of a dataset, in the file and in memory; negative where HDF5 refuses. */
typedef struct H5Selection {
    hid_t data, in_file, in_memory;
} H5Selection;
/* Rows first..first+rows-1 along axis 0, one behind the other in memory; of rank 0 its one value. False: HDF5 says why. To
 * be undone in any case. */
bool h5_select_rows(H5 *file, const char *path, size_t first, size_t rows, H5Selection *selection);
bool h5_select_slab(H5 *file, const char *path, const H5Slab *slab, H5Selection *selection);
void h5_unselect(H5Selection *selection);
/* Such rows, as `type` in memory. */
bool h5_read_typed(H5 *file, const char *path, size_t first, size_t rows, hid_t type, void *values,
                   Error *error);
#endif
