/* run.h - the record of one run: what the charts need of its file, read and reduced (read.h). */
#ifndef SIM_PLOT_RUN_H
#define SIM_PLOT_RUN_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "sim/file/run_shape.h"

enum { PLOT_LABEL = 160, PLOT_WHY = 200 };

/* One stack of parts a rank: bytes by purpose or axis, bytes by category, seconds by action or part. */
typedef struct PlotStack {
    int ranks;
    size_t parts;
    bool beside;        /* the parts stand beside each other: the highest is the height, not the sum */
    char **name;        /* [parts] */
    double *value;      /* [ranks][parts] bytes or seconds */
    double *theory;     /* [ranks][parts] the formula; NaN: none */
    double *mark;       /* [ranks] a number to show beside the stack; NaN: unknown */
    char why[PLOT_WHY]; /* why there is nothing to draw; "" when there is */
} PlotStack;

/* One action of the recorded step, in simulated time. */
typedef struct PlotSpan {
    int32_t rank, stage, microbatch;
    char action[8];
    double start, end, recompute, communication; /* as TimelineRow's (run_info.h); the step begins at 0 */
    bool overlapped;
} PlotSpan;

/* One action of the recorded step, as PlotSpan's, and what was held. */
typedef struct PlotMoment {
    int32_t rank;
    char action[8];
    double start, end, highest; /* highest: the most bytes while it ran */
    int waiting; /* microbatches (of the rank's stages together) for their backward, as it ended */
} PlotMoment;

typedef struct PlotMoments {
    PlotMoment *moment; /* by rank, in the order performed */
    double *held;       /* [count][parts] bytes as the action ended */
    char **name;        /* [parts] */
    size_t count, parts;
    double end;         /* of the last */
    char why[PLOT_WHY]; /* why there are none; "" when there are */
} PlotMoments;

/* Kernels of a kind, of a step and all ranks. */
typedef struct PlotKindOfWork {
    char name[64];
    double flops, bytes, seconds;
} PlotKindOfWork;

typedef struct PlotWork {
    char machine[512];
    double peak, bandwidth; /* of its chip: operations a second on what is trained in, bytes a second */
    PlotKindOfWork *kind;   /* (kinds), each with more than none of all three */
    size_t kinds;
    double seconds;     /* of all kernels, these and others */
    char why[PLOT_WHY]; /* why there are none; "" when there are */
} PlotWork;

/* Of layers with experts, over steps: a column is the mean of `block` of them. */
typedef struct PlotRouting {
    size_t layers, experts, columns, block;
    double *layer; /* [layers] which it is, from 0 */
    double
        *load; /* [columns][layers][experts] tokens that chose it over those of an even load; NaN: unknown */
    double *imbalance;  /* [columns][layers] the largest load over the mean, of each step; NaN: unknown */
    char why[PLOT_WHY]; /* why there are none; "" when there are */
} PlotRouting;

typedef struct PlotRun {
    char *path;
    char label[PLOT_LABEL]; /* what the charts call this run */
    RunShape shape;
    char schedule[64];  /* what they call shape.schedule */
    char precision[16]; /* "fp32", "fp64", "" */
    int ranks;
    int recorded;          /* rows, of ranks that stand for all; in what follows a rank is its row */
    int *rank, *for_ranks; /* (recorded): which it is, and for how many it stands */
    bool complete, dry;
    double parameters, entropy; /* NaN: unknown */

    size_t steps; /* finished ones; the columns below are as long */
    double *step; /* from 1: as people count, not as the file does */
    double *loss, *grad_norm, *learning_rate;
    double *skipped;         /* 1 where a gradient overflowed */
    double step_seconds;     /* the median step; NaN: unknown */
    char loss_why[PLOT_WHY]; /* why there is no loss to draw; "" when there is */

    PlotStack comm;    /* bytes a step, the mean of all finished; no mark */
    bool comm_alike;   /* every finished step sent the same bytes */
    double comm_off;   /* largest |sent - formula| of any step, rank, purpose; NaN: no formulas */
    int comm_off_rank; /* where that was */
    size_t comm_off_part;

    PlotStack axes; /* the same bytes by the axis of the grid they move along */

    PlotStack memory;      /* peak bytes; theory of the model states only; mark: the peak of the sum */
    PlotStack activations; /* peak bytes of these alone, and their theory; no mark */
    PlotStack time; /* seconds of the median step, divided as the recorded one; last: what no action took */
    double timed_step;    /* which step was recorded, from 1; NaN: unknown */
    double timed_seconds; /* and took so long */

    PlotStack breakdown; /* simulated seconds of the recorded step by part; mark: those that compute */
    PlotStack bubble;    /* idle share of the step, simulated and measured; theory: the formula */
    double formula;      /* the bubble's; NaN: unknown */
    PlotSpan *span;      /* what took simulated time, by rank and start */
    size_t spans;
    double simulated_end;    /* of the last span; NaN without one */
    char span_why[PLOT_WHY]; /* why there is none; "" when there is */

    PlotMoments moments; /* memory over the recorded step */
    PlotWork work;
    PlotRouting routing;
} PlotRun;

void plot_run_free(PlotRun *run);
/* The row of the rank at a place of the grid. */
int plot_row_at(const PlotRun *run, MeshPlace place);

void plot_stack_make(PlotStack *stack, int ranks, size_t parts); /* values 0, the rest NaN unless given */
double plot_stack_total(const PlotStack *stack, int rank);       /* how high it is */
void plot_stack_name(PlotStack *stack, const char *const *names, size_t parts); /* copies them */
char **plot_copy_names(const char *const *names, size_t count);                 /* each malloc'd */
int plot_ascending(const void *a, const void *b);                               /* of doubles, for qsort */
double plot_median(double *values, size_t count); /* sorts them; NaN when there are none */
#endif
