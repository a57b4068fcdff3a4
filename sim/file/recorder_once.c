/* recorder_once.c - what a run's file holds once, of the run or of one of its steps. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include "parallel/network/network.h"
#include "sim/file/recorder.h"
#include "sim/file/recorder_private.h"
#include "sim/file/skeleton.h"

/* What was held as the actions went by. */
static bool write_moments(Recorder *r, const TimelineRow *rows, size_t count, Error *error)
{
    size_t first = (size_t)r->timed;
    uint64_t *held = allocate(count * (MEMORY_CATEGORIES + 1) * sizeof *held);
    uint64_t *peak = held + count * MEMORY_CATEGORIES;
    for (size_t i = 0; i < count; i++) {
        memcpy(held + i * MEMORY_CATEGORIES, rows[i].memory, sizeof rows[i].memory);
        peak[i] = rows[i].memory_peak;
    }
    bool ok = h5_write(r->file, "/timeline/memory", first, count, H5_U64, held, error) &&
              h5_write(r->file, "/timeline/memory_peak", first, count, H5_U64, peak, error);
    free(held);
    return ok;
}

bool recorder_actions(Recorder *r, const TimelineRow *rows, int count, Error *error)
{
    if (count > r->actions - r->timed)
        return error_set(error, "%s: %d actions after %d others, room was made for %d", r->path, count,
                         r->timed, r->actions);
    bool ok = skeleton_actions(r->file, (size_t)r->timed, rows, (size_t)count, error) &&
              write_moments(r, rows, (size_t)count, error);
    r->timed += count;
    return ok;
}

bool recorder_timeline(Recorder *r, int64_t step, const TimelineRow *rows, int count, Error *error)
{
    return recorder_actions(r, rows, count, error) && h5_flush(r->file, error) &&
           h5_set_integer(r->file, "/timeline", "step", step, error) && h5_flush(r->file, error);
}

bool recorder_pipeline(Recorder *r, const double *simulated, const double *measured, double theory,
                       Error *error)
{
    size_t ranks = (size_t)r->recorded;
    return h5_write(r->file, "/pipeline/bubble_ratio_simulated", 0, ranks, H5_F64, simulated, error) &&
           (!measured ||
            h5_write(r->file, "/pipeline/bubble_ratio_measured", 0, ranks, H5_F64, measured, error)) &&
           h5_write(r->file, "/pipeline/bubble_ratio_theory", 0, 1, H5_F64, &theory, error) &&
           h5_flush(r->file, error);
}

bool recorder_breakdown(Recorder *r, const double *seconds, const double *hidden, Error *error)
{
    size_t ranks = (size_t)r->recorded;
    return h5_write(r->file, "/breakdown/simulated", 0, ranks, H5_F64, seconds, error) &&
           h5_write(r->file, "/breakdown/hidden", 0, ranks, H5_F64, hidden, error) &&
           h5_flush(r->file, error);
}

bool recorder_links(Recorder *r, const double *bytes, const double *busy, Error *error)
{
    return h5_write(r->file, "/links/bytes", 0, ROUTES, H5_F64, bytes, error) &&
           h5_write(r->file, "/links/busy", 0, (size_t)r->recorded, H5_F64, busy, error) &&
           h5_flush(r->file, error);
}

bool recorder_work(Recorder *r, const WorkDone done[WORK_KINDS], Error *error)
{
    static const struct {
        const char *path;
        size_t offset;
    } columns[] = {
        {"/work/kernels", offsetof(WorkDone, kernels)}, {"/work/flops", offsetof(WorkDone, flops)},
        {"/work/bytes", offsetof(WorkDone, bytes)},     {"/work/products", offsetof(WorkDone, products)},
        {"/work/again", offsetof(WorkDone, again)},     {"/work/seconds", offsetof(WorkDone, seconds)}};
    for (size_t c = 0; c < sizeof columns / sizeof *columns; c++) {
        double column[WORK_KINDS];
        for (int k = 0; k < WORK_KINDS; k++)
            memcpy(&column[k], (const char *)&done[k] + columns[c].offset, sizeof column[k]);
        if (!h5_write(r->file, columns[c].path, 0, WORK_KINDS, H5_F64, column, error)) return false;
    }
    return h5_flush(r->file, error);
}

bool recorder_outside(Recorder *r, const uint64_t *bytes, const uint64_t *messages, Error *error)
{
    size_t ranks = (size_t)r->recorded;
    return h5_write(r->file, "/comm/bytes_outside", 0, ranks, H5_U64, bytes, error) &&
           h5_write(r->file, "/comm/messages_outside", 0, ranks, H5_U64, messages, error) &&
           h5_flush(r->file, error);
}

bool recorder_late(Recorder *r, int64_t messages, int64_t late, Error *error)
{
    return h5_set_integer(r->file, "/comm", "late_link_messages", messages, error) &&
           h5_set_integer(r->file, "/comm", "late_messages", late, error) && h5_flush(r->file, error);
}
