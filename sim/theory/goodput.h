/* goodput.h - what share of its time a job trains that fails now and then and goes on from checkpoints.
 *
 * Failures come at a constant rate, whatever the job does at the moment: the times between them are exponential, of mean
 * M. A failure loses what no checkpoint has, and R seconds pass before training goes on; a failure in these begins them
 * again. This is the complete model of Daly, "A higher order estimate of the optimum checkpoint interval for restart
 * dumps", Future Generation Computer Systems 22 (2006), with a last segment that may be shorter, and with checkpoints
 * that are written beside training. */
#ifndef SIM_THEORY_GOODPUT_H
#define SIM_THEORY_GOODPUT_H
#include <stdint.h>

typedef struct GoodputJob {
    int64_t steps;  /* to be done, 1 or more */
    double step;    /* seconds of one */
    double mtbf;    /* M: mean seconds between failures of the job; infinite: there are none */
    double restart; /* R: seconds from a failure until it trains again */
    double stall;   /* C: seconds that a checkpoint keeps it from training */
    double write;   /* W: seconds after these until the checkpoint is whole, beside training; 0: at once */
} GoodputJob;

/* A job in segments, each of so many steps and a checkpoint. No checkpoint begins before the one before it is whole: of
 * a segment whose steps take less than W, which only the last may be, the rest of W is waited for. */
typedef struct GoodputCut {
    int64_t segments;
    double segment;    /* seconds of each but the last, its checkpoint's stall with them */
    double last;       /* of the last, */
    double last_waits; /* and what it waits besides where the checkpoint before it is still being written */
} GoodputCut;
GoodputCut goodput_cut(const GoodputJob *job, int64_t interval);

/* Steps between checkpoints, the fewest: such that one is written before the next begins. */
int64_t goodput_least_interval(const GoodputJob *job);

/* Expected seconds until all steps are done and the last checkpoint is whole, one every `interval` steps, from
 * goodput_least_interval() on. Of a segment of t seconds M e^(R/M) (e^(t/M) - 1) (Daly 2006, section 3), with W
 * e^(W/M) times as much: what fails while a checkpoint is written loses the segment before, too. Infinite where that
 * exceeds a double. */
double goodput_expected_seconds(const GoodputJob *job, int64_t interval);
/* The seconds of the steps over these. */
double goodput_expected(const GoodputJob *job, int64_t interval);

/* Seconds of training between checkpoints at which least is lost, for a checkpoint of C seconds.
 * Young, "A first order approximation to the optimum checkpoint interval", CACM 17 (1974): sqrt(2 C M). */
double goodput_young(double stall, double mtbf);
/* Daly 2006, equation 37: sqrt(2 C M) (1 + sqrt(C / 2M) / 3 + C / 18M) - C, where C < 2M; else M. */
double goodput_daly(double stall, double mtbf);
#endif
