/* tally.h - results as they come in, and how many there are, shown. */
#ifndef SIM_SWEEP_TALLY_H
#define SIM_SWEEP_TALLY_H
#include "sim/base/progress.h"
#include "sim/sweep/result.h"

typedef struct Tally {
    Sweep *sweep;
    SweepTexts *texts;
    Progress progress;
    int64_t done;
} Tally;

/* Makes the rows, none of them tried. Progress goes to standard error where it is `aside`. */
void tally_begin(Tally *tally, Sweep *sweep, bool aside);
/* `why`: of a refused one. */
void tally_take(Tally *tally, int64_t index, const SweepRow *row, const char *why);
/* Of what others try, `done` of them are; shows it when it is time. */
void tally_show(Tally *tally, int64_t done);
void tally_end(Tally *tally);
/* Without an end: what there is, is lost. */
void tally_forget(Tally *tally);
#endif
