/* shelf.h - the steps of tapes, kept once for all ranks of a process whose tapes have the same: of thousands of virtual
 * ranks that take turns each finds in the processor's cache what another has played. */
#ifndef PARALLEL_WIRE_SHELF_H
#define PARALLEL_WIRE_SHELF_H
#include "models/machine/lanes.h"

typedef struct Shelf {
    struct ShelfSteps *first; /* all that are on it */
} Shelf;

/* Takes `steps` over, which malloc() made; returns them, or the same ones that are there already, until shelf_free(). */
const LaneStep *shelf_keep(Shelf *shelf, LaneStep *steps, int count);
void shelf_free(Shelf *shelf);
#endif
