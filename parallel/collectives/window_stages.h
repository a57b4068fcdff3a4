/* window_stages.h - what a rank does of a collective that goes through a window, stage by stage: windows.c says when. */
#ifndef PARALLEL_COLLECTIVES_WINDOW_STAGES_H
#define PARALLEL_COLLECTIVES_WINDOW_STAGES_H
#include "parallel/collectives/collectives.h"

typedef enum { PUT, SUM, TAKE, STAGES } Stage;
_Static_assert((int)STAGES == (int)WINDOW_COUNTS, "a count for each stage");

typedef struct WindowStages {
    uint32_t (*chunks)(const Collective *c);
    void (*work[STAGES])(Collective *c, uint32_t chunk);
    /* Which stage of a chunk all have behind them before a rank comes to its SUM, or TAKE; -1: none. Its PUT waits for a
     * slot. */
    int (*needs)(const Collective *c, Stage stage);
} WindowStages;
extern const WindowStages slot_stages, in_place_stages;

/* The slot of a rank, and the note to it, that a chunk has. */
unsigned char *window_slot(const Collective *c, int rank, uint32_t chunk);
WindowNote *window_note(const Collective *c, int rank, uint32_t chunk);
/* To be noted as a rank puts a chunk there, and heard once all have. */
void window_note_put(Collective *c, uint32_t chunk);
void window_hear_put(Collective *c, uint32_t chunk);
#endif
