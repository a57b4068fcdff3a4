/* weights.c - tensors by name, one parameter at a time. */
#include "sim/file/weights.h"
#include <stdlib.h>
#include "models/layers/gpt_count.h"
#include "sim/base/posix.h"
#include "sim/file/schema.h"
#include "sim/file/weights_check.h"
#include "sim/file/weights_naming.h"

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

H5 *weights_open(const char *path, const Gpt *gpt, Error *error)
{
    H5 *file = h5_open(path, error);
    if (!file || weights_check(file, gpt, error)) return file;
    h5_close(file, NULL);
    return NULL;
}

void weights_read(H5 *file, const GptShape *shape, const Parameter *p, real *whole)
{
    FileTensor tensor[CUT_PARTS];
    int count = file_tensors(weights_naming(file, shape), p, tensor);
    real *buffer = new_buffer(p);
    for (int k = 0; k < count; k++) {
        Error error;
        if (!h5_read(file, tensor[k].path, h5_real, buffer, &error)) fail("%s", error.text);
        carry(p, &tensor[k], whole, buffer, false);
    }
    free(buffer);
}

/* ---- writing ---- */

size_t weights_bytes(const GptShape *shape)
{
    return (size_t)gpt_parameter_count(shape) * sizeof(real);
}

H5 *weights_create(const char *path, bool gradients, Error *error)
{
    /* its folder may be gone since the run began, and with it what the run has learned */
    H5 *file = files_prepare(path, error) ? h5_create(path, error) : NULL;
    const char *schema = schema_name[gradients ? SCHEMA_GRADIENTS : SCHEMA_WEIGHTS];
    if (!file || h5_set_text(file, "/", "schema", schema, error)) return file;
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
        H5Array array = {.path = tensor[k].path, .units = "1", .kind = h5_real};
        array.long_name = gradients ? "gradient of the mean loss" : "parameter";
        array.rank = weights_shape(p, &tensor[k], array.dims);
        carry(p, &tensor[k], whole, buffer, true);
        ok = h5_array(file, &array, error) &&
             h5_write(file, tensor[k].path, 0, array.dims[0], h5_real, buffer, error);
    }
    free(buffer);
    return ok;
}
