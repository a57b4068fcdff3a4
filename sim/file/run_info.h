/* run_info.h - what is known of a run before its first step, and one action of a recorded step. */
#ifndef SIM_FILE_RUN_INFO_H
#define SIM_FILE_RUN_INFO_H
#include <stdbool.h>
#include <stdint.h>
#include "models/machine/device.h"

enum { RUN_HOSTS = 576 }; /* of a text that tells of machines */

/* What is known before the first step. */
typedef struct RunInfo {
    const char *path, *command_line;
    const char *products; /* whose matrix products, as matmul_chosen() has it; NULL of a dry run */
    int threads;          /* of a rank; 0 of a dry run */
    const char *host;     /* the machine it trains on, as node_describe() has it; NULL of a dry run */
    const char
        *hosts; /* "host0: 0-1; host1: 2-3": which ranks are on which, where they are several; or NULL */
    int across; /* tensor groups that are on more than one */
    int ranks;
    int recorded; /* rows, each of its rank and of those after it, up to the next row's, which do the same; */
    const int *rank; /* (recorded), ascending from 0; NULL: all ranks have their own */
    bool dry;
    bool given_rows;             /* of experts, by moe.load: each replica's and microbatch's its own */
    int64_t first;               /* the step it begins with: above 0 where it goes on from a checkpoint */
    int64_t parameters;          /* of the whole model */
    double entropy;              /* floor of the loss, nats a token; NaN when unknown */
    int actions;                 /* rows of /timeline/actions, all ranks together */
    const double *theory_bytes;  /* [rank][PURPOSES] one step; NaN: no formula */
    const double *theory_memory; /* [rank][MEMORY_CATEGORIES]; NaN: no formula */
    const double *theory_copy;   /* [rank] a checkpoint's, beside training; NULL: all are NaN */
    const double
        *theory_links; /* [ROUTES][PURPOSES] one step, all ranks; NaN: no formula; NULL: all are NaN */
} RunInfo;

/* What one action took. Seconds; NaN: unknown, as all that is measured is in a dry run. Bytes. */
typedef struct TimelineRow {
    int32_t rank, stage, microbatch; /* microbatch -1: the action has none */
    int32_t overlapped;              /* 1: a forward that is one with the rank's backward after it */
    char action[8], lane[8];
    double simulated_start, simulated_end; /* since the step began */
    double recompute;                      /* of the simulated span: spent computing again */
    double communication; /* of it: waiting for tensor- or data-parallel messages; of a receive's: its wire */
    int32_t held;         /* of a file: the row of its memory that has the two below; -1: none */
    double measured_start, measured_end; /* since that rank began the step */
    double measured_compute;             /* CPU time of its compute */
    uint64_t memory[MEMORY_CATEGORIES];  /* held as it ended */
    uint64_t memory_peak;                /* the most held while it ran, all categories together */
} TimelineRow;
#endif
