/* arrays.h - the datasets of a file, whatever it is. */
#ifndef SIM_INSPECT_ARRAYS_H
#define SIM_INSPECT_ARRAYS_H
#include "sim/file/h5.h"

typedef struct Array {
    char *path; /* "/model/wte.weight" */
    int rank;
    size_t dims[H5_MAX_RANK];
    bool tensor; /* of floating-point numbers along one axis or two, all in the file (pieces.h) */
} Array;

typedef struct Arrays {
    Array *array; /* by name */
    size_t count;
    double bytes; /* of all values */
} Arrays;

bool arrays_read(Arrays *arrays, H5 *file, Error *error);
void arrays_free(Arrays *arrays);
/* The dataset of that path, or NULL. */
const Array *arrays_find(const Arrays *arrays, const char *path);
/* Whether both have the same extents. */
bool arrays_alike(const Array *a, const Array *b);
/* How many values it has. */
size_t array_values(const Array *array);
#endif
