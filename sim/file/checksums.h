/* checksums.h - the checksums in a run file that is complete: one an object, in the table /checksums. */
#ifndef SIM_FILE_CHECKSUMS_H
#define SIM_FILE_CHECKSUMS_H
#include "sim/file/h5.h"

/* Of a new file: the table, with nothing in it. */
bool checksums_make(H5 *file, Error *error);
/* As it was made: what it was of will change. */
bool checksums_clear(H5 *file, Error *error);
/* Of all that the layout has but the attribute `complete`: who sets that afterwards says that they hold. */
bool checksums_write(H5 *file, Error *error);
/* Of a run that is not complete, which has none to compare: that all they would be taken of can be read. */
bool checksums_try(H5 *file, Error *error);
/* Refuses a file of which anything is not as it was, naming what. The layout has been checked. */
bool checksums_check(H5 *file, const char *path, Error *error);
#endif
