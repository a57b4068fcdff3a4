/* validate.h - `sim validate`: what sim foretells of published measurements, beside them. */
#ifndef SIM_VALIDATE_VALIDATE_H
#define SIM_VALIDATE_VALIDATE_H
#include "sim/run/options.h"
#include "sim/validate/cases.h"

/* Foretells each case of the sets, over the cores, with what `options` sets besides; `quiet`: shows no progress. Refuses
 * with the line of the case. */
bool validate_foretell(CaseSet *set, int sets, const RunOptions *options, bool quiet, Error *error);

/* argv[0] is "validate". Returns the exit status: 0, however far off what is foretold. */
int validate_command(int argc, char **argv, const char *program_directory);
#endif
