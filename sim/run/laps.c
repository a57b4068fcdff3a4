/* laps.c - kept short, and written out. */
#include "sim/run/laps.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

void laps_make(Laps *laps, int actions, bool measured)
{
    const size_t bytes = (size_t)actions * sizeof *laps->lap;
    *laps = (Laps){.lap = allocate(bytes)};
    device_ask_large_pages(laps->lap, bytes); /* a small one at a time costs what it takes to write a lap */
    if (measured) laps->measured = allocate((size_t)actions * sizeof *laps->measured);
    for (int k = 0; k < ACTION_KINDS; k++) laps->last[k] = -1;
}

void laps_free(Laps *laps)
{
    free(laps->lap);
    free(laps->measured);
    free(laps->held);
    *laps = (Laps){.lap = NULL};
}

static bool is_same(const LapHeld *a, const LapHeld *b)
{
    uint64_t apart = a->peak ^ b->peak;
    for (int c = 0; c < MEMORY_CATEGORIES; c++) apart |= a->memory[c] ^ b->memory[c];
    return apart == 0;
}

int laps_hold(Laps *laps, ActionKind kind, const LapHeld *held)
{
    int *last = &laps->last[kind];
    if (*last >= 0 && is_same(&laps->held[*last], held)) return *last;
    laps->held = allocate_more(laps->held, (size_t)laps->helds, sizeof *laps->held);
    laps->held[laps->helds] = *held;
    return *last = laps->helds++;
}

double laps_start(const Laps *laps, int i)
{
    return i > 0 ? laps->lap[i - 1].end : 0;
}

/* The texts of each kind's rows, to their ends. */
typedef struct RowTexts {
    char action[sizeof((TimelineRow *)NULL)->action], lane[sizeof((TimelineRow *)NULL)->lane];
} RowTexts;

static void name_kinds(RowTexts text[ACTION_KINDS])
{
    memset(text, 0, ACTION_KINDS * sizeof *text);
    for (ActionKind k = 0; k < ACTION_KINDS; k++) {
        strcpy(text[k].action, action_name[k]);
        strcpy(text[k].lane, action_computes(k) || k == ACTION_STEP ? "compute" : "network");
    }
}

static void write_row(const Laps *laps, const RowTexts *text, Action a, int i, TimelineRow *row)
{
    const Lap *lap = &laps->lap[i];
    const LapHeld *held = &laps->held[lap->held];
    const LapMeasured none = {NAN, NAN, NAN}, *measured = laps->measured ? &laps->measured[i] : &none;
    row->stage = a.stage;
    row->microbatch = a.microbatch;
    row->overlapped = a.overlapped;
    memcpy(row->action, text[a.kind].action, sizeof row->action);
    memcpy(row->lane, text[a.kind].lane, sizeof row->lane);
    row->simulated_start = laps_start(laps, i);
    row->simulated_end = lap->end;
    row->recompute = lap->recompute;
    row->communication = lap->communication;
    row->held = -1;
    row->measured_start = measured->start;
    row->measured_end = measured->end;
    row->measured_compute = measured->compute;
    memcpy(row->memory, held->memory, sizeof row->memory);
    row->memory_peak = held->peak;
}

void laps_rows(const Laps *laps, const Schedule *list, int rank, int first, int count, TimelineRow *rows)
{
    RowTexts text[ACTION_KINDS];
    name_kinds(text);
    const int left = first < list->count ? list->count - first : 0, some = left < count ? left : count;
    for (int i = 0; i < some; i++) {
        rows[i].rank = rank;
        write_row(laps, text, list->action[first + i], first + i, &rows[i]);
    }
    memset(rows + some, 0, (size_t)(count - some) * sizeof *rows);
}
