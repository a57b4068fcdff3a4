/* walked.h - run files of schedules walked on paper, for tests of the charts of simulated time. */
#ifndef TESTS_SUPPORT_WALKED_H
#define TESTS_SUPPORT_WALKED_H
#include "parallel/schedule/plan.h"
#include "tests/support/plot_place.h"

/* F takes 1 ms, B 2 ms, I and W 1 ms each, the optimizer 0.5 ms; a message `wire` ms. */
typedef struct Walked {
    ScheduleKind kind;
    Shape shape;
    int dp, tp;
    double wire, recompute, waiting; /* ms of every message; of every B again, of every F and B for others */
    bool dry, ideal;
    double measured; /* the bubble; 0: unknown */
    const char *own; /* the text of a schedule, in the place of `kind`; or NULL */
    double reduce;   /* ms of REDUCE, a quarter of it communication and the rest idle; 0: there is none */
} Walked;

/* Writes the run file of one step. All ranks of a replica behave alike; `formula`: the bubble's, or NAN. */
void record_walk(const char *path, Walked walked, double formula);
/* The bubble of p ranks with v stages each and m microbatches. */
double bubble_formula(int v, int p, int m);

/* How often `part` stands in a file. */
int count_in(const char *path, const char *part);
/* What `sim report` says of a file of the folder lands in place->said. */
void report_says(PlotPlace *place, const char *name);
#endif
