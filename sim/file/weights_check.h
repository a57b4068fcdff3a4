/* weights_check.h - whether a file, which anyone may have made, is the weights of a model; inside sim/file only. */
#ifndef SIM_FILE_WEIGHTS_CHECK_H
#define SIM_FILE_WEIGHTS_CHECK_H
#include "sim/file/h5.h"
#include "sim/file/names.h"

/* One tensor's shape in a file; returns its rank. */
int weights_shape(const Parameter *p, const FileTensor *f, size_t dims[H5_MAX_RANK]);
/* Refused with the tensor, and the value, that differs from what the model needs. Reads the file once, in pieces. */
bool weights_check(H5 *file, const Gpt *gpt, Error *error);
#endif
