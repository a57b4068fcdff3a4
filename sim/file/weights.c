/* weights.c - tensors by name; one unit in memory at a time. */
#include "sim/file/weights.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"
#include "parallel/collectives/collectives.h"
#include "sim/run/agree.h"
#include "sim/run/collect.h"
#include "sim/file/h5.h"
#include "sim/file/names.h"

static const H5Kind REAL_KIND = sizeof(real) == sizeof(double) ? H5_F64 : H5_F32;

static void shape_text(int rank, const size_t *dims, char *text, size_t size)
{
    int used = snprintf(text, size, "(");
    for (int i = 0; i < rank; i++)
        used += snprintf(text + used, size - (size_t)used, "%s%zu", i ? ", " : "", dims[i]);
    snprintf(text + used, size - (size_t)used, ")");
}

static int file_shape(const Parameter *p, const FileTensor *f, size_t dims[H5_MAX_RANK])
{
    dims[p->whole_rows && !f->transposed] = (size_t)f->columns;
    if (p->whole_rows) dims[f->transposed] = (size_t)p->whole_rows;
    return p->whole_rows ? 2 : 1;
}

/* Between a whole parameter and one tensor of a file, as it lies there. */
static void carry(const Parameter *p, const FileTensor *f, real *whole, real *in_file, bool to_file)
{
    int64_t rows = p->whole_rows ? p->whole_rows : 1;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < f->columns; c++) {
            real *ours = &whole[r * p->whole_columns + f->first + c];
            real *theirs = &in_file[f->transposed ? c * rows + r : r * f->columns + c];
            *(to_file ? theirs : ours) = *(to_file ? ours : theirs);
        }
}

/* Large enough for any tensor of p's in a file. */
static real *new_buffer(const Parameter *p)
{
    return allocate((size_t)parameter_whole_count(p) * sizeof(real));
}

/* ---- reading ---- */

typedef struct Check {
    const Gpt *gpt;
    Naming naming;
    bool known; /* every name so far */
    Error *error;
} Check;

static bool name_is_known(const char *name, void *context)
{
    Check *c = context;
    const GptShape *shape = &c->gpt->shape;
    const char *bias = c->naming == NAMES_LLAMA ? "" : ", model.bias"; /* which a Llama cannot have */
    FileTensor tensor[CUT_PARTS];
    for (int i = 0; i < c->gpt->parameters; i++)
        for (int k = file_tensors(c->naming, &c->gpt->parameter[i], tensor); k-- > 0;)
            if (strcmp(tensor[k].path + 1, name) == 0) return true;
    if (naming_passes_over(c->naming, shape, name)) return true;
    c->known = false;
    return error_set(c->error,
                     "tensor '%s' has no place in a model of %lld layers%s; try model.layers%s or "
                     "model.tie_embeddings as in the file",
                     name, (long long)shape->layers, shape->tie_embeddings ? " with a tied head" : "", bias);
}

/* A file of the other family is told by the name of its embedding. */
static bool check_family(H5 *file, const Gpt *gpt, Naming naming, Error *error)
{
    FileTensor embedding[CUT_PARTS];
    Naming other = naming == NAMES_LLAMA ? NAMES_GPT2 : NAMES_LLAMA;
    file_tensors(other, &gpt->parameter[0], embedding);
    return !h5_exists(file, embedding->path) ||
           error_set(error,
                     "tensor '%s' is one of %s's, this model's have %s's names; try model.norm, activation, "
                     "position and bias as in the file, or a preset of its family",
                     embedding->path + 1, naming_title[other], naming_title[naming]);
}

static bool check_tensor(H5 *file, Naming naming, const Parameter *p, const FileTensor *f, Error *error)
{
    char have[128], want[128];
    size_t dims[H5_MAX_RANK], wanted[H5_MAX_RANK];
    int rank, wanted_rank = file_shape(p, f, wanted);
    if (!h5_exists(file, f->path))
        return error_set(error, "tensor '%s' is missing; try a file with Hugging Face's %s names",
                         f->path + 1, naming_title[naming]);
    if (!h5_shape(file, f->path, &rank, dims, error)) return false;
    if (rank == wanted_rank && memcmp(dims, wanted, (size_t)rank * sizeof *dims) == 0) return true;
    shape_text(rank, dims, have, sizeof have);
    shape_text(wanted_rank, wanted, want, sizeof want);
    return error_set(error, "tensor '%s' is %s, the model's is %s; try [model] sizes as in the file",
                     f->path + 1, have, want);
}

static bool check_file(H5 *file, const Gpt *gpt, Error *error)
{
    Check check = {gpt, naming_of(&gpt->shape), true, error};
    FileTensor tensor[CUT_PARTS];
    if (!check_family(file, gpt, check.naming, error)) return false;
    for (int i = 0; i < gpt->parameters; i++) {
        const Parameter *p = &gpt->parameter[i];
        int count = file_tensors(check.naming, p, tensor);
        for (int k = 0; k < count; k++)
            if (!check_tensor(file, check.naming, p, &tensor[k], error)) return false;
    }
    return h5_each(file, name_is_known, &check, error) && check.known;
}

static void read_parameter(H5 *file, Naming naming, const Parameter *p, real *whole)
{
    FileTensor tensor[CUT_PARTS];
    int count = file_tensors(naming, p, tensor);
    real *buffer = new_buffer(p);
    for (int k = 0; k < count; k++) {
        Error error;
        if (!h5_read(file, tensor[k].path, REAL_KIND, buffer, &error)) fail("%s", error.text);
        carry(p, &tensor[k], whole, buffer, false);
    }
    free(buffer);
}

/* One parameter reaches every rank whole, and each takes its slice into its range of the unit. */
static void load_parameter(H5 *file, const Trainer *t, const Parameter *p, Group *world, Tensor unit)
{
    Tensor whole = tensor_new(unit.device, MEM_WORKSPACE, REAL, parameter_whole_count(p));
    if (file && whole.data) read_parameter(file, naming_of(&t->gpt->shape), p, reals(whole));
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
    Naming naming;
    bool gradients;
} Writing;

static void write_parameter(const Parameter *p, Tensor whole, void *context)
{
    const Writing *w = context;
    FileTensor tensor[CUT_PARTS];
    if (!w->file) return;
    int count = file_tensors(w->naming, p, tensor);
    real *buffer = new_buffer(p);
    for (int k = 0; k < count; k++) {
        Error error;
        H5Array array = {.path = tensor[k].path, .units = "1", .kind = REAL_KIND};
        array.long_name = w->gradients ? "gradient of the mean loss" : "parameter";
        array.rank = file_shape(p, &tensor[k], array.dims);
        carry(p, &tensor[k], reals(whole), buffer, true);
        if (!h5_array(w->file, &array, &error) ||
            !h5_write(w->file, tensor[k].path, 0, array.dims[0], REAL_KIND, buffer, &error))
            fail("%s", error.text);
    }
    free(buffer);
}

void weights_save(const char *path, Trainer *t, Group *world, bool gradients)
{
    Error error;
    bool writes = world->rank == 0 && !t->device.dry;
    H5 *file = writes ? h5_create(path, &error) : NULL;
    const char *schema = gradients ? "sim-gradients/1" : "sim-weights/1";
    if (writes && (!file || !h5_set_text(file, "/", "schema", schema, &error))) fail("%s", error.text);
    Writing writing = {file, naming_of(&t->gpt->shape), gradients};
    collect_parameters(t, gradients, write_parameter, &writing);
    if (writes && !h5_close(file, &error)) fail("%s", error.text);
}
