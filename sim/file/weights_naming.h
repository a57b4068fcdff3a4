/* weights_naming.h - by which names a file, which anyone may have made, has a model's tensors; inside sim/file only. */
#ifndef SIM_FILE_WEIGHTS_NAMING_H
#define SIM_FILE_WEIGHTS_NAMING_H
#include "sim/file/h5.h"
#include "sim/file/names.h"

/* Whether it has the embedding, which every model has, under this naming's name, which is left in `embedding`. */
bool weights_named(H5 *file, Naming naming, FileTensor embedding[CUT_PARTS]);
/* How this file names the model's tensors. */
Naming weights_naming(H5 *file, const GptShape *shape);
/* Whether a name in a file is of experts, of those that are shared, or of a router. */
bool weights_name_experts(const char *name);
/* Whether f is, or is part of the MLP of a layer that has a router in this file, whatever its naming. */
bool weights_of_experts(H5 *file, const Parameter *p, const FileTensor *f);
#endif
