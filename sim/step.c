/* step.c - what each action of a schedule does. */
#include "sim/step.h"
#include "sim/clock.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Samples are dealt to ranks and microbatches by their global index alone. */
static void fill_batch(void *context, int rank, int microbatch, int32_t *tokens)
{
    const Trainer *t = context;
    int64_t B = t->config->train.microbatch, T = t->config->model.shape.sequence;
    int64_t first =
        t->step * t->config->train.global_batch + ((int64_t)rank * t->microbatches + microbatch) * B;
    for (int64_t i = 0; i < B; i++) data_sample(t->data, first + i, tokens + i * (T + 1));
}

Trainer *trainer_new(const Config *config, Comm *comm, const unsigned char *text, int64_t text_bytes,
                     bool dry, Error *error)
{
    const GptShape *shape = &config->model.shape;
    Data *data = data_open(&config->data, shape->vocab, shape->sequence, text, text_bytes, error);
    if (!data) return NULL;
    Trainer *t = allocate_zeroed(1, sizeof *t);
    *t = (Trainer){.config = config, .comm = comm, .device = {.dry = dry}, .data = data};
    t->mesh = mesh_new(comm, (int)config->tensor.size);
    t->microbatches = (int)(config->train.global_batch / (t->mesh.dp * config->train.microbatch));
    Region region = tensor_parallel_region(&config->tensor, t->mesh.tensor_group);
    t->gpt = gpt_new(shape, &region, &t->device);
    t->gpt->recompute = (Recompute)config->train.recompute;
    t->data_parallel = data_parallel_new(&config->parallel, &config->train.optimizer, t->gpt,
                                         t->mesh.data_group, t->microbatches);
    t->data_parallel->complete = tensor_parallel_sum_gradients;
    t->data_parallel->batch = fill_batch;
    t->data_parallel->batch_context = t;
    schedule_single_stage(&t->schedule, t->microbatches);
    schedule_lower(&t->schedule, (DataParallelKind)config->parallel.kind);
    t->saved = allocate_zeroed((size_t)t->microbatches, sizeof *t->saved);
    t->losses = allocate_zeroed((size_t)t->microbatches, sizeof *t->losses);
    t->timeline = allocate_zeroed((size_t)t->schedule.count, sizeof *t->timeline);
    return t;
}

void trainer_free(Trainer *t)
{
    if (!t) return;
    data_parallel_free(t->data_parallel);
    mesh_free(&t->mesh);
    gpt_free(t->gpt);
    data_close(t->data);
    schedule_free(&t->schedule);
    free(t->saved);
    free(t->losses);
    free(t->timeline);
    free(t);
}

double learning_rate_at(const Config *config, int64_t step)
{
    double rate = config->train.learning_rate;
    int64_t warmup = config->train.warmup, last = config->train.steps - 1;
    if (step < warmup) return rate * (double)(step + 1) / (double)warmup;
    if (config->train.decay == DECAY_CONSTANT || last <= warmup) return rate;
    double progress = (double)(step - warmup) / (double)(last - warmup);
    return rate * (0.1 + 0.45 * (1 + cos(3.14159265358979323846 * progress)));
}

static double positions(const Trainer *t)
{
    return (double)t->config->train.global_batch * (double)t->config->model.shape.sequence;
}

static void forward(Trainer *t, int k)
{
    int64_t B = t->config->train.microbatch;
    Tensor tokens = tensor_new(&t->device, MEM_ACTIVATIONS, INT32, B * (t->config->model.shape.sequence + 1));
    t->data_parallel->ops->tokens(t->data_parallel, k, tokens);
    t->losses[k] = gpt_forward(t->gpt, B, tokens, &t->saved[k]);
}

static void backward(Trainer *t, int k)
{
    t->data_parallel->microbatch = k;
    gpt_backward(t->gpt, &t->saved[k], 1 / positions(t)); /* the mean over the whole batch, on every rank */
}

static void reduce(Trainer *t, StepResult *result)
{
    DataParallel *d = t->data_parallel;
    d->ops->reduce(d, t->losses, t->microbatches);
    bool mine = t->mesh.tensor == 0; /* the others of a tensor group have computed the same loss */
    for (int k = 0; k < t->microbatches && mine; k++) result->loss += t->losses[k] / positions(t);
}

static void optimize(Trainer *t, StepResult *result)
{
    DataParallel *d = t->data_parallel;
    double clip = t->config->train.clip;
    result->grad_norm = sqrt(sum_in_rank_order(t->mesh.tensor_group, TP_NORM, d->ops->sum_of_squares(d)));
    /* Pascanu et al. 1211.5063, algorithm 1, with PyTorch's 1e-6 */
    double scale = clip > 0 && result->grad_norm > clip ? clip / (result->grad_norm + 1e-6) : 1;
    data_parallel_update(d, learning_rate_at(t->config, t->step), scale, t->step + 1);
}

static const char *lane_of(ActionKind kind)
{
    return kind == ACTION_UNSHARD || kind == ACTION_REDUCE ? "network" : "compute";
}

StepResult trainer_step(Trainer *t, int64_t step, void (*after_reduce)(Trainer *t, void *context),
                        void *context)
{
    StepResult result = {0};
    double began = clock_now();
    t->step = step;
    data_parallel_begin_step(t->data_parallel);
    for (int i = 0; i < t->schedule.count; i++) {
        Action a = t->schedule.action[i];
        TimelineRow *row = &t->timeline[i];
        *row = (TimelineRow){.rank = t->comm->rank, .stage = a.stage, .microbatch = a.microbatch};
        row->simulated_start = row->simulated_end = row->measured_compute = (double)NAN;
        row->recompute = row->communication = (double)NAN;
        snprintf(row->action, sizeof row->action, "%s", action_name[a.kind]);
        snprintf(row->lane, sizeof row->lane, "%s", lane_of(a.kind));
        row->measured_start = clock_now() - began;
        switch (a.kind) {
        case ACTION_FORWARD: forward(t, a.microbatch); break;
        case ACTION_BACKWARD: backward(t, a.microbatch); break;
        case ACTION_UNSHARD: t->data_parallel->ops->unshard(t->data_parallel); break;
        case ACTION_REDUCE: reduce(t, &result); break;
        case ACTION_STEP: optimize(t, &result); break;
        case ACTION_INPUT:
        case ACTION_WEIGHT:
        case ACTION_SEND_FORWARD:
        case ACTION_RECV_FORWARD:
        case ACTION_SEND_BACKWARD:
        case ACTION_RECV_BACKWARD: fail("a model of one stage has no %s", action_name[a.kind]);
        case ACTION_KINDS: break;
        }
        row->measured_end = clock_now() - began;
        if (a.kind == ACTION_REDUCE && after_reduce) after_reduce(t, context);
    }
    return result;
}
