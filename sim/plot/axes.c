/* axes.c - the bytes of a step, summed by the axis of the grid that they move along. */
#include "sim/plot/axes.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "parallel/wire/purpose.h"

enum { DATA, TENSOR, PIPELINE, EXPERT, RUN, OTHER, AXES }; /* the stack's parts */

/* Where the bytes of a purpose of that name move; a newer file may have purposes that are not known here. */
static size_t axis_of(const char *purpose)
{
    const PurposeRow *row = purpose_named(purpose);
    if (!row) return OTHER;
    switch (row->axis) {
    case AXIS_DATA: return DATA;
    case AXIS_TENSOR: return TENSOR;
    case AXIS_PIPE: return PIPELINE;
    case AXIS_EXPERT: return EXPERT;
    case AXIS_EXPERT_DATA:
    case AXIS_NONE: break;
    }
    return RUN;
}

void plot_axes_sum(PlotRun *run)
{
    static const char *const names[AXES] = {"data", "tensor", "pipeline", "expert", "control", "other"};
    const PlotStack *comm = &run->comm;
    PlotStack *axes = &run->axes;
    plot_stack_name(axes, names, AXES);
    plot_stack_make(axes, run->recorded, AXES);
    snprintf(axes->why, PLOT_WHY, "%s", comm->why);
    bool unknown[AXES];
    for (size_t rank = 0; rank < (size_t)run->recorded; rank++) {
        memset(unknown, 0, sizeof unknown);
        for (size_t part = 0; part < comm->parts; part++) {
            const size_t cell = rank * comm->parts + part, axis = axis_of(comm->name[part]),
                         sum = rank * AXES + axis;
            const double theory = comm->theory[cell];
            axes->value[sum] += comm->value[cell];
            unknown[axis] = unknown[axis] || (isnan(theory) && comm->value[cell] > 0);
            if (!isnan(theory)) axes->theory[sum] = fmax(axes->theory[sum], 0) + theory; /* from NaN on */
        }
        for (size_t axis = 0; axis < AXES; axis++)
            if (unknown[axis]) axes->theory[rank * AXES + axis] = NAN;
    }
}
