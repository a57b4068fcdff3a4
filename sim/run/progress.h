/* progress.h - how far a run is, while it runs. */
#ifndef SIM_RUN_PROGRESS_H
#define SIM_RUN_PROGRESS_H
#include <stdbool.h>
#include <stdint.h>

typedef struct Progress {
    bool terminal; /* one line, rewritten; else a plain line every few steps */
    int64_t steps, tokens_per_step;
    double began, last_shown;
} Progress;

void progress_begin(Progress *p, int64_t steps, int64_t tokens_per_step);
void progress_step(Progress *p, int64_t step, double loss, double wall_time);
void progress_end(Progress *p); /* leaves the line behind */
#endif
