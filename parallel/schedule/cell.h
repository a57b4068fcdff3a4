/* cell.h - one cell of a schedule's text. */
#ifndef PARALLEL_SCHEDULE_CELL_H
#define PARALLEL_SCHEDULE_CELL_H
#include <stdio.h>
#include "parallel/schedule/schedule.h"

enum { CELL_ACTIONS = 2 }; /* at most */

/* Reads what stands from `start` to before `end`, without white space around it and not empty: "0F3", or a pair,
 * "(0F7;7B3)OVERLAP_F_B". Returns how many actions it is; 0 and the reason, which begins with the cell as it can be
 * shown, when it is none. */
int cell_read(const char *start, const char *end, Action action[CELL_ACTIONS], Error *error);

/* Writes the cell that begins with `action`, of one action or, where it is overlapped, of that and `next`. */
void cell_write(Action action, Action next, FILE *out);
#endif
