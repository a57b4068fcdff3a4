/* measured_bubble.c - walking each pipeline of the grid with its own durations. */
#include "sim/run/measured_bubble.h"
#include <math.h>
#include <stdlib.h>
#include "parallel/schedule/timeline.h"

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

/* A rank's rows are in the order of its list. */
static void take_rows(const Measured *m, int pipe, const double *computed)
{
    const Schedule *list = &m->plan->list[pipe];
    for (int i = 0; i < list->count; i++) {
        Action a = list->action[i];
        if (a.microbatch >= 0) *place_of(m, a.kind, a.stage, a.microbatch) = computed[i];
    }
}

double *bubble_measured(const Trainer *t, const double *computed)
{
    MeshShape shape = t->mesh.shape;
    if (!computed) return NULL;
    double *bubble = allocate((size_t)t->comm->size * sizeof *bubble);
    Measured m = {.plan = t->plan};
    for (int r = 0; r < t->comm->size; r++) bubble[r] = (double)NAN;
    m.seconds = allocate((size_t)ACTION_KINDS * (size_t)t->plan->stages * (size_t)t->plan->shape.m *
                         sizeof *m.seconds);
    Durations durations = {.seconds = seconds, .context = &m};
    int *member = allocate((size_t)t->comm->size * sizeof *member);
    for (int r = 0; r < t->comm->size; r++) {
        Timeline timeline;
        Error error;
        if (mesh_place(shape, r).pipe > 0) continue; /* a pipeline by its first rank */
        mesh_members(shape, r, AXIS_PIPE, member);
        for (int p = 0; p < shape.pp; p++) take_rows(&m, p, computed + (size_t)member[p] * (size_t)t->rows);
        if (!timeline_walk(&timeline, t->plan, &durations, &error)) fail("%s", error.text);
        for (int p = 0; p < shape.pp; p++) bubble[member[p]] = timeline.rank[p].bubble;
        timeline_free(&timeline);
    }
    free(member);
    free(m.seconds);
    return bubble;
}
