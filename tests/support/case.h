/* case.h - one small training run, as a test sees it: a config, a number of
 * ranks, and what came out. The same on virtual ranks and under MPI. */
#ifndef TESTS_SUPPORT_CASE_H
#define TESTS_SUPPORT_CASE_H
#include "models/machine/real.h"
#include "sim/run/step.h"

typedef struct Case {
    /* in */
    int steps;
    const char *sets[48]; /* section.key=value, NULL-terminated, over the test's own small model */
    char *text;           /* what case_of_words() cut them from */
    bool dry;
    bool reads_clock;     /* also where it advances no simulated time */
    bool no_losses;       /* none is gathered after a step, and rank 0 waits for nobody */
    const char *schedule; /* the text of a schedule of the test's own, or NULL */
    void (*change)(Config *config, void *context); /* after all checks; or NULL */
    int64_t (*begin)(Trainer *t,
                     void *context); /* every rank's, before the first step: which it is; or NULL */
    void (*look)(Trainer *t, const StepResult *result,
                 void *context);            /* every rank's, after each step; or NULL */
    void (*end)(Comm *comm, void *context); /* every rank's, when its trainer is gone; or NULL */
    void *context;
    /* out, on rank 0 */
    int64_t parameters;
    double *loss;                /* [steps], the mean */
    double grad_norm;            /* of the first step */
    real *gradients, *weights;   /* every parameter: of the first step before clipping, and at the end */
    uint64_t (*bytes)[PURPOSES]; /* [rank] in the first step */
    double (*theory)[PURPOSES];
    uint64_t (*peak)[MEMORY_CATEGORIES + 1]; /* [rank], the last being the peak of the sum */
    double (*memory_theory)[MEMORY_CATEGORIES];
    double *rows_room;             /* [rank]: theory_rows_room() */
    double *bubble, bubble_theory; /* [rank] of the first step in simulated time */
    char refused[2048];            /* why the config was, or how it deadlocked, or "" */
    bool stuck;                    /* it deadlocked */
    bool moves_rows, room_varies;  /* between ranks that share experts; and so does the room for them */
    /* what case_compare() found, the largest of each */
    double loss_apart, gradients_apart, norm_apart;
} Case;

/* A case of so many steps whose sets are the words of a text. */
Case case_of_words(int steps, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Its config; to be freed. */
bool case_config(const Case *c, Config *config, Error *error);
/* Whether parallel.data = `data` knows what the set is about: buckets, overlap, when gradients are reduced. Where it
 * does not, a config refuses the set. */
bool case_data_takes(const char *data, const char *set);
/* One rank's part; all ranks of `comm` call it. */
void case_run(Comm *comm, void *one_case);
/* The whole case on virtual ranks; false (and `refused`) when refused or deadlocked. */
bool case_virtual(Case *c, int ranks);
void case_free(Case *c);

/* How far loss, gradients and norm are apart, relative to the truth's: of each parameter's gradient, to its largest
 * value. */
void case_compare(const Case *truth, Case *c);
/* Whether bytes and memory are those of the formulas, exactly, and so, to 1e-12, the bubble; prints what is not. */
bool case_counts(const Case *c, const char *what, int ranks);
/* Whether losses, gradients and norm are those of `truth` within `tolerance`, and the counts those of the
 * formulas; prints what is not. */
bool case_agrees(const Case *truth, Case *c, const char *what, int ranks, double tolerance);
/* Whether a dry case has the bytes, peaks and bubbles of the real one, exactly; prints what it has not. */
bool case_dry_equals(const Case *c, const Case *dry, const char *what, int ranks);
/* Whether two cases have the same losses, gradients and weights, bit for bit. */
bool case_same_bits(const Case *a, const Case *b);

/* The root of the squared distance of all parameters' gradients, relative to their norm. */
double case_gradients_apart(const Case *truth, const Case *c);
/* The largest difference, relative to the largest value of the parameter it lies in. */
double case_distance(const Case *truth, const Case *other, bool gradients);
#endif
