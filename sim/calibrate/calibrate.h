/* calibrate.h - `sim calibrate`: this machine as a profile, measured on its ranks. */
#ifndef SIM_CALIBRATE_CALIBRATE_H
#define SIM_CALIBRATE_CALIBRATE_H
#include "models/machine/error.h"
#include "parallel/wire/comm.h"

extern const char calibrate_usage[];

typedef struct CalibrateRequest {
    const char *out; /* the file */
    double seconds;  /* it may take about */
    bool help, all;
} CalibrateRequest;

/* argv[0] is "calibrate"; the same on every rank. */
bool calibrate_parse(int argc, char **argv, CalibrateRequest *request, Error *error);
/* Collective, once MPI has started: measures, fits, prints what the fit is worth, writes. Returns the exit status. */
int calibrate_ranks(Comm *comm, const CalibrateRequest *request);
#endif
