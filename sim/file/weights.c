/* weights.c - tensors by name, one parameter at a time. */
#include "sim/file/weights.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

H5 *weights_open(const char *path, const Gpt *gpt, Error *error)
{
    H5 *file = h5_open(path, error);
    if (!file || check_file(file, gpt, error)) return file;
    h5_close(file, NULL);
    return NULL;
}

void weights_read(H5 *file, const GptShape *shape, const Parameter *p, real *whole)
{
    FileTensor tensor[CUT_PARTS];
    int count = file_tensors(naming_of(shape), p, tensor);
    real *buffer = new_buffer(p);
    for (int k = 0; k < count; k++) {
        Error error;
        if (!h5_read(file, tensor[k].path, REAL_KIND, buffer, &error)) fail("%s", error.text);
        carry(p, &tensor[k], whole, buffer, false);
    }
    free(buffer);
}

/* ---- writing ---- */

H5 *weights_create(const char *path, bool gradients, Error *error)
{
    H5 *file = h5_create(path, error);
    if (!file || h5_set_text(file, "/", "schema", gradients ? "sim-gradients/1" : "sim-weights/1", error))
        return file;
    h5_abandon(file);
    return NULL;
}

bool weights_write(H5 *file, const GptShape *shape, const Parameter *p, bool gradients, real *whole,
                   Error *error)
{
    FileTensor tensor[CUT_PARTS];
    int count = file_tensors(naming_of(shape), p, tensor);
    real *buffer = new_buffer(p);
    bool ok = true;
    for (int k = 0; k < count && ok; k++) {
        H5Array array = {.path = tensor[k].path, .units = "1", .kind = REAL_KIND};
        array.long_name = gradients ? "gradient of the mean loss" : "parameter";
        array.rank = file_shape(p, &tensor[k], array.dims);
        carry(p, &tensor[k], whole, buffer, true);
        ok = h5_array(file, &array, error) &&
             h5_write(file, tensor[k].path, 0, array.dims[0], REAL_KIND, buffer, error);
    }
    free(buffer);
    return ok;
}
