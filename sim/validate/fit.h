/* fit.h - `sim validate --fit`: values of keys that bring what is foretold nearest to what was measured. */
#ifndef SIM_VALIDATE_FIT_H
#define SIM_VALIDATE_FIT_H
#include "sim/run/options.h"
#include "sim/validate/cases.h"

/* Fits the keys named in `keys` to all cases of the sets, with what `options` sets besides, and prints them as lines of
 * an ini file, and the mean errors; `half`: to every other case, too, and to those between. Refuses before it prints. */
bool fit_cases(CaseSet *set, int sets, const char *keys, bool half, const RunOptions *options, Error *error);
#endif
