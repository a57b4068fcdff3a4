/* table_file.c - the first attributes, a column at a time, and the last call. */
#include "sim/file/table_file.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool table_begin(H5 *file, const TableOrigin *o, Error *error)
{
    char created[UTC_TEXT], title[sizeof((TablePlace *)NULL)->asked + 64];
    snprintf(title, sizeof title, "%s %s", o->title, o->config);
    return schema_write(file, o->schema, created, error) &&
           h5_set_text(file, "/", "command_line", o->command_line, error) &&
           h5_set_text(file, "/", "config", o->config, error) &&
           h5_set_text(file, "/", "title", title, error) &&
           h5_write_text(file, "/ini", "the config's text", o->ini, error);
}

bool table_column(H5 *file, const TableColumn *c, const char *scale, size_t rows, const void *values,
                  Error *error)
{
    const H5Array array = {.path = c->path,
                           .units = c->units,
                           .long_name = c->long_name,
                           .kind = c->kind,
                           .rank = 1,
                           .dims = {rows},
                           .scales = {scale}};
    return h5_array(file, &array, error) && h5_write(file, c->path, 0, rows, c->kind, values, error) &&
           (scale || h5_make_scale(file, c->path, error));
}

bool table_columns(H5 *file, const TableColumn *columns, int count, const char *scale, const TableRows *rows,
                   Error *error)
{
    bool ok = true;
    char *values = allocate(rows->count * sizeof(double)); /* the widest kind */
    for (int c = 0; c < count && ok; c++) {
        const size_t width = h5_width(columns[c].kind);
        for (size_t i = 0; i < rows->count; i++)
            memcpy(values + i * width, (const char *)rows->row + i * rows->bytes + columns[c].offset, width);
        ok = table_column(file, &columns[c], scale, rows->count, values, error);
    }
    free(values);
    return ok;
}

bool table_end(H5 *file, bool written, TablePlace *place, Error *error)
{
    if (!written || !h5_publish(file, error)) {
        h5_abandon(file);
        return false;
    }
    snprintf(place->path, sizeof place->path, "%s", h5_path(file));
    snprintf(place->kept, sizeof place->kept, "%s", h5_kept(file));
    return h5_close(file, error);
}
