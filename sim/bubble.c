/* bubble.c - walking each pipeline of the grid with its own durations. */
#include "sim/bubble.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "parallel/timeline.h"

typedef struct Measured {
    const Plan *plan;
    double *seconds; /* (kind, stage, microbatch) */
} Measured;

static double *place_of(const Measured *m, ActionKind kind, int stage, int microbatch)
{
    return m->seconds + ((size_t)kind * (size_t)m->plan->stages + (size_t)stage) * (size_t)m->plan->shape.m +
           microbatch;
}

static double seconds(void *context, int rank, Action action)
{
    (void)rank; /* a stage is on one rank */
    if (action.microbatch < 0) return 0;
    return *place_of(context, action.kind, action.stage, action.microbatch);
}

static void take_row(const Measured *m, const TimelineRow *row)
{
    for (int kind = 0; kind < ACTION_KINDS; kind++)
        if (row->microbatch >= 0 && strcmp(row->action, action_name[kind]) == 0)
            *place_of(m, (ActionKind)kind, row->stage, row->microbatch) = row->measured_compute;
}

double *bubble_measured(const Trainer *t, const TimelineRow *rows, int count)
{
    int columns = t->mesh.dp * t->mesh.tp; /* pipelines, rank r being of the one numbered r % columns */
    double *bubble = allocate((size_t)t->comm->size * sizeof *bubble);
    Measured m = {.plan = t->plan};
    for (int r = 0; r < t->comm->size; r++) bubble[r] = (double)NAN;
    if (t->device.dry) return bubble;
    m.seconds = allocate((size_t)ACTION_KINDS * (size_t)t->plan->stages * (size_t)t->plan->shape.m *
                         sizeof *m.seconds);
    Durations durations = {.seconds = seconds, .context = &m};
    for (int column = 0; column < columns; column++) {
        Timeline timeline;
        Error error;
        for (int i = 0; i < count; i++)
            if (rows[i].rank % columns == column) take_row(&m, &rows[i]);
        if (!timeline_walk(&timeline, t->plan, &durations, &error)) fail("%s", error.text);
        for (int p = 0; p < timeline.ranks; p++) bubble[p * columns + column] = timeline.rank[p].bubble;
        timeline_free(&timeline);
    }
    free(m.seconds);
    return bubble;
}
