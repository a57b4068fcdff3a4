/* weights.h - whole parameters and gradients in HDF5, by their names and layouts in Hugging Face's GPT-2 or Llama.
 * Splits and ranks are not its affair (sim/run/carry_weights.h). */
#ifndef SIM_FILE_WEIGHTS_H
#define SIM_FILE_WEIGHTS_H
#include "models/layers/gpt_parameters.h"
#include "models/machine/real.h"
#include "sim/file/h5.h"

/* Opens a file that has every tensor of the model, in its shape, of finite numbers, and no other; NULL: refused, with
 * what differs (sim/file/weights_check.h). */
H5 *weights_open(const char *path, const Gpt *gpt, Error *error);
/* The whole of a parameter, (whole_rows, whole_columns); ends the job where the disk fails. */
void weights_read(H5 *file, const GptShape *shape, const Parameter *p, real *whole);

/* Of the values in a file of parameters, or of gradients. */
size_t weights_bytes(const GptShape *shape);
/* A new file of parameters, or of gradients; it is there once h5_close() has returned true. */
H5 *weights_create(const char *path, bool gradients, Error *error);
bool weights_write(H5 *file, const GptShape *shape, const Parameter *p, bool gradients, real *whole,
                   Error *error);
#endif
