/* weights.c - tensors by name; one unit in memory at a time. */
#include "sim/weights.h"
#include <stdio.h>
#include <string.h>
#include "models/error.h"
#include "parallel/collectives.h"
#include "sim/agree.h"
#include "sim/collect.h"
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
    dims[0] = (size_t)(p->whole_rows ? p->whole_rows : p->whole_columns);
    dims[1] = (size_t)p->whole_columns;
    return p->whole_rows ? 2 : 1;
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

/* One parameter reaches every rank whole, and each takes its slice into its range of the unit. */
static void load_parameter(H5 *file, const Trainer *t, const Parameter *p, Group *world, Tensor unit)
{
    char name[64];
    Error error;
    Tensor whole = tensor_new(unit.device, MEM_WORKSPACE, REAL, parameter_whole_count(p));
    path_of(p, name, sizeof name);
    if (file && whole.data && !h5_read(file, name, REAL_KIND, whole.data, &error)) fail("%s", error.text);
    tree_broadcast(world, INIT_BROADCAST, whole.data, tensor_bytes(whole), 0);
    if (t->gpt->unit[p->unit].held)
        tensor_parallel_slice(t->gpt, p, whole, tensor_view(unit, p->offset, parameter_count(p)));
    tensor_free(&whole);
}

bool weights_load(const char *path, Trainer *t, Group *world, Error *error)
{
    DataParallel *d = t->data_parallel;
    H5 *file = world->rank == 0 ? h5_open(path, error) : NULL;
    if (!agree(world, file && check_file(file, t->gpt, error))) {
        if (file) h5_close(file, NULL);
        return false;
    }
    for (int u = 0; u < t->gpt->units; u++) {
        const Unit *unit = &t->gpt->unit[u];
        Tensor mine = tensor_new(&t->device, MEM_WORKSPACE, REAL, d->padded[u]);
        tensor_zero(mine);
        for (int i = unit->first; i < unit->first + unit->parameters; i++)
            load_parameter(file, t, &t->gpt->parameter[i], world, mine);
        data_parallel_set(d, u, mine);
        tensor_free(&mine);
    }
    if (file) h5_close(file, NULL);
    return true;
}

/* ---- writing ---- */

typedef struct Writing {
    H5 *file; /* NULL: a dry run's */
    bool gradients;
} Writing;

static void write_parameter(const Parameter *p, Tensor whole, void *context)
{
    const Writing *w = context;
    Error error;
    char name[64];
    path_of(p, name, sizeof name);
    H5Array array = {.path = name, .units = "1", .kind = REAL_KIND};
    array.long_name = w->gradients ? "gradient of the mean loss" : "parameter";
    array.rank = parameter_shape(p, array.dims);
    if (w->file && (!h5_array(w->file, &array, &error) ||
                    !h5_write(w->file, name, 0, array.dims[0], REAL_KIND, whole.data, &error)))
        fail("%s", error.text);
}

void weights_save(const char *path, Trainer *t, Group *world, bool gradients)
{
    Error error;
    bool writes = world->rank == 0 && !t->device.dry;
    H5 *file = writes ? h5_create(path, &error) : NULL;
    const char *schema = gradients ? "sim-gradients/1" : "sim-weights/1";
    if (writes && (!file || !h5_set_text(file, "/", "schema", schema, &error))) fail("%s", error.text);
    Writing writing = {file, gradients};
    collect_parameters(t, gradients, write_parameter, &writing);
    if (writes && !h5_close(file, &error)) fail("%s", error.text);
}
