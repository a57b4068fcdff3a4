/* step.c - what each action of a schedule does. */
#include "sim/run/step.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/base/clock.h"
#include "sim/file/step_record.h"
#include "sim/run/action_time.h"
#include "sim/run/scales.h"
#include "sim/run/step_faults.h"

static double positions(const Trainer *t)
{
    return (double)t->config->train.global_batch * (double)t->config->model.shape.sequence;
}

static Slot *slot_of(Trainer *t, int stage, int microbatch)
{
    return slots_of(&t->slots, t->chunk_of[stage], microbatch);
}

/* Where nothing of the microbatch is left on this stage. */
static void leave(Trainer *t, int stage, int microbatch)
{
    slots_leave(&t->slots, t->chunk_of[stage], microbatch);
}

static bool is_last(const Trainer *t, int stage)
{
    return stage == t->plan->stages - 1;
}

/* Moves a tensor out of its place. */
static Tensor take(Tensor *t)
{
    Tensor taken = *t;
    *t = (Tensor){0};
    return taken;
}

/* What the stage beside made on this same rank, unless it came as a message. */
static Tensor input_of(Trainer *t, Action a, Slot *slot)
{
    const bool here = a.stage > 0 && !slot->x.device;
    Tensor x = take(here ? &slot_of(t, a.stage - 1, a.microbatch)->y : &slot->x);
    tensor_rebook(&x, MEM_ACTIVATIONS);
    return x;
}

static Tensor output_gradient_of(Trainer *t, Action a, Slot *slot)
{
    Tensor dy = take(&slot->dy);
    if (is_last(t, a.stage) || dy.device) return dy;
    dy = take(&slot_of(t, a.stage + 1, a.microbatch)->dx);
    leave(t, a.stage + 1, a.microbatch);
    return dy;
}

/* Where a microbatch's rows of experts are told. Of those that are alike (trainer_alike) in the first one's place. */
static int32_t *taken_of(const Trainer *t, int microbatch)
{
    const GptShape *shape = &t->config->model.shape;
    if (!t->taken || trainer_alike(t)) return t->taken;
    return t->taken + microbatch * shape->layers * shape->experts.count;
}

/* Those of the replicas that share experts with this one. */
static const int32_t *given_of(const Trainer *t, int microbatch)
{
    const GptShape *shape = &t->config->model.shape;
    if (!t->assumed || !t->assumed->rows) return NULL;
    int64_t dp = t->mesh.shape.dp, replica = t->mesh.place.data, first = replica - replica % t->mesh.shape.ep;
    return t->assumed->rows + (microbatch * dp + first) * shape->layers * shape->experts.count;
}

bool trainer_alike(const Trainer *t)
{
    return t->device.dry && !(t->assumed && t->assumed->rows);
}

static Tensor walk_forward(Trainer *t, Action a, Slot *slot, Tensor x)
{
    int64_t B = t->config->train.microbatch;
    Tensor tokens = {0};
    if (a.stage == 0 || is_last(t, a.stage)) {
        tokens = tensor_new(&t->device, MEM_ACTIVATIONS, INT32, B * (t->config->model.shape.sequence + 1));
        t->data_parallel->ops->tokens(t->data_parallel, a.microbatch, tokens);
    }
    GptPass pass = {.hooks = &t->data_parallel->hooks,
                    .stage = a.stage,
                    .microbatch = a.microbatch,
                    .step = t->step,
                    .first_sample = trainer_first_sample(t, t->mesh.place.data, a.microbatch),
                    .B = B,
                    .routing = t->routing,
                    .taken = taken_of(t, a.microbatch),
                    .load = t->assumed ? t->assumed->load : NULL,
                    .given = given_of(t, a.microbatch),
                    .bias = t->bias.each,
                    .batch = t->loads.layer};
    return gpt_forward(t->gpt, &pass, tokens, x, &slot->saved, &t->losses[a.microbatch]);
}

/* The mean over the whole batch, on every rank. */
static Tensor walk_backward(Trainer *t, Action a, Slot *slot, Halves halves, Tensor dy)
{
    if (slot->as) slot->saved = gpt_saved_copy(t->gpt, &slot->as->saved);
    slot->saved.pass.microbatch = a.microbatch;
    slot->as = NULL;
    return gpt_backward(t->gpt, &slot->saved, halves, t->loss_scale / positions(t), dy);
}

/* As the pass before it did, or walked; x or dy is taken over. Returns y or dx. What is given is pointed to, as it has
 * just been written, field by field, and most passes need no copy. */
static Tensor pass(Trainer *t, Action a, Slot *slot, Halves halves, const Tensor *given)
{
    int chunk = t->chunk_of[a.stage];
    bool saves = a.kind == ACTION_FORWARD || a.kind == ACTION_INPUT;
    bool gathers = data_parallel_gathers(t->data_parallel, a.stage);
    Repeats *repeats = trainer_alike(t) ? t->repeats : NULL;
    Pass *same = gathers ? NULL : repeats_find(repeats, a.kind, chunk, a.microbatch);
    if (same) {
        repeats_play(repeats, same);
        if (slot->saves) gpt_saved_forget(&slot->saved);
        slot->saves = false;
        slot->as = saves ? same : NULL;
        return same->result;
    }
    slot->saves = true;
    repeats_record(repeats, a.kind, chunk);
    Tensor result = a.kind == ACTION_FORWARD ? walk_forward(t, a, slot, *given)
                                             : walk_backward(t, a, slot, halves, *given);
    repeats_keep(repeats, a.kind, chunk, saves ? &slot->saved : NULL, result);
    return result;
}

static void forward(Trainer *t, Action a, Slot *slot)
{
    const Tensor x = input_of(t, a, slot);
    slot->y = pass(t, a, slot, HALF_BOTH, &x);
}

static void backward(Trainer *t, Action a, Slot *slot, Halves halves)
{
    const Tensor dy = halves & HALF_INPUT ? output_gradient_of(t, a, slot) : (Tensor){0};
    const Tensor dx = pass(t, a, slot, halves, &dy);
    if (halves & HALF_INPUT) slot->dx = dx;
    slot->done = halves & HALF_WEIGHTS;
}

/* The border between two stages: the residual stream of one microbatch. */
static Tensor receive(Trainer *t, Action a, Purpose direction, int from)
{
    const GptShape *shape = &t->config->model.shape;
    int64_t rows = t->config->train.microbatch * region_rows(&t->gpt->region, shape->sequence);
    Tensor border = tensor_new(&t->device, MEM_COMMUNICATION, t->gpt->dtype, rows * shape->hidden);
    stages_receive(t->stages, direction, from, a.microbatch, &border);
    return border;
}

/* Of the whole gradient, on every rank; `parts`: squares of what replicas hold parts of. */
static double gradient_norm(Trainer *t, double parts)
{
    double squares = data_parallel_sum_of_squares(t->data_parallel, false) + parts;
    squares = sum_in_rank_order(t->mesh.tensor_group, TP_NORM, &t->device, squares);
    squares = sum_in_rank_order(t->mesh.norm_group, PP_NORM, &t->device, squares);
    /* dp's main replica alone has the gradient, and all must know whether it overflowed; last, so that who idles
     * for a stage does not seem to wait for the broadcast */
    if (t->data_parallel->config.kind == DATA_DP)
        tree_broadcast(t->mesh.data_group, DP_BROADCAST, &squares, sizeof squares, 0);
    return sqrt(squares) / t->loss_scale;
}

static void reduce(Trainer *t, StepResult *result)
{
    DataParallel *d = t->data_parallel;
    bool last = t->gpt->stage[t->plan->stages - 1].held;
    d->ops->reduce(d, t->losses, last ? t->microbatches : 0);
    /* before the main replica alone swaps an embedding's gradients, and idles for a stage */
    expert_bias_sum(&t->bias, &t->mesh, t->routing);
    double parts = data_parallel_sum_of_squares(d, true);
    stages_sum_embedding(t->stages, d);
    result->grad_norm = gradient_norm(t, parts);
    result->skipped = t->config->train.precision == PRECISION_FP16 && !isfinite(result->grad_norm);
    bool mine =
        last && t->mesh.place.tensor == 0; /* the others of a tensor group have computed the same loss */
    for (int k = 0; k < t->microbatches && mine; k++) result->loss += t->losses[k] / positions(t);
}

static void update(Trainer *t, const StepResult *result)
{
    double norm = result->grad_norm;
    double clip = t->config->train.clip;
    /* Pascanu et al. 1211.5063, algorithm 1, with PyTorch's 1e-6 */
    double scale = clip > 0 && norm > clip ? clip / (norm + 1e-6) : 1;
    Part before = lanes_part(&t->device.lanes, PART_OPTIMIZER);
    if (t->device.time_of) lanes_compute(&t->device.lanes, 1e-3 * t->config->machine.software.step_ms);
    data_parallel_update(t->data_parallel, result->learning_rate, scale / t->loss_scale, ++t->updates);
    lanes_part(&t->device.lanes, before);
}

/* An overflow anywhere is in the norm, which all ranks have, so all skip the same step. */
static void optimize(Trainer *t, StepResult *result)
{
    result->loss_scale = t->loss_scale;
    result->learning_rate = learning_rate_at(t->config, t->updates);
    if (!result->skipped) update(t, result);
    expert_bias_step(&t->bias, &t->mesh, result->skipped, t->routing);
    t->loss_scale = loss_scale_after(t->config, t->loss_scale, result->skipped, &t->fine);
}

static void perform(Trainer *t, Action a, StepResult *result)
{
    Slot *slot = a.microbatch >= 0 ? slot_of(t, a.stage, a.microbatch) : NULL;
    switch (a.kind) {
    case ACTION_FORWARD: forward(t, a, slot); break;
    case ACTION_BACKWARD: backward(t, a, slot, HALF_BOTH); break;
    case ACTION_INPUT: backward(t, a, slot, HALF_INPUT); break;
    case ACTION_WEIGHT: backward(t, a, slot, HALF_WEIGHTS); break;
    case ACTION_SEND_FORWARD: stages_send(t->stages, PP_SEND_FORWARD, a.stage, a.microbatch, &slot->y); break;
    case ACTION_SEND_BACKWARD:
        stages_send(t->stages, PP_SEND_BACKWARD, a.stage, a.microbatch, &slot->dx);
        break;
    case ACTION_RECV_FORWARD: slot->x = receive(t, a, PP_SEND_FORWARD, a.stage - 1); break;
    case ACTION_RECV_BACKWARD: slot->dy = receive(t, a, PP_SEND_BACKWARD, a.stage + 1); break;
    case ACTION_UNSHARD: t->data_parallel->ops->unshard(t->data_parallel); break;
    case ACTION_BALANCE: batch_loads_sum(&t->loads, &t->mesh, t->routing); break;
    case ACTION_REDUCE: reduce(t, result); break;
    case ACTION_STEP: optimize(t, result); break;
    case ACTION_KINDS: break;
    }
    if (slot && slot->done) leave(t, a.stage, a.microbatch);
}

/* Of thousands of ranks that take turns, what each needs next has left the cache since its last turn. */
static void fetch_ahead(const Trainer *t, const Schedule *list, int i)
{
    enum { AHEAD = 16 };
    if (i + AHEAD >= list->count) return;
    const Action *next = &list->action[i + AHEAD];
    __builtin_prefetch(next);
    __builtin_prefetch(&t->laps.lap[i + AHEAD], 1);
}

/* `began`: the wall clock as the step did. */
static void perform_timed(Trainer *t, int i, double began, StepResult *result)
{
    const Action a = *t->action;
    ActionBegun begun = action_begin(&t->device, a.kind, began);
    perform(t, a, result);
    action_end(&t->device, a.kind, &t->ideal, t->again, &begun, &t->laps, i);
}

/* The last action that computes gradients. */
static int last_backward(const Schedule *list)
{
    int last = list->count - 1;
    while (last > 0 && !action_is_backward(list->action[last].kind)) last--;
    return last;
}

/* The norm, which every rank has as a step ends, was worked out from gradients of every rank, also from those that are
 * computed next: so the word, which goes with all that is sent from here on, is everywhere by then, in messages that
 * are sent anyway. Asked any later a rank might say it to some only, who would not be there in the next step. */
static void say_if_asked(Trainer *t)
{
    if (t->asked && *t->asked) comm_say_last(t->comm, t->step + 1);
}

StepResult trainer_step(Trainer *t, int64_t step, void (*after_reduce)(Trainer *t, void *context),
                        void *context)
{
    const Schedule *list = trainer_list(t);
    StepResult result = {0};
    double began = clock_now();
    int last = last_backward(list);
    t->step = step;
    if (t->routing) memset(t->routing, 0, step_record_routing(t->config, t->comm->size));
    faults_begin_step(&t->device, t->comm, &t->config->fault, step, t->goes_on);
    data_parallel_begin_step(t->data_parallel);
    comm_begin_step(t->comm);
    for (int i = 0; i < list->count; i++) {
        if (i == last) say_if_asked(t);
        t->action = &list->action[i];
        fetch_ahead(t, list, i);
        perform_timed(t, i, began, &result);
        if (t->performed) t->performed(t->watch);
        bool reduced = list->action[i].kind == ACTION_REDUCE && !result.skipped;
        if (reduced && after_reduce) after_reduce(t, context);
    }
    stages_flush(t->stages);
    repeats_settle(t->repeats);
    t->action = NULL;
    return result;
}
