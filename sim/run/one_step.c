/* one_step.c - the ranks' records of a step, as rows. */
#include "sim/run/one_step.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "sim/run/measured_bubble.h"
#include "sim/run/rows.h"
#include "sim/theory/theory.h"

/* What a rank that has ended its step waits for: the axis it shares with those that have not. */
static Part waiting_part(const MeshShape *shape)
{
    return shape->pp > 1 ? PART_PP_IDLE : shape->dp > 1 ? PART_DP_EXPOSED : PART_TP_EXPOSED;
}

/* Where the simulated seconds went. A rank that ended waits for the last. */
static bool write_breakdown(Recorder *recorder, const Trainer *t, const Group *world,
                            const StepRecord *records, const double *computed, Error *error)
{
    size_t ranks = rows_of(world);
    Part waiting = waiting_part(&t->mesh.shape);
    double end = 0, *seconds = allocate(ranks * (2 * PARTS + 1) * sizeof *seconds),
           *hidden = seconds + ranks * PARTS, *bubble = hidden + ranks * PARTS;
    double *measured = bubble_measured(t, computed);
    for (size_t k = 0; k < (size_t)group_walks(world); k++) end = fmax(end, records[k].simulated);
    for (size_t k = 0; k < ranks; k++) {
        const StepRecord *record = &records[rows_report(world, k)];
        double *spent = seconds + k * PARTS;
        memcpy(spent, record->spent, sizeof record->spent);
        memcpy(hidden + k * PARTS, record->hidden, sizeof record->hidden);
        spent[waiting] += end - record->simulated;
        bubble[k] = end > 0 ? spent[PART_PP_IDLE] / end : 0;
    }
    bool ok = recorder_breakdown(recorder, seconds, hidden, error) &&
              recorder_pipeline(recorder, bubble, measured, theory_bubble(t->config, t->microbatches), error);
    free(seconds);
    free(measured);
    return ok;
}

/* A step's bytes by the links they went over, of all ranks, and how long each rank's links sent. What is not
 * of the simulated machine went over none. */
static bool write_links(Recorder *recorder, const Group *world, const StepRecord *records, Error *error)
{
    size_t rows = rows_of(world);
    double bytes[ROUTES][PURPOSES], *busy = allocate(rows * ROUTES * sizeof *busy);
    for (int p = 0; p < PURPOSES; p++) {
        uint64_t all = 0, across = 0;
        for (size_t i = 0; i < (size_t)group_walks(world); i++) {
            all += records[i].bytes[p] * (uint64_t)rows_stand_for(world, i);
            across += records[i].across[p];
        }
        bool simulated = purpose_row[p].axis != AXIS_NONE;
        bytes[ROUTE_INSIDE][p] = simulated ? (double)(all - across) : (double)NAN;
        bytes[ROUTE_ACROSS][p] = simulated ? (double)across : (double)NAN;
    }
    for (size_t k = 0; k < rows; k++)
        memcpy(busy + k * ROUTES, records[rows_report(world, k)].busy, sizeof records->busy);
    bool ok = recorder_links(recorder, bytes[0], busy, error);
    free(busy);
    return ok;
}

bool one_step_write(Recorder *recorder, const Trainer *t, const Group *world, const StepRecord *records,
                    const double *computed, Error *error)
{
    return write_breakdown(recorder, t, world, records, computed, error) &&
           write_links(recorder, world, records, error);
}
