/* held.c - by its schema a file is opened by the reader of its kind; then its datasets are listed. */
#include "sim/inspect/held.h"
#include <stdlib.h>
#include <string.h>
#include "sim/base/words.h"
#include "sim/file/checkpoint_file.h"
#include "sim/inspect/checkpoint_parts.h"
#include "sim/sweep/sweep_file.h"

const char *const held_kind[HELD_KINDS] = {"a run's file", "a checkpoint",   "weights",
                                           "gradients",    "a sweep's file", "a table of sim goodput"};

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

/* Which kind calls itself so; HELD_KINDS: none. A file without such an attribute may be another's weights. */
static HeldKind kind_of(const Held *h, char *schema, size_t size)
{
    static const struct {
        const char *begins;
        HeldKind kind;
    } schemas[] = {{"sim-run/", HELD_RUN},          {"sim-checkpoint/", HELD_CHECKPOINT},
                   {"sim-weights/1", HELD_WEIGHTS}, {"sim-gradients/1", HELD_GRADIENTS},
                   {"sim-sweep/", HELD_SWEEP},      {"sim-goodput/1", HELD_GOODPUT}};
    if (!h5_get_text(h->file, "/", "schema", schema, size)) return HELD_WEIGHTS;
    for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++)
        if (strncmp(schema, schemas[i].begins, strlen(schemas[i].begins)) == 0) return schemas[i].kind;
    return HELD_KINDS;
}

static bool open_kind(Held *h, Error *error)
{
    char schema[64] = "";
    if (!h5_check_object(h->file, "/", error)) return false;
    h->kind = kind_of(h, schema, sizeof schema);
    switch (h->kind) {
    case HELD_RUN:
        h->run = run_file_open(h->path, error);
        return h->run && arrays_read(&h->arrays, h->file, error);
    case HELD_CHECKPOINT:
        return checkpoint_state(h->file, &h->state, &h->real, error) &&
               arrays_read(&h->arrays, h->file, error) &&
               checkpoint_parts_check(h->file, &h->arrays, h->real, error);
    case HELD_SWEEP:
        return sweep_file_read(&h->sweep, h->path, error) && arrays_read(&h->arrays, h->file, error);
    case HELD_GOODPUT: return arrays_read(&h->arrays, h->file, error);
    case HELD_WEIGHTS:
    case HELD_GRADIENTS: return arrays_read(&h->arrays, h->file, error) && has_tensors(h, error);
    default:
        return error_set(error, "%s: not a file of this sim: its attribute schema is \"%s\"; %s", h->path,
                         schema, try_one);
    }
}

bool held_open(Held *h, const char *path, Error *error)
{
    *h = (Held){.path = words_copy(path), .kind = HELD_KINDS};
    h->file = h5_open(path, error);
    if (h->file && open_kind(h, error)) return true;
    held_close(h);
    return false;
}

void held_close(Held *h)
{
    run_file_close(h->run);
    if (h->kind == HELD_SWEEP) sweep_free(&h->sweep);
    if (h->file) h5_close(h->file, NULL);
    arrays_free(&h->arrays);
    free(h->path);
    *h = (Held){.kind = HELD_KINDS};
}
