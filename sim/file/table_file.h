/* table_file.h - what the files of tables have in common: whose they are, what columns are, and how one takes
 * its place. */
#ifndef SIM_FILE_TABLE_FILE_H
#define SIM_FILE_TABLE_FILE_H
#include <stdbool.h>
#include "models/machine/error.h"
#include "sim/file/schema.h"

/* Where it was to go, where it is, and the name that what was there has now ("": nothing was). */
typedef struct TablePlace {
    char asked[4096], path[4112], kept[4112];
} TablePlace;

/* `title`: "sim sweep of", before the config's name. */
typedef struct TableOrigin {
    Schema schema;
    const char *title;
    const char *config, *ini, *command_line; /* the ini as the user named it, its text, what was typed */
} TableOrigin;

/* Attributes of a new file, and the dataset /ini. */
bool table_begin(H5 *file, const TableOrigin *origin, Error *error);
/* A number of each row. */
typedef struct TableColumn {
    const char *path, *units, *long_name;
    H5Kind kind;
    size_t offset; /* in the struct that a row is */
} TableColumn;
/* `rows` values of one; `scale` is the path of the column that numbers the rows, NULL: of this one. */
bool table_column(H5 *file, const TableColumn *column, const char *scale, size_t rows, const void *values,
                  Error *error);
/* The rows as structs of so many bytes. */
typedef struct TableRows {
    const void *row;
    size_t bytes, count;
} TableRows;
bool table_columns(H5 *file, const TableColumn *columns, int count, const char *scale, const TableRows *rows,
                   Error *error);

/* Puts the file in its place and says the rest of `place`; unless all was `written`: then nothing is left of it. */
bool table_end(H5 *file, bool written, TablePlace *place, Error *error);
#endif
