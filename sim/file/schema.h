/* schema.h - what a file of sim's says it is: the attribute schema of its root, a kind and the version of its layout. */
#ifndef SIM_FILE_SCHEMA_H
#define SIM_FILE_SCHEMA_H
#include "sim/base/utc.h"
#include "sim/file/h5.h"

typedef enum {
    SCHEMA_RUN,
    SCHEMA_CHECKPOINT,
    SCHEMA_WEIGHTS,
    SCHEMA_GRADIENTS,
    SCHEMA_SWEEP,
    SCHEMA_GOODPUT,
    SCHEMAS
} Schema;
/* As this sim writes it: "sim-run/6". */
extern const char *const schema_name[SCHEMAS];

enum { SCHEMA_TEXT = 64 };
/* Of which kind a file says it is, of whichever version; SCHEMAS: of none of these. `said`: what it says; "": nothing, or
 * a text of variable length. */
Schema schema_of(H5 *file, char said[SCHEMA_TEXT]);
/* The same of the file at a path; SCHEMAS, too, of what is no HDF5 or cannot be read. */
Schema schema_at(const char *path);
/* Whether it is of the version that this sim writes, too. */
bool schema_is(H5 *file, Schema schema, char said[SCHEMA_TEXT]);

/* Says it of a new file, and by which sim it is made, and when: that is in `created` then. */
bool schema_write(H5 *file, Schema schema, char created[UTC_TEXT], Error *error);
#endif
