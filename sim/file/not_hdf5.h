/* not_hdf5.h - what a file is that is none of HDF5's, as its name tells it. */
#ifndef SIM_FILE_NOT_HDF5_H
#define SIM_FILE_NOT_HDF5_H
#include "models/machine/error.h"

/* Says so, and what to do with it. */
bool refuse_not_hdf5(const char *path, Error *error);
#endif
