/* request.h - what `sim validate` is asked for. */
#ifndef SIM_VALIDATE_REQUEST_H
#define SIM_VALIDATE_REQUEST_H
#include "models/machine/error.h"

enum { REQUEST_SETS = 32, REQUEST_KEYS = 32 };

typedef struct ValidateRequest {
    const char *path[REQUEST_SETS], *key[REQUEST_KEYS]; /* FILE.csv; --set's */
    int paths, keys;
    const char *out, *fit; /* --out's folder, --fit's keys; or NULL */
    bool help, csv, half, force;
} ValidateRequest;

bool validate_parse(ValidateRequest *request, int argc, char **argv, Error *error);
extern const char validate_help[];
#endif
