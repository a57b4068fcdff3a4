/* notation.h - schedules as text.
 *
 * The notation is that of PyTorch's torch.distributed.pipelining: a line a
 * rank, cells between commas, each STAGE KIND MICROBATCH:
 *
 *     0F0,0F1,0B0,0B1          F forward, B backward; or, cut in two,
 *     ,1F0,1B0,1F1,1B1         I the input's gradient and W the weights'
 *
 * A forward and a backward that overlap are one cell, (0F7;7B3)OVERLAP_F_B: they run one after the other, the
 * forward first. Empty cells mean nothing: when an action starts follows from its list. Cells may be quoted, and the
 * text may begin with UTF-8's mark, as spreadsheets have it. */
#ifndef PARALLEL_SCHEDULE_NOTATION_H
#define PARALLEL_SCHEDULE_NOTATION_H
#include <stdint.h>
#include <stdio.h>
#include "parallel/schedule/plan.h"

/* The computed actions of every rank. */
void notation_write(const Plan *plan, FILE *out);

/* A user's schedule of `bytes` bytes; the shape is what the text makes it. Refused, with the
 * line and the cell (both from 1), unless every microbatch visits every stage
 * once forward and then once backward, every stage is on one rank, and all
 * ranks hold as many stages. Whether ranks wait for each other forever is
 * timeline_walk's to tell. `name` begins the error. */
bool notation_read(Plan *plan, const char *text, int64_t bytes, const char *name, Error *error);
#endif
