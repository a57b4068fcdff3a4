/* schema.c - the names of kinds. */
#include "sim/file/schema.h"
#include <string.h>
#include "sim/base/version.h"

const char *const schema_name[SCHEMAS] = {
    [SCHEMA_RUN] = "sim-run/6",         [SCHEMA_CHECKPOINT] = "sim-checkpoint/2",
    [SCHEMA_WEIGHTS] = "sim-weights/1", [SCHEMA_GRADIENTS] = "sim-gradients/1",
    [SCHEMA_SWEEP] = "sim-sweep/1",     [SCHEMA_GOODPUT] = "sim-goodput/1",
};

Schema schema_of(H5 *file, char said[SCHEMA_TEXT])
{
    said[0] = '\0';
    h5_get_text(file, "/", "schema", said, SCHEMA_TEXT);
    int kind = 0;
    while (kind < SCHEMAS &&
           strncmp(said, schema_name[kind], strcspn(schema_name[kind], "/") + 1) != 0) /* "sim-run/" */
        kind++;
    return (Schema)kind;
}

Schema schema_at(const char *path)
{
    char said[SCHEMA_TEXT];
    H5 *file = h5_open(path, NULL);
    const Schema schema = file ? schema_of(file, said) : SCHEMAS;
    if (file) h5_close(file, NULL);
    return schema;
}

bool schema_is(H5 *file, Schema schema, char said[SCHEMA_TEXT])
{
    return schema_of(file, said) == schema && strcmp(said, schema_name[schema]) == 0;
}

bool schema_write(H5 *file, Schema schema, char created[UTC_TEXT], Error *error)
{
    utc_now(created);
    return h5_set_text(file, "/", "schema", schema_name[schema], error) &&
           h5_set_text(file, "/", "sim_version", SIM_VERSION, error) &&
           h5_set_text(file, "/", "created", created, error);
}
