/* held.c - by its schema a file is opened by the reader of its kind; then its datasets are listed. */
#include "sim/inspect/held.h"
#include <stdlib.h>
#include <string.h>
#include "sim/base/words.h"
#include "sim/file/checkpoint_file.h"
#include "sim/inspect/checkpoint_parts.h"
#include "sim/sweep/sweep_file.h"

const char *const held_kind[SCHEMAS] = {
    [SCHEMA_RUN] = "a run's file",     [SCHEMA_CHECKPOINT] = "a checkpoint",
    [SCHEMA_WEIGHTS] = "weights",      [SCHEMA_GRADIENTS] = "gradients",
    [SCHEMA_SWEEP] = "a sweep's file", [SCHEMA_GOODPUT] = "a table of sim goodput",
};

static const char try_one[] =
    "try a run's file, a checkpoint, weights, gradients, a sweep's file or a table of sim goodput";

/* All there is of weights is tensors; what else lies beside them in a file of another's is let be. */
static bool has_tensors(const Held *h, Error *error)
{
    for (size_t i = 0; i < h->arrays.count; i++)
        if (h->arrays.array[i].tensor) return true;
    return error_set(error, "%s: not a file of sim's: it has no attribute schema, and no tensor; %s", h->path,
                     try_one);
}

/* What it says it is, of a version that this sim knows, or whose reader says that it does not; SCHEMAS: none of these. A
 * file that says nothing may be another's weights. */
static Schema kind_of(const Held *h, char said[SCHEMA_TEXT])
{
    Schema kind = schema_of(h->file, said);
    bool has_reader = kind == SCHEMA_RUN || kind == SCHEMA_CHECKPOINT || kind == SCHEMA_SWEEP;
    if (!said[0]) return SCHEMA_WEIGHTS;
    return has_reader || (kind < SCHEMAS && schema_is(h->file, kind, said)) ? kind : SCHEMAS;
}

static bool open_kind(Held *h, Error *error)
{
    char said[SCHEMA_TEXT];
    if (!h5_check_object(h->file, "/", error)) return false;
    h->kind = kind_of(h, said);
    switch (h->kind) {
    case SCHEMA_RUN:
        h->run = run_file_open(h->path, error);
        return h->run && arrays_read(&h->arrays, h->file, error);
    case SCHEMA_CHECKPOINT:
        return checkpoint_state(h->file, &h->state, &h->real, error) &&
               arrays_read(&h->arrays, h->file, error) &&
               checkpoint_parts_check(h->file, &h->arrays, h->real, error);
    case SCHEMA_SWEEP:
        return sweep_file_read(&h->sweep, h->path, error) && arrays_read(&h->arrays, h->file, error);
    case SCHEMA_GOODPUT: return arrays_read(&h->arrays, h->file, error);
    case SCHEMA_WEIGHTS:
    case SCHEMA_GRADIENTS: return arrays_read(&h->arrays, h->file, error) && has_tensors(h, error);
    default:
        return error_set(error, "%s: not a file of this sim: its attribute schema is \"%s\"; %s", h->path,
                         said, try_one);
    }
}

bool held_open(Held *h, const char *path, Error *error)
{
    *h = (Held){.path = words_copy(path), .kind = SCHEMAS};
    h->file = h5_open(path, error);
    if (h->file && open_kind(h, error)) return true;
    held_close(h);
    return false;
}

void held_close(Held *h)
{
    run_file_close(h->run);
    if (h->kind == SCHEMA_SWEEP) sweep_free(&h->sweep);
    if (h->file) h5_close(h->file, NULL);
    arrays_free(&h->arrays);
    free(h->path);
    *h = (Held){.kind = SCHEMAS};
}
