/* recorder_held.c - what actions held, a row for all that held the same one after the other. */
#include "sim/file/recorder_held.h"
#include <stdlib.h>
#include <string.h>

enum { BLOCK_ROWS = 1024 }; /* that are written at once */

void recorder_held_free(RecorderHeld *h)
{
    free(h->number);
    free(h->memory);
    free(h->peak);
}

/* What the last action held that is, most often, of the same kind. */
static RecorderLast *last_of(RecorderHeld *h, const TimelineRow *row)
{
    uint64_t name;
    _Static_assert(sizeof name == sizeof row->action, "a name is a word");
    memcpy(&name, row->action, sizeof name);
    return &h->last[name % RECORDER_LASTS];
}

static void add(RecorderHeld *h, const TimelineRow *row)
{
    if (!h->number) {
        h->number = allocate(BLOCK_ROWS * sizeof *h->number);
        h->memory = allocate(BLOCK_ROWS * sizeof row->memory);
        h->peak = allocate(BLOCK_ROWS * sizeof *h->peak);
    }
    h->number[h->count] = (int32_t)h->rows++;
    memcpy(h->memory + h->count * MEMORY_CATEGORIES, row->memory, sizeof row->memory);
    h->peak[h->count++] = row->memory_peak;
}

static bool resize(Recorder *r, Error *error)
{
    static const char *const columns[] = {"/held", "/timeline/memory", "/timeline/memory_peak"};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        if (!h5_extend(r->file, columns[i], r->held.rows, error)) return false;
    r->held.room = r->held.rows;
    return true;
}

static bool write_block(Recorder *r, Error *error)
{
    RecorderHeld *h = &r->held;
    const size_t count = h->count, first = h->rows - count;
    h->count = 0;
    return (h->rows <= h->room || resize(r, error)) &&
           h5_write(r->file, "/held", first, count, H5_I32, h->number, error) &&
           h5_write(r->file, "/timeline/memory", first, count, H5_U64, h->memory, error) &&
           h5_write(r->file, "/timeline/memory_peak", first, count, H5_U64, h->peak, error);
}

bool recorder_held_row(Recorder *r, const TimelineRow *row, int32_t *held, Error *error)
{
    RecorderHeld *h = &r->held;
    RecorderLast *last = last_of(h, row);
    uint64_t apart = last->peak ^ row->memory_peak;
    for (int c = 0; c < MEMORY_CATEGORIES; c++) apart |= last->memory[c] ^ row->memory[c];
    if (!last->known || apart) {
        *last = (RecorderLast){.peak = row->memory_peak, .row = (int32_t)h->rows, .known = true};
        memcpy(last->memory, row->memory, sizeof row->memory);
        add(h, row);
    }
    *held = last->row;
    return h->count < BLOCK_ROWS || write_block(r, error);
}

bool recorder_held_end(Recorder *r, Error *error)
{
    const RecorderHeld *h = &r->held;
    return (h->count == 0 || write_block(r, error)) &&
           (!r->dry || h->rows == 0 || h->rows == h->room || resize(r, error));
}
