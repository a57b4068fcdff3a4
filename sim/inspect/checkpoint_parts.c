/* checkpoint_parts.c - parameters and the optimizer's values of them, tensor by tensor. */
#include "sim/inspect/checkpoint_parts.h"
#include <stdio.h>
#include <string.h>
#include "models/training/optimizer.h"
#include "sim/base/words.h"
#include "sim/config/rows.h"
#include "sim/file/checkpoint_sums.h"
#include "sim/inspect/pieces.h"

enum { PATH = 1100 };
static const char model[] = "/model/", optimizer[] = "/optimizer/", buffers[] = "/buffers/";

typedef struct Parts {
    H5 *file;
    const Arrays *arrays;
    H5Kind kind;
    OptimizerKind optimizer;
    Error *error;
} Parts;

static bool read_optimizer(Parts *p)
{
    const ConfigRow *row = config_row_at(config_row_find("train", "optimizer"));
    char name[32] = "", shown[64];
    h5_get_text(p->file, "/config", "train.optimizer", name, sizeof name);
    for (int i = 0; row->choices[i]; i++)
        if (strcmp(row->choices[i], name) == 0) {
            p->optimizer = (OptimizerKind)i;
            return true;
        }
    words_show(shown, sizeof shown, name);
    return error_set(p->error, "%s: its train.optimizer is %s, which this sim has not; is the file damaged?",
                     h5_path(p->file), shown);
}

/* A dataset that a checkpoint has values in: its values are all there, and of its kind. */
static bool check_tensor(const Parts *p, const Array *a)
{
    if (a->rank == 1 || a->rank == 2)
        return h5_check_array(p->file, a->path, p->kind, a->rank, a->dims, p->error);
    return error_set(p->error, "%s: %s has %d dimensions, not 1 or 2; is the file damaged?", h5_path(p->file),
                     a->path, a->rank);
}

static bool has_alike(const Parts *p, const char *path, const Array *as)
{
    const Array *a = arrays_find(p->arrays, path);
    return (a && arrays_alike(a, as)) ||
           error_set(p->error, "%s: it has no %s in the shape of %s; is the file damaged?", h5_path(p->file),
                     path, as->path);
}

static bool check_states(const Parts *p, const Array *parameter)
{
    for (int state = 0; state < optimizer_states(p->optimizer); state++) {
        char path[PATH];
        snprintf(path, sizeof path, "/optimizer/%s/%s", optimizer_state_name(p->optimizer, state),
                 parameter->path + strlen(model));
        if (!has_alike(p, path, parameter)) return false;
    }
    return true;
}

/* What a state is of. */
static bool check_parameter(const Parts *p, const Array *state)
{
    char path[PATH];
    const char *name = strchr(state->path + strlen(optimizer), '/');
    snprintf(path, sizeof path, "%s%s", model, name ? name + 1 : "");
    return has_alike(p, path, state);
}

static bool is_in(const Array *a, const char *group)
{
    return strncmp(a->path, group, strlen(group)) == 0;
}

static bool is_value(const Array *a)
{
    return is_in(a, model) || is_in(a, optimizer) || is_in(a, buffers);
}

static bool check_shapes(const Parts *p, size_t *tensors, double *values)
{
    size_t parameters = 0;
    *tensors = 0;
    *values = 0;
    for (size_t i = 0; i < p->arrays->count; i++) {
        const Array *a = &p->arrays->array[i];
        bool parameter = is_in(a, model);
        if (!is_value(a)) continue;
        if (!check_tensor(p, a)) return false;
        if (!is_in(a, buffers) && !(parameter ? check_states(p, a) : check_parameter(p, a))) return false;
        parameters += parameter;
        ++*tensors;
        *values += (double)array_values(a);
    }
    return parameters > 0 ||
           error_set(p->error, "%s: it has no tensor in /model; is the file damaged?", h5_path(p->file));
}

/* Every tensor, and no other, has a checksum, and adds up to it. */
static bool check_sums(const Parts *p, const CheckpointSums *sums, size_t tensors, double values)
{
    Progress progress;
    bool ok = sums->tensors == tensors ||
              error_set(p->error, "%s: it has %zu checksum%s of %zu tensor%s; is the file damaged?",
                        h5_path(p->file), sums->tensors, words_s((int64_t)sums->tensors), tensors,
                        words_s((int64_t)tensors));
    progress_begin_aside(&progress, values);
    for (size_t i = 0; ok && i < p->arrays->count; i++) {
        const Array *a = &p->arrays->array[i];
        uint64_t sum;
        ok = !is_value(a) || (values_sum(p->file, a, p->kind, &sum, &progress, p->error) &&
                              checkpoint_sums_fit(sums, p->file, a->path, sum, p->error));
    }
    progress_end(&progress);
    return ok;
}

bool checkpoint_parts_check(H5 *file, const Arrays *arrays, H5Kind kind, Error *error)
{
    Parts p = {file, arrays, kind, OPTIMIZER_SGD, error};
    CheckpointSums sums = {.tensors = 0};
    size_t tensors;
    double values;
    bool ok = h5_check_object(file, "/config", error) && read_optimizer(&p) &&
              check_shapes(&p, &tensors, &values) && checkpoint_sums_read(&sums, file, error) &&
              check_sums(&p, &sums, tensors, values);
    checkpoint_sums_free(&sums);
    return ok;
}
