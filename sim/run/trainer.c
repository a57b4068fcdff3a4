/* trainer.c - everything one rank trains with: made, and freed. */
#include <stdio.h>
#include <stdlib.h>
#include "models/kernels/matmul.h"
#include "models/machine/team.h"
#include "sim/file/step_record.h"
#include "sim/run/step.h"
#include "sim/run/step_faults.h"
#include "sim/theory/theory.h"

int64_t trainer_first_sample(const Trainer *t, int replica, int microbatch)
{
    int64_t before = (int64_t)replica * t->microbatches + microbatch;
    return t->step * t->config->train.global_batch + before * t->config->train.microbatch;
}

/* Samples are dealt to ranks and microbatches by their global index alone. */
static void fill_batch(void *context, int rank, int microbatch, int32_t *tokens)
{
    const Trainer *t = context;
    int64_t B = t->config->train.microbatch, T = t->config->model.shape.sequence;
    int64_t first = trainer_first_sample(t, rank, microbatch);
    for (int64_t i = 0; i < B; i++) data_sample(t->data, first + i, tokens + i * (T + 1));
}

/* Comm.at of a Trainer. */
static void at(const void *trainer, char *text, size_t size)
{
    const Trainer *t = trainer;
    char action[48];
    if (t->action)
        snprintf(text, size, "at %s of step %lld", action_text(*t->action, action, sizeof action),
                 (long long)t->step + 1);
    else
        snprintf(text, size, "outside the steps");
}

const Schedule *trainer_list(const Trainer *t)
{
    return &t->plan->list[t->mesh.place.pipe];
}

/* ---- the model ---- */

static GptStages stages_of(const Config *config, const Plan *plan, int rank)
{
    return (GptStages){.count = plan->stages,
                       .blocks = config_layers_per_stage(config, plan->stages),
                       .rank_of = plan->rank_of,
                       .rank = rank};
}

Gpt *trainer_like(const Config *config, const Plan *plan)
{
    const Region region = {.size = (int)config->tensor.size};
    const Dispatch dispatch = {.size = (int)config->expert.size};
    const GptStages stages = stages_of(config, plan, 0);
    return gpt_new(&(GptOptions){
        .shape = &config->model.shape, .region = &region, .dispatch = &dispatch, .stages = &stages});
}

/* As this rank has it; `whole`: with experts that other ranks hold. */
static Gpt *model_of(Trainer *t, const Gpt *like, bool whole)
{
    const Config *config = t->config;
    Region region = tensor_parallel_region(&config->tensor, t->mesh.tensor_group, t->mesh.sharing_group);
    ExpertParallelConfig expert = config->expert;
    expert.overlap = config->parallel.overlap;
    Dispatch dispatch = expert_parallel_dispatch(&expert, t->mesh.expert_group);
    const GptStages stages = stages_of(config, t->plan, t->mesh.place.pipe);
    return gpt_new(&(GptOptions){.shape = &config->model.shape,
                                 .region = &region,
                                 .dispatch = whole ? NULL : &dispatch,
                                 .stages = &stages,
                                 .recompute = (Recompute)config->train.recompute,
                                 .dtype = config_dtype(config),
                                 .seed = config->train.seed,
                                 .device = &t->device,
                                 .like = like});
}

const Gpt *trainer_whole(Trainer *t)
{
    if (t->mesh.shape.ep == 1) return t->gpt;
    if (!t->whole) t->whole = model_of(t, NULL, true);
    return t->whole;
}

/* Experts that replicas share are a domain of their own (parallel/data/domain.h). */
static void make_data_parallel(Trainer *t)
{
    const Config *config = t->config;
    const Mesh *mesh = &t->mesh;
    const DomainGroups groups[] = {{.group = mesh->data_group},
                                   {.group = mesh->expert_data_group, .others = mesh->expert_group}};
    const bool shares = mesh->shape.ep > 1;
    for (int layer = 1; layer <= t->gpt->shape.layers && shares; layer++)
        if (has_experts(&t->gpt->shape, layer))
            t->gpt->unit[t->gpt->layer[layer].unit[BLOCK_EXPERTS]].domain = 1;
    t->data_parallel = data_parallel_new(
        &(DataParallelOptions){.config = &config->parallel,
                               .optimizer = &config->train.optimizer,
                               .gpt = t->gpt,
                               .gradient_dtype = config_gradient_dtype(config, t->microbatches),
                               .groups = groups,
                               .domains = shares ? 2 : 1,
                               .microbatches = t->microbatches,
                               .complete = tensor_parallel_sum_gradients,
                               .batch = fill_batch,
                               .batch_context = t});
}

/* ---- all of it ---- */

/* A row for each action of the longest list. */
static void make_laps(Trainer *t)
{
    for (int p = 0; p < t->plan->shape.p; p++)
        if (t->plan->list[p].count > t->rows) t->rows = t->plan->list[p].count;
    laps_make(&t->laps, trainer_list(t)->count, !t->device.dry);
}

void trainer_rows(const Trainer *t, const Laps *laps, int first, int count, TimelineRow *rows)
{
    laps_rows(laps, trainer_list(t), t->comm->rank, first, count, rows);
}

/* Where this rank's simulated time comes from (models/machine/lanes.h). */
static void set_clock(Trainer *t)
{
    const Config *c = t->config;
    Lanes *lanes = &t->device.lanes;
    lanes->reads_clock = !t->device.dry;
    lanes->measured = c->hardware.profile == PROFILE_MEASURED;
    t->comm->between_stages = c->hardware.profile == PROFILE_GIVEN;
    t->comm->network = config_network(c, t->comm->size);
    if (c->hardware.profile == PROFILE_MACHINE) {
        t->device.time_of = machine_time;
        t->device.machine = &c->machine;
        lanes->launch[0] = 1e-6 * c->machine.software.launch_us;
        lanes->launch[1] = 1e-6 * c->machine.software.launch_backward_us;
    }
    t->comm->lanes = lanes;
    t->comm->at = at;
    t->comm->whose = t;
    faults_begin(t->comm, &c->fault);
    /* so that steps of one model compare: of v stages each has 1/v of a rank's layers */
    double v = t->plan->shape.v;
    Ideal stage = theory_ideal(c);
    t->ideal = (Ideal){stage.forward / v, stage.backward / v, stage.input / v, stage.weight / v};
    t->again = theory_again(c) / v;
}

Trainer *trainer_new(const Config *config, const Plan *plan, Comm *comm, const Text *text, bool dry,
                     const Gpt *like, Error *error)
{
    const GptShape *shape = &config->model.shape;
    Data *data = data_open(&config->data, shape->vocab, shape->sequence, text, error);
    if (!data) return NULL;
    if (!dry) matmul_choose((MatmulChoice)config->train.matmul);
    Trainer *t = allocate_zeroed(1, sizeof *t);
    *t = (Trainer){.config = config, .plan = plan, .comm = comm, .device = {.dry = dry}, .data = data};
    t->threads = dry ? 1 : team_start(config->train.threads ? (int)config->train.threads : comm->cores);
    comm->windows = config->collectives == COLLECTIVES_AUTO;
    t->mesh = mesh_new(comm, config_mesh(config, comm->size), (int)kv_sharing(shape, config->tensor.size));
    t->microbatches = plan->shape.m;
    t->gpt = model_of(t, like, false);
    make_data_parallel(t);
    t->loss_scale = config->train.precision == PRECISION_FP16 ? config->train.loss_scale : 1;
    t->stages =
        stages_new(t->mesh.pipe_group, config->tensor.scatter ? t->mesh.tensor_group : NULL, plan, t->gpt);
    make_laps(t);
    set_clock(t);

    t->chunk_of = allocate_zeroed((size_t)plan->stages, sizeof *t->chunk_of);
    for (int s = 0, chunk = 0; s < plan->stages; s++)
        if (t->gpt->stage[s].held) t->chunk_of[s] = chunk++;
    slots_make(&t->slots, plan->shape.v, t->microbatches);
    if (shape->experts.count) t->routing = allocate_zeroed(1, step_record_routing(config, comm->size));
    if (step_record_rows(config, comm->size)) t->taken = (void *)(t->routing + step_record_sums(shape));
    expert_bias_make(&t->bias, t->gpt, &t->device);
    batch_loads_make(&t->loads, t->gpt, config->train.global_batch, &t->device);
    t->losses = allocate_zeroed((size_t)t->microbatches, sizeof *t->losses);
    t->repeats = repeats_new(&t->device, comm, t->gpt, plan->shape.v, t->microbatches);
    return t;
}

void trainer_free(Trainer *t)
{
    if (!t) return;
    t->comm->lanes = NULL;
    t->comm->at = NULL;
    faults_end(t->comm);
    repeats_free(t->repeats);
    stages_free(t->stages);
    data_parallel_free(t->data_parallel);
    mesh_free(&t->mesh);
    batch_loads_free(&t->loads);
    expert_bias_free(&t->bias);
    gpt_free(t->whole);
    gpt_free(t->gpt);
    data_close(t->data);
    free(t->chunk_of);
    slots_free(&t->slots);
    free(t->losses);
    free(t->routing);
    laps_free(&t->laps);
    free(t);
}
