/* messages.h - which receive the message of a send ends in: by the rows of a timeline. */
#ifndef SIM_TRACE_MESSAGES_H
#define SIM_TRACE_MESSAGES_H
#include <stddef.h>
#include <stdint.h>
#include "parallel/grid.h"
#include "sim/file/run_info.h"

/* Numbers the messages between stages from 1: number[i] is that of row i, a send or a receive whose other end is among
 * the rows too, and 0 of every other. Rows of rank -1 are left out; all other ranks are of the mesh. Returns how many. */
int64_t messages_number(const TimelineRow *rows, size_t count, MeshShape mesh, int64_t *number);
#endif
