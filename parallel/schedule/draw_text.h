/* draw_text.h - the walk of a schedule drawn as text. */
#ifndef PARALLEL_SCHEDULE_DRAW_TEXT_H
#define PARALLEL_SCHEDULE_DRAW_TEXT_H
#include <stdio.h>
#include "parallel/schedule/timeline.h"

/* Draws a walk of the plan: ranks down, time across, a slot a second; starts and ends are rounded to slots. Labels are
 * F3, or 5F3 where ranks hold several stages, (F4;B1) of two that overlap, drawn as one where no wait parts them; a dot
 * is an idle slot. No rank's line is longer than `columns`; what is cut is said in a line below. */
void draw_text(const Plan *plan, const Timeline *timeline, int columns, FILE *out);
#endif
