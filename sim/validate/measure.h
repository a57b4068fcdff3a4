/* measure.h - what a set of cases has measured, or worked out: a column of its CSV, and how sim comes to the same. */
#ifndef SIM_VALIDATE_MEASURE_H
#define SIM_VALIDATE_MEASURE_H
#include <stdint.h>
#include "models/machine/error.h"
#include "sim/run/options.h"

typedef enum {
    MEASURE_SECONDS,    /* of a step */
    MEASURE_ALL_REDUCE, /* microseconds of an all-reduce of so many bytes over all ranks */
    MEASURE_PRODUCT,    /* and of a matrix product, (m, k) by (k, n), in the precision of the run */
    /* exact: numbers that follow from others, to the last digit that is printed of them */
    MEASURE_BUBBLE, /* 1 less the share of what a stage computes in the longest time of a stage from its first action to
                     * its last [2401.10241, section 2.3] */
    MEASURE_STATES, /* GB (1e9 bytes) of parameters, gradients and optimizer state, of the rank that has most
                     * [1910.02054, table 1] */
    MEASURE_PARAMETERS, /* billions of the whole model; and of these a token meets, of experts those it goes to, and all
                         * of the embedding's and the head's matrices */
    MEASURE_MET,
    MEASURE_LAYER, /* bytes of activations that a layer keeps of a microbatch [2205.05198, table 2]: what a model of two
                     * layers keeps, less what one of one does */
    MEASURES
} Measure;

/* A column beside a measure's, a whole number: the size of what was measured. */
typedef struct SizeColumn {
    const char *name, *example;
    double most;
} SizeColumn;

enum { MEASURE_SIZES = 3 };

typedef struct MeasureColumn {
    const char *name, *unit, *example;
    double most; /* of what may be measured */
    bool exact;
    SizeColumn size[MEASURE_SIZES]; /* those that have no name are none */
} MeasureColumn;
extern const MeasureColumn measure_column[MEASURES];

/* What was measured, and of what. */
typedef struct Measured {
    Measure measure;
    int ranks;
    int64_t size[MEASURE_SIZES]; /* by the measure's columns */
} Measured;

/* Refuses what there is no time of: an all-reduce of one rank, a product of several. */
bool measure_check(const Measured *measured, Error *error);
/* What sim has for it where `run` is asked for. Refuses as a dry run does. */
bool measure_foretell(const Measured *measured, const RunOptions *run, double *foretold, Error *error);
#endif
