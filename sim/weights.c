/* weights.c - tensors by name; one unit in memory at a time. */
#include "sim/weights.h"
#include <stdio.h>
#include <string.h>
#include "models/error.h"
#include "sim/agree.h"
#include "sim/h5.h"

static const H5Kind REAL_KIND = sizeof(real) == sizeof(double) ? H5_F64 : H5_F32;

static void path_of(const Parameter *p, char *path, size_t size)
{
    snprintf(path, size, "/%s", p->name);
}

static void shape_text(int rank, const size_t *dims, char *text, size_t size)
{
    int used = snprintf(text, size, "(");
    for (int i = 0; i < rank; i++)
        used += snprintf(text + used, size - (size_t)used, "%s%zu", i ? ", " : "", dims[i]);
    snprintf(text + used, size - (size_t)used, ")");
}

static int parameter_shape(const Parameter *p, size_t dims[H5_MAX_RANK])
{
    dims[0] = (size_t)(p->rows ? p->rows : p->columns);
    dims[1] = (size_t)p->columns;
    return p->rows ? 2 : 1;
}

/* ---- reading ---- */

typedef struct Check {
    const Gpt *gpt;
    bool known; /* every name so far */
    Error *error;
} Check;

/* Hugging Face's files also hold the causal masks, and a tied head beside wte. */
static bool passed_over(const Gpt *gpt, const char *name)
{
    size_t n = strlen(name);
    bool mask = strncmp(name, "h.", 2) == 0 && ((n > 10 && strcmp(name + n - 10, ".attn.bias") == 0) ||
                                                (n > 17 && strcmp(name + n - 17, ".attn.masked_bias") == 0));
    return mask || (gpt->shape.tie_embeddings && strcmp(name, "lm_head.weight") == 0);
}

static bool name_is_known(const char *name, void *context)
{
    Check *c = context;
    for (int i = 0; i < c->gpt->parameters; i++)
        if (strcmp(c->gpt->parameter[i].name, name) == 0) return true;
    if (passed_over(c->gpt, name)) return true;
    c->known = false;
    return error_set(c->error,
                     "tensor '%s' has no place in a model of %lld layers%s; try model.layers or "
                     "model.tie_embeddings as in the file",
                     name, (long long)c->gpt->shape.layers,
                     c->gpt->shape.tie_embeddings ? " with a tied head" : "");
}

static bool check_file(H5 *file, const Gpt *gpt, Error *error)
{
    for (int i = 0; i < gpt->parameters; i++) {
        const Parameter *p = &gpt->parameter[i];
        char name[64], have[128], want[128];
        size_t dims[H5_MAX_RANK], wanted[H5_MAX_RANK];
        int rank, wanted_rank = parameter_shape(p, wanted);
        path_of(p, name, sizeof name);
        if (!h5_exists(file, name))
            return error_set(error, "tensor '%s' is missing; try a file with Hugging Face's GPT-2 names",
                             p->name);
        if (!h5_shape(file, name, &rank, dims, error)) return false;
        if (rank == wanted_rank && memcmp(dims, wanted, (size_t)rank * sizeof *dims) == 0) continue;
        shape_text(rank, dims, have, sizeof have);
        shape_text(wanted_rank, wanted, want, sizeof want);
        return error_set(error, "tensor '%s' is %s, the model's is %s; try [model] sizes as in the file",
                         p->name, have, want);
    }
    Check check = {gpt, true, error};
    return h5_each(file, name_is_known, &check, error) && check.known;
}

static bool read_unit(H5 *file, const Gpt *gpt, int unit, Tensor whole, Error *error)
{
    const Unit *u = &gpt->unit[unit];
    tensor_zero(whole);
    for (int i = u->first; i < u->first + u->parameters; i++) {
        const Parameter *p = &gpt->parameter[i];
        char name[64];
        path_of(p, name, sizeof name);
        Tensor place = tensor_view(whole, p->offset, parameter_count(p));
        if (place.data && !h5_read(file, name, REAL_KIND, place.data, error)) return false;
    }
    return true;
}

bool weights_load(const char *path, DataParallel *d, Group *world, Error *error)
{
    H5 *file = world->rank == 0 ? h5_open(path, error) : NULL;
    if (!agree(world, file && check_file(file, d->gpt, error))) {
        if (file) h5_close(file, NULL);
        return false;
    }
    for (int u = 0; u < d->gpt->units; u++) {
        Tensor whole = tensor_new(d->device, MEM_WORKSPACE, REAL, d->padded[u]);
        if (file && !read_unit(file, d->gpt, u, whole, error)) fail("%s", error->text);
        tree_broadcast(world, INIT_BROADCAST, whole.data, tensor_bytes(whole), 0);
        data_parallel_set(d, u, whole);
        tensor_free(&whole);
    }
    if (file) h5_close(file, NULL);
    return true;
}

/* ---- writing ---- */

static bool write_unit(H5 *file, const Gpt *gpt, int unit, Tensor whole, bool gradients, Error *error)
{
    const Unit *u = &gpt->unit[unit];
    for (int i = u->first; i < u->first + u->parameters; i++) {
        const Parameter *p = &gpt->parameter[i];
        char name[64];
        path_of(p, name, sizeof name);
        H5Array array = {.path = name, .units = "1", .kind = REAL_KIND};
        array.long_name = gradients ? "gradient of the mean loss" : "parameter";
        array.rank = parameter_shape(p, array.dims);
        if (!h5_array(file, &array, error) ||
            !h5_write(file, name, 0, array.dims[0], REAL_KIND,
                      tensor_view(whole, p->offset, parameter_count(p)).data, error))
            return false;
    }
    return true;
}

void weights_save(const char *path, DataParallel *d, Group *world, bool gradients)
{
    Error error;
    bool writes = world->rank == 0 && !d->device->dry;
    H5 *file = writes ? h5_create(path, &error) : NULL;
    if (writes &&
        (!file || !h5_set_text(file, "/", "schema", gradients ? "sim-gradients/1" : "sim-weights/1", &error)))
        fail("%s", error.text);
    for (int u = 0; u < d->gpt->units; u++) {
        Tensor whole = {0};
        if (world->rank == 0) whole = tensor_new(d->device, MEM_COMMUNICATION, REAL, d->padded[u]);
        data_parallel_collect(d, u, gradients, whole);
        if (writes && !write_unit(file, d->gpt, u, whole, gradients, &error)) fail("%s", error.text);
        tensor_free(&whole);
    }
    if (writes && !h5_close(file, &error)) fail("%s", error.text);
}
