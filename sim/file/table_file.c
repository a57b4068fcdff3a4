/* table_file.c - the first attributes, and the last call. */
#include "sim/file/table_file.h"
#include <stdio.h>

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
