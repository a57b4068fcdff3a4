/* request.h - the words after `sim goodput`, and its help. */
#ifndef SIM_GOODPUT_REQUEST_H
#define SIM_GOODPUT_REQUEST_H
#include <stdbool.h>
#include <stdint.h>
#include "models/machine/error.h"

#define GOODPUT_STEPS_MOST 1e12
enum { GOODPUT_SETS = 64, GOODPUT_INTERVALS = 64, GOODPUT_RUNS_MOST = 10000 };

typedef struct GoodputRequest {
    const char *config, *out; /* out: the folder; NULL: the default */
    const char *set[GOODPUT_SETS];
    int64_t interval[GOODPUT_INTERVALS]; /* steps between checkpoints, ascending */
    int sets, intervals;                 /* no intervals: a row around the best by formula */
    int ranks, runs;                     /* runs: of each interval, with failures of their own */
    int64_t steps;                       /* 0: as many as take `days` */
    double days, mtbf_hours, restart_seconds;
    bool csv, force, help;
} GoodputRequest;

extern const char goodput_help[];

/* Looks at no file. The words stay where they are while the request is used. */
bool goodput_parse(GoodputRequest *request, int argc, char **argv, Error *error);
#endif
