/* checkpoint_file.c - all of it but values and checksums. */
#include "sim/file/checkpoint_file.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "models/machine/real.h"
#include "sim/base/draft.h"
#include "sim/base/posix.h"
#include "sim/file/checkpoint_sums.h"
#include "sim/file/config_record.h"
#include "sim/file/schema.h"

typedef struct Writing {
    H5 *file;
    uint64_t *place; /* (checkpoint_places()) */
    Error *error;
} Writing;

static bool make_tensor(const Parameter *p, const char *path, int tensor, void *context)
{
    const Writing *w = context;
    H5Array array = {.path = path, .units = "1", .kind = h5_real, .unfilled = true};
    array.long_name = strncmp(path, "/model/", 7) == 0     ? "parameter"
                      : strncmp(path, "/buffers/", 9) == 0 ? "buffer"
                                                           : "optimizer state";
    array.rank = checkpoint_shape(p, array.dims);
    return h5_array(w->file, &array, w->error) && h5_place(w->file, path, &w->place[tensor], w->error);
}

static bool write_header(H5 *file, const CheckpointState *state, Error *error)
{
    char created[UTC_TEXT], data[17];
    snprintf(data, sizeof data, "%016" PRIx64, state->data);
    return schema_write(file, SCHEMA_CHECKPOINT, created, error) &&
           h5_set_text(file, "/", "precision", REAL_NAME, error) &&
           h5_set_text(file, "/", "run", state->run, error) && h5_set_text(file, "/", "data", data, error) &&
           h5_set_integer(file, "/", "step", state->step, error) &&
           h5_set_integer(file, "/", "updates", state->updates, error) &&
           h5_set_integer(file, "/", "next_sample", state->next_sample, error) &&
           h5_set_integer(file, "/", "loss_scale_fine", state->fine, error) &&
           h5_set_integer(file, "/", "moment", state->moment, error) &&
           h5_set_integer(file, "/", "loss_scaled", state->scaled, error) &&
           h5_set_number(file, "/", "loss_scale", state->loss_scale, error);
}

static bool make_groups(H5 *file, const Gpt *gpt, const Config *config, Error *error)
{
    char path[CHECKPOINT_PATH];
    int parts = checkpoint_parts(config);
    bool ok = parts == 1 || h5_group(file, "/optimizer", error);
    for (int part = 0; ok && part < parts + (gpt->buffers > 0); part++) {
        checkpoint_group(config, part, path);
        ok = h5_group(file, path, error);
    }
    return ok;
}

/* The first of a run, lent. What HDF5 cannot undo ends the job. */
static H5 *make_first(const char *path, const Gpt *gpt, const Config *config, Writing *w)
{
    /* a full disk shows before HDF5 has anything open that it could not close */
    if (!draft_has_room(path, checkpoint_bytes(gpt, config), w->error)) return NULL;
    H5 *file = w->file = h5_create(path, w->error);
    if (!file) return NULL;
    uint64_t *of_sums = &w->place[checkpoint_tensors(gpt, config)];
    if (config_record(file, config, w->error) && make_groups(file, gpt, config, w->error) &&
        checkpoint_each(gpt, config, make_tensor, w) &&
        checkpoint_sums_make(file, gpt, config, of_sums, w->error) && h5_lend(file, w->error))
        return file;
    h5_abandon(file);
    fail("%s", w->error->text);
}

static H5 *make_next(const char *path, const CheckpointImage *image, Writing *w)
{
    H5 *file = h5_blank(path, w->error);
    if (!file || checkpoint_image_put(image, file, w->place, w->error)) return file;
    h5_abandon(file);
    return NULL;
}

H5 *checkpoint_make(const char *path, const Gpt *gpt, const Config *config, const CheckpointState *state,
                    uint64_t *place, CheckpointImage **image, Error *error)
{
    Writing w = {.place = place, .error = error};
    bool first = !*image;
    if (!files_prepare(path, error)) return NULL;
    w.file = first ? make_first(path, gpt, config, &w) : make_next(path, *image, &w);
    if (!w.file) return NULL;
    if (!h5_take_back(w.file, error)) {
        h5_abandon(w.file);
        return NULL;
    }
    if (!write_header(w.file, state, error) || !h5_lend(w.file, error)) {
        h5_abandon(w.file);
        fail("%s", error->text);
    }
    if (!first) return w.file;
    *image = checkpoint_image_take(h5_draft(w.file), gpt, config, place);
    if (h5_take_room(w.file, error)) return w.file;
    h5_abandon(w.file);
    return NULL;
}
