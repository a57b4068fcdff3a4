/* step.h - the interpreter: one training step, an action at a time. */
#ifndef SIM_STEP_H
#define SIM_STEP_H
#include "models/data.h"
#include "models/gpt.h"
#include "parallel/data_parallel.h"
#include "parallel/mesh.h"
#include "parallel/schedule.h"
#include "sim/config.h"
#include "sim/recorder.h"

/* Everything one rank trains with. */
typedef struct Trainer {
    const Config *config;
    Comm *comm;
    Device device;
    Data *data;
    Gpt *gpt;
    Mesh mesh;
    DataParallel *data_parallel;
    Schedule schedule;
    int microbatches;
    int64_t step;          /* the one under way, from 0 */
    GptSaved *saved;       /* per microbatch */
    double *losses;        /* per microbatch: the sum over its positions */
    TimelineRow *timeline; /* of the last step, one row an action */
} Trainer;

typedef struct StepResult {
    double loss;      /* this rank's part of the mean loss: the parts of all ranks sum to it */
    double grad_norm; /* before clipping; on rank 0 */
} StepResult;

/* `text`: the data source's bytes, or NULL. The device is dry when `dry`. */
Trainer *trainer_new(const Config *config, Comm *comm, const unsigned char *text, int64_t text_bytes,
                     bool dry, Error *error);
void trainer_free(Trainer *t);

/* Runs the schedule once. `after_reduce` (or NULL) is called when gradients are complete and not yet clipped. */
StepResult trainer_step(Trainer *t, int64_t step, void (*after_reduce)(Trainer *t, void *context),
                        void *context);

/* The rate at a step: linear warm-up from 1/warmup, then constant, or a cosine to a tenth at the last step. */
double learning_rate_at(const Config *config, int64_t step);
#endif
