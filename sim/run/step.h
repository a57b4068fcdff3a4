/* step.h - the interpreter: one training step, an action at a time. */
#ifndef SIM_RUN_STEP_H
#define SIM_RUN_STEP_H
#include <signal.h>
#include "models/layers/gpt.h"
#include "models/training/data.h"
#include "parallel/data/data_parallel.h"
#include "parallel/mesh.h"
#include "parallel/schedule/timeline.h"
#include "parallel/stages.h"
#include "sim/config/config.h"
#include "sim/file/recorder.h"
#include "sim/run/assumed_load.h"
#include "sim/run/batch_loads.h"
#include "sim/run/expert_bias.h"
#include "sim/run/laps.h"
#include "sim/run/repeat.h"
#include "sim/run/slots.h"

/* Everything one rank trains with. */
typedef struct Trainer {
    const Config *config;
    Comm *comm;
    Device device;
    Data *data;
    Mesh mesh;
    Gpt *gpt;
    Gpt *whole; /* trainer_whole()'s, or NULL */
    DataParallel *data_parallel;
    const Plan *plan; /* of this rank's pipeline */
    Stages *stages;
    int threads; /* that a rank has for its kernels */
    int microbatches;
    int64_t updates;      /* of the weights: steps that were not skipped */
    double loss_scale;    /* 1 but for fp16 */
    int64_t fine;         /* steps since the scale changed */
    int64_t step;         /* the one under way, from 0 */
    const Action *action; /* and what of it; NULL: before the first, or after the last */
    bool goes_on;         /* from a checkpoint: who died has been replaced */
    int *chunk_of;        /* of each stage this rank holds: which of them it is */
    Slots slots;
    double *routing; /* (L, routing_width), of this step, as GptPass.routing; NULL: there are no experts */
    int32_t *taken;  /* behind it, (microbatches, L, E), as GptPass.taken; NULL: they are not recorded */
    const AssumedLoad *assumed; /* a dry run's; it must live as long; NULL: it is even */
    ExpertBias bias;            /* of experts' scores, where they are balanced by it */
    BatchLoads loads;           /* of a step, where losses are of a global batch's */
    double *losses;             /* per microbatch: the sum over its positions; on the last stage */
    Ideal ideal;                /* seconds, where the profile is ideal or given */
    double again;               /* of B's or I's, what computing again takes */
    Laps laps;                  /* of the last step */
    int rows;                   /* that all ranks have as many of: an action each, then rows without one */
    void (*performed)(void *watch); /* called after each action; NULL: nobody watches */
    void *watch;
    const volatile sig_atomic_t
        *asked;       /* not 0: this rank is asked to stop after a step; NULL: it never is */
    Repeats *repeats; /* of a dry run; NULL: every pass is walked */
} Trainer;

typedef struct StepResult {
    double loss;          /* this rank's part of the mean loss: the parts of all ranks sum to it */
    double grad_norm;     /* before clipping; on rank 0 */
    double learning_rate; /* of its update, or, skipped, what the next one's is */
    double loss_scale;
    bool skipped; /* a gradient overflowed */
} StepResult;

/* Whether microbatches do the same: dry, unless rows of experts are given, of each its own. */
bool trainer_alike(const Trainer *t);

/* `plan`: of one pipeline, as plan_from_config() makes it; it must live as long. `text`: the
 * data source, or NULL. The device is dry when `dry`; `like`: what the models of many such ranks of a process are
 * like, as trainer_like() makes it, which must live as long, or NULL. */
Trainer *trainer_new(const Config *config, const Plan *plan, Comm *comm, const Text *text, bool dry,
                     const Gpt *like, Error *error);
/* Of no device: only to be like. */
Gpt *trainer_like(const Config *config, const Plan *plan);
void trainer_free(Trainer *t);

/* The model with the experts of all, which files are of; gpt itself where this rank has them. It lives as long. */
const Gpt *trainer_whole(Trainer *t);

/* The first of a microbatch's samples, of all the run's. */
int64_t trainer_first_sample(const Trainer *t, int replica, int microbatch);

/* What it does in a step. */
const Schedule *trainer_list(const Trainer *t);
/* `count` rows of laps of its steps, from that of action `first` on. */
void trainer_rows(const Trainer *t, const Laps *laps, int first, int count, TimelineRow *rows);

/* Runs the schedule once. A rank that is asked to stop before the last of its gradients are computed says so in that
 * step, and as it ends all ranks know (comm->last). `after_reduce` (or NULL) is called when gradients are
 * complete and not yet clipped; not in a step that is skipped. */
StepResult trainer_step(Trainer *t, int64_t step, void (*after_reduce)(Trainer *t, void *context),
                        void *context);
#endif
