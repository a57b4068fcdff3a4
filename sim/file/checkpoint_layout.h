/* checkpoint_layout.h - what the sources of checkpoint_file.h share; inside sim/file only. */
#ifndef SIM_FILE_CHECKPOINT_LAYOUT_H
#define SIM_FILE_CHECKPOINT_LAYOUT_H
#include "models/layers/gpt_parameters.h"
#include "sim/config/config.h"
#include "sim/file/h5.h"

extern const char checkpoint_schema[];
/* A parameter's rank and extents. */
int checkpoint_shape(const Parameter *p, size_t dims[H5_MAX_RANK]);
/* Calls `visit` for every tensor until it returns false, which is returned. */
bool checkpoint_each(const Gpt *gpt, const Config *config,
                     bool (*visit)(const Parameter *p, const char *path, int tensor, void *context),
                     void *context);
#endif
