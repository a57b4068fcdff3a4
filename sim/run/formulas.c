/* formulas.c - row by row, but for what follows from what tokens choose. */
#include "sim/run/formulas.h"
#include <math.h>
#include <stdlib.h>
#include "sim/run/assumed_load.h"
#include "sim/run/rows.h"
#include "sim/theory/theory.h"

/* Whether rows go to the ranks of their experts alone, and not to all. */
static bool rows_move(const Config *config)
{
    return config->expert.way == DISPATCH_ALL_TO_ALL;
}

/* What follows from the experts that tokens choose, which no formula foretells, or a dry run assumes to be chosen more than
 * others: rows to other ranks, and, whichever way they come, room for them where all are taken. */
static void leave_out(const Config *config, double bytes[PURPOSES], double memory[MEMORY_CATEGORIES])
{
    if (rows_move(config)) bytes[MOE_DISPATCH] = bytes[MOE_COMBINE] = (double)NAN;
    if (config->model.shape.experts.capacity == 0) memory[MEM_ACTIVATIONS] = (double)NAN;
}

Formulas formulas_new(const Trainer *t, const Group *world, int64_t first)
{
    const Config *config = t->config;
    int ranks = world->size;
    size_t rows = rows_of(world);
    Formulas f = {.rank = allocate(rows * sizeof *f.rank),
                  .bytes = allocate(rows * PURPOSES * sizeof *f.bytes),
                  .memory = allocate(rows * MEMORY_CATEGORIES * sizeof *f.memory),
                  .copy = allocate(rows * sizeof *f.copy)};
    const bool chooses = config->expert.size > 1 && (!t->device.dry || assumes_load(config));
    for (size_t k = 0; k < rows; k++) {
        double *bytes = f.bytes + k * PURPOSES, *memory = f.memory + k * MEMORY_CATEGORIES;
        f.rank[k] = rows_rank(world, k);
        theory_bytes(config, t->plan, ranks, f.rank[k], bytes);
        theory_memory(config, t->plan, ranks, f.rank[k], memory);
        if (chooses) leave_out(config, bytes, memory);
        f.copy[k] = theory_checkpoint_copy(config, t->plan, ranks, f.rank[k], first);
        if (!rows_is_second(world, k))
            theory_links(config, t->plan, ranks, f.rank[k], rows_stand_for(world, rows_report(world, k)),
                         f.links);
    }
    for (int p = 0; p < PURPOSES; p++) { /* whole bytes, of which ranks have parts */
        if (chooses && rows_move(config) && (p == MOE_DISPATCH || p == MOE_COMBINE))
            f.links[ROUTE_INSIDE][p] = f.links[ROUTE_ACROSS][p] = (double)NAN;
        f.links[ROUTE_INSIDE][p] = rint(f.links[ROUTE_INSIDE][p]);
        f.links[ROUTE_ACROSS][p] = rint(f.links[ROUTE_ACROSS][p]);
    }
    return f;
}

void formulas_free(Formulas *f)
{
    free(f->rank);
    free(f->bytes);
    free(f->memory);
    free(f->copy);
}
