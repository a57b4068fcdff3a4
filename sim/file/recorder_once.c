/* recorder_once.c - what a run's file holds once, of the run or of one of its steps. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include "parallel/network/network.h"
#include "sim/file/layout.h"
#include "sim/file/recorder.h"
#include "sim/file/recorder_held.h"
#include "sim/file/recorder_private.h"

/* ---- the timeline ---- */

enum { BLOCK_ROWS = 2048 }; /* that are written at once: of few rows, too, where they come a few at a time */

/* A dry run has millions, of which the file has what the struct begins with, up to what was held: copied as one. */
enum { HELD_END = offsetof(TimelineRow, held) + sizeof(int32_t) };
static void pack(const Recorder *r, const TimelineRow *rows, size_t count, char *packed)
{
    if (h5_packed_bytes(r->row) != HELD_END) {
        h5_pack(r->row, count, rows, packed);
        return;
    }
    for (size_t i = 0; i < count; i++) memcpy(packed + i * HELD_END, &rows[i], HELD_END);
}

/* `held`: the rows say which row of what actions held is theirs. */
static bool add_to_block(Recorder *r, const TimelineRow *rows, size_t count, bool held, Error *error)
{
    const size_t bytes = h5_packed_bytes(r->row);
    RecorderBlock *b = &r->block;
    if (!b->rows) b->rows = allocate(BLOCK_ROWS * bytes);
    char *packed = b->rows + b->count * bytes;
    pack(r, rows, count, packed);
    for (size_t i = 0; i < count && !held; i++) {
        int32_t row;
        if (!recorder_held_row(r, &rows[i], &row, error)) return false;
        memcpy(packed + i * bytes + offsetof(TimelineRow, held), &row, sizeof row);
    }
    b->count += count;
    return true;
}

static bool write_block(Recorder *r, Error *error)
{
    RecorderBlock *b = &r->block;
    const size_t first = (size_t)r->timed - b->count, count = b->count;
    b->count = 0;
    return count == 0 || h5_table_write_packed(r->file, layout_actions, r->row, first, count, b->rows, error);
}

static bool add_actions(Recorder *r, const TimelineRow *rows, int count, bool held, Error *error)
{
    RecorderBlock *b = &r->block;
    if (count > r->actions - r->timed)
        return error_set(error, "%s: %d actions after %d others, room was made for %d", r->path, count,
                         r->timed, r->actions);
    for (int done = 0, part; done < count; done += part) {
        part = BLOCK_ROWS - (int)b->count < count - done ? BLOCK_ROWS - (int)b->count : count - done;
        if (!add_to_block(r, rows + done, (size_t)part, held, error)) return false;
        r->timed += part;
        if (b->count == BLOCK_ROWS && !write_block(r, error)) return false;
    }
    return true;
}

bool recorder_actions(Recorder *r, const TimelineRow *rows, int count, Error *error)
{
    return add_actions(r, rows, count, false, error);
}

bool recorder_actions_held(Recorder *r, const TimelineRow *rows, int count, Error *error)
{
    return add_actions(r, rows, count, true, error);
}

bool recorder_held(Recorder *r, const TimelineRow *row, int32_t *held, Error *error)
{
    return recorder_held_row(r, row, held, error);
}

bool recorder_timeline(Recorder *r, int64_t step, const TimelineRow *rows, int count, Error *error)
{
    return recorder_actions(r, rows, count, error) && write_block(r, error) && recorder_held_end(r, error) &&
           h5_flush(r->file, error) && h5_set_integer(r->file, "/timeline", "step", step, error) &&
           h5_flush(r->file, error);
}

/* ---- and the rest ---- */

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
