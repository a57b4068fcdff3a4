/* run_shape.h - how a recorded run was split over its ranks: from its file's configuration. */
#ifndef SIM_FILE_RUN_SHAPE_H
#define SIM_FILE_RUN_SHAPE_H
#include <stdbool.h>
#include <stddef.h>
#include "models/machine/error.h"
#include "parallel/grid.h"

struct H5;

/* What a file does not say is not split: files older than a key lack it. */
typedef struct RunShape {
    MeshShape mesh;
    int virtual_stages; /* a rank holds */
    int microbatches;   /* a step and data replica; 0: unknown */
    bool machine;       /* hardware.profile is one: simulated seconds are of its chips */
    bool measured;      /* they are CPU time that it took */
    bool ideal;    /* hardware.profile: simulated seconds are forwards, of one microbatch on one rank: F */
    char data[32]; /* parallel.data; "" when the file does not say */
    char schedule[64]; /* a schedule's name, or a user's FILE.csv; "": unknown, or no pipeline */
} RunShape;

/* Refuses what is no count, and sizes that do not make up `ranks`. */
bool run_shape_read(RunShape *shape, struct H5 *file, int ranks, Error *error);

/* The sizes as a reader of papers knows them: "p = 4, m = 8", and v where a rank holds several stages. */
void run_shape_letters(const RunShape *shape, char *text, size_t size);

/* The schedule's bubble in those letters, "(p−1)/(m+p−1)"; "" when there is no short one. */
const char *run_shape_formula(const RunShape *shape);
#endif
