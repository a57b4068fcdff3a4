/* draw_cases.h - the picture of what was foretold against what was measured. */
#ifndef SIM_VALIDATE_DRAW_CASES_H
#define SIM_VALIDATE_DRAW_CASES_H
#include "sim/validate/cases.h"

/* Whether there is a set of steps, which are what is drawn. */
bool draw_cases_can(const CaseSet *set, int sets, Error *error);
/* Draws the sets of steps among them, validation.png and .svg, into `folder`, which is made if missing, and says so. */
bool draw_cases(const CaseSet *set, int sets, const char *program_directory, const char *folder,
                Error *error);
#endif
