/* recorder_held.h - the rows of /timeline/memory and /timeline/memory_peak, which actions tell of by their numbers. */
#ifndef SIM_FILE_RECORDER_HELD_H
#define SIM_FILE_RECORDER_HELD_H
#include "sim/file/recorder_private.h"

/* `held`: the row that says what the action held, of one before it if it did. */
bool recorder_held_row(Recorder *r, const TimelineRow *row, int32_t *held, Error *error);
/* Writes those that are left. */
bool recorder_held_end(Recorder *r, Error *error);
void recorder_held_free(RecorderHeld *held);
#endif
