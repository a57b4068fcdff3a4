/* h5.h - the one door to HDF5: a file with groups, attributes, plain arrays
 * and tables, written so that h5py, pandas, xarray, ncdump and h5dump read it
 * without knowing sim.
 *
 * Serial, one process a file. The file format of HDF5 1.8, whose headers have
 * checksums of their own; no texts of variable length; no locking; storage is
 * allocated when a dataset is made: once a file is published only raw data
 * changes in place, so a kill leaves a file that opens, and a live one can be
 * read. What changes the structure (making a file, growing a column) happens
 * in a draft (sim/base/draft.h), which takes its place as a whole or not at all.
 *
 * Every function that takes an Error returns false (or NULL) and fills it when
 * the system or HDF5 refuses. After a failed write, flush or close, leave the
 * file with h5_abandon() and the process with exit() or MPI_Abort(), not
 * through MPI_Finalize(): there HDF5 would close the broken file, and may hang
 * or crash. */
#ifndef SIM_FILE_H5_H
#define SIM_FILE_H5_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "models/machine/error.h"
#include "sim/base/draft.h"
#include "sim/base/progress.h"

typedef struct H5 H5;
typedef enum { H5_F32, H5_F64, H5_I32, H5_I64, H5_U64 } H5Kind;
extern const H5Kind h5_real;  /* what a `real` is */
size_t h5_width(H5Kind kind); /* bytes of a value */
enum { H5_MAX_RANK = 5 };

H5 *h5_create(const char *path, Error *error); /* a draft until it is published */
H5 *h5_edit(const char *path, Error *error);   /* the same, of a copy of PATH, whose place it takes */
H5 *h5_open(const char *path, Error *error);   /* to read, also while another process writes it */
bool h5_flush(H5 *file, Error *error);
/* The same where h5_write() and h5_table_write() alone have written. */
bool h5_flush_rows(H5 *file, Error *error);
/* Flushes to the disk and puts the file in its place; it stays open. A file that was there is kept under another
 * name, h5_kept() ("": there was none), unless h5_let_go() told which are worthless and it is one; and while another
 * process writes that, this one goes to another name, h5_path(). */
bool h5_publish(H5 *file, Error *error);
void h5_let_go(H5 *file, bool (*worthless)(const char *path));
const char *h5_path(const H5 *file);
const char *h5_kept(const H5 *file);
/* Others take the file to be written until this is closed, whatever becomes of `file`; -1 of one opened to read. */
int h5_hold(const H5 *file);
/* Of one that is published: false when it was removed since, with its folder maybe. */
bool h5_is_there(const H5 *file);
/* Publishes what is not published yet, and closes. False: the file is abandoned. */
bool h5_close(H5 *file, Error *error);
/* From here on what is written into it is refused, as on a full disk; a copy (h5_edit) is not. */
void h5_fill_disk(H5 *file);
/* Forgets a broken file without calling HDF5; removes its draft. NULL is left alone. */
void h5_abandon(H5 *file);

/* Attributes. `object` is "/" or a path to a group or dataset; setting one that exists replaces its value. */
bool h5_group(H5 *file, const char *path, Error *error);
bool h5_set_text(H5 *file, const char *object, const char *name, const char *value, Error *error);
bool h5_set_number(H5 *file, const char *object, const char *name, double value, Error *error);
bool h5_set_integer(H5 *file, const char *object, const char *name, int64_t value, Error *error);
/* False when there is no such attribute, or one of another type: a text of variable length, too, which stays
 * unread (h5_type.c says why). */
bool h5_get_text(H5 *file, const char *object, const char *name, char *value, size_t size);
bool h5_get_number(H5 *file, const char *object, const char *name, double *value);

/* An array. Floats are filled with NaN, integers with `fill`. `scales[i]` is
 * the path of the dimension scale of axis i, or NULL. */
typedef struct H5Array {
    const char *path, *units, *long_name;
    H5Kind kind;
    int rank; /* 0 .. H5_MAX_RANK */
    size_t dims[H5_MAX_RANK];
    bool grows;    /* along axis 0 */
    bool unfilled; /* holds nothing at first: all of it will be written */
    bool summed;   /* its checksum is made of its rows as they are written, one after the other */
    int64_t fill;
    const char *scales[H5_MAX_RANK];
} H5Array;
bool h5_array(H5 *file, const H5Array *array, Error *error);
bool h5_names(H5 *file, const char *path, const char *long_name, const char *const *names, size_t count,
              Error *error); /* 1-D text, made a dimension scale */
bool h5_texts(H5 *file, const char *path, const char *long_name, const char *const *texts, size_t count,
              Error *error);                                  /* the same, and no scale */
bool h5_make_scale(H5 *file, const char *path, Error *error); /* a 1-D array becomes a dimension scale */
bool h5_unlink(H5 *file, const char *path, Error *error);     /* a dataset that is not in use */
bool h5_link(H5 *file, const char *path, const char *another_name, Error *error);
bool h5_extend(H5 *file, const char *path, size_t rows, Error *error); /* or trims */
/* Writes rows first..first+rows-1 along axis 0 (of rank 0: its one value); `kind` is what `values` hold. Rows of a
 * published file that lie there as they do here are in it at once, the others after a flush. */
bool h5_write(H5 *file, const char *path, size_t first, size_t rows, H5Kind kind, const void *values,
              Error *error);
bool h5_write_text(H5 *file, const char *path, const char *long_name, const char *text, Error *error);

/* A table: one compound row a struct. `size` is the bytes of a text field, its
 * closing NUL included. `scale` as in an array. */
typedef struct H5Field {
    const char *name;
    size_t offset;
    bool text;
    H5Kind kind; /* when not text */
    size_t size; /* when text */
} H5Field;
typedef struct H5Row {
    const H5Field *field; /* (fields), as they lie in the struct */
    int fields;
    size_t bytes; /* of the struct */
} H5Row;
typedef struct H5Table {
    const char *path, *units, *long_name;
    const char *scale; /* NULL: none */
    H5Row row;
    size_t rows;
    bool unfilled, summed; /* as an array's */
} H5Table;
bool h5_table(H5 *file, const H5Table *table, Error *error);
/* Bytes of a row in the file, where nothing lies between its fields; and some rows as they are there. */
size_t h5_packed_bytes(H5Row row);
void h5_pack(H5Row row, size_t rows, const void *values, void *packed);
/* Writes rows first..first+rows-1, which are packed. */
bool h5_table_write_packed(H5 *file, const char *path, H5Row row, size_t first, size_t rows,
                           const void *packed, Error *error);
/* Writes rows first..first+rows-1. */
bool h5_table_write(H5 *file, const char *path, H5Row row, size_t first, size_t rows, const void *values,
                    Error *error);
/* Reads by field name; returns malloc'd rows, or NULL. Fields the file lacks are zero. */
void *h5_table_read(H5 *file, const char *path, H5Row row, size_t *rows, Error *error);

/* A rectangle of an array of rank 2, or of rank 1 (row 0, rows 1), and where its values lie in memory: (i, j) at
 * from + i stride + j. */
typedef struct H5Slab {
    size_t row, column, rows, columns;
    size_t from, stride;
} H5Slab;
bool h5_read_slab(H5 *file, const char *path, const H5Slab *slab, H5Kind kind, void *values, Error *error);

/* An empty draft, as one that is lent: what is to be an HDF5 file when it is taken back is written there. */
H5 *h5_blank(const char *path, Error *error);

/* A draft that several processes fill at once, each with slabs of its own, none of which overlap. Who made it, with
 * all its datasets, notes where their values lie and lends it; all write there, as into any file, beside each other and
 * beside what else they do: HDF5 knows of one thread, and its parallel writes, through this Open MPI, hang or lose data
 * on a full disk. When they have, its maker gives the draft to whoever puts it in its place; or takes it back before. */
bool h5_place(H5 *file, const char *path, uint64_t *place, Error *error); /* of a dataset in one piece */
bool h5_lend(H5 *file, Error *error);                                     /* false: as after a failed write */
bool h5_take_room(H5 *file,
                  Error *error);      /* of one that is lent; false: it may be abandoned, and all goes on */
const char *h5_draft(const H5 *file); /* what to write into */
bool h5_take_back(H5 *file, Error *error);  /* false: it is lent still, and may be abandoned */
void h5_give_draft(H5 *file, Draft *draft); /* of one that is lent; frees `file` */

/* Checks, by the headers alone, of a file that anyone may have made or damaged: that a dataset is of exactly this
 * type and shape, and that all of it lies in the file, unfiltered. Refused with what it is and what was
 * expected. What these let pass can be read into memory of the file's own size. */
bool h5_check_object(H5 *file, const char *path,
                     Error *error); /* that a group or dataset is there, and whole */
bool h5_check_array(H5 *file, const char *path, H5Kind kind, int rank, const size_t *dims, Error *error);
bool h5_check_table(H5 *file, const char *path, H5Row row, size_t rows, Error *error);
/* One text (rank 0) or a row of 1 to `most` (rank 1), of a fixed length up to `most_bytes`; `count`: how many. */
bool h5_check_texts(H5 *file, const char *path, int rank, size_t most, size_t most_bytes, size_t *count,
                    Error *error);
/* A checksum of a group's attributes, of a dataset's attributes, type, shape and values: whatever else is in the
 * file, and however it lies there. The attribute `but` is left out, NULL: none; so are references. `progress` goes on by
 * the bytes of values. */
bool h5_checksum(H5 *file, const char *path, const char *but, uint64_t *sum, Progress *progress,
                 Error *error);
/* How many bytes of values a dataset has; 0 of a group, and of what cannot be read. */
double h5_bytes(H5 *file, const char *path);

/* Reading. Returned memory is malloc'd and the caller's to free. */
bool h5_exists(H5 *file, const char *path);
bool h5_is_floating(H5 *file, const char *path); /* a dataset of floating-point numbers, of any width */
/* Whether all values of a dataset lie in the file itself, if compressed: others are read as zeros, or from elsewhere. */
bool h5_is_written(H5 *file, const char *path);
bool h5_shape(H5 *file, const char *path, int *rank, size_t dims[H5_MAX_RANK], Error *error);
bool h5_read(H5 *file, const char *path, H5Kind kind, void *values, Error *error); /* the whole array */
/* Rows first..first+rows-1 along axis 0; of rank 0 its one value. */
bool h5_read_rows(H5 *file, const char *path, size_t first, size_t rows, H5Kind kind, void *values,
                  Error *error);
bool h5_table_rows(H5 *file, const char *path, H5Row row, size_t first, size_t rows, void *values,
                   Error *error);
double *h5_read_numbers(H5 *file, const char *path, int *rank, size_t dims[H5_MAX_RANK], Error *error);
char **h5_read_names(H5 *file, const char *path, size_t *count, Error *error); /* of a text: its one value */
void h5_free_names(char **names, size_t count);
/* Calls `visit` for each dataset at the root, in name order, until it returns false. */
bool h5_each(H5 *file, bool (*visit)(const char *name, void *context), void *context, Error *error);
/* The same for each dataset of the file itself, at any depth, by its path from the root: "/model/wte.weight". */
bool h5_walk(H5 *file, bool (*visit)(const char *path, void *context), void *context, Error *error);
/* The same for each attribute of a group or dataset. */
bool h5_each_attribute(H5 *file, const char *object, bool (*visit)(const char *name, void *context),
                       void *context, Error *error);
/* "[5, 3] of 8-byte floats", by a dataset's header. */
void h5_describe(H5 *file, const char *path, char *text, size_t size);
#endif
