/* estimate.c - what each thing takes, as often as it is done or kept. */
#include "sim/run/estimate.h"
#include <math.h>
#include <stdlib.h>
#include "models/layers/gpt.h"
#include "models/machine/real.h"
#include "parallel/data/domain.h"
#include "sim/file/run_info.h"
#include "sim/file/step_record.h"
#include "sim/run/estimate_counts.h"
#include "sim/run/recent.h"
#include "sim/run/step.h"
#include "sim/theory/theory.h"

/* What each takes: measured on a core of an AMD EPYC and of an Intel Xeon, over dry runs of 8 to 3072 ranks, 6 to 10000
 * layers and 1 to 16384 microbatches, and over real ones of 1 to 8. */
static const struct {
    /* bytes: of a dry run but for its ranks; of a process under MPI; of a dry rank, stack and all */
    double program, process, rank;
    double program_seconds;               /* to begin and end a dry run */
    double rank_seconds, layer_seconds;   /* of a dry rank; of its table, a layer */
    double visit_seconds, action_seconds; /* of F or B, a layer; to perform and record an action */
    /* of half an all-reduce, or of another ring: of units, with what is made for it; of activations, where their pass is
     * walked; to meet others that are walked; and on a machine for its kernels and ports */
    double bucket_seconds, ring_seconds, meeting_seconds, port_seconds;
    double piece_seconds; /* of each tensor in it, likewise */
    /* of rows to experts or back, of which there are two, forward and backward, a layer and microbatch; and of each pair of
     * the ranks that share them, where they are not as before (repeat.h) */
    double exchange_seconds, pair_seconds;
    double tensor_seconds; /* of each tensor of an expert in a rank's table */
    double block_seconds;  /* of each of a unit's blocks, one a replica, that a rank visits */
    /* bytes of an action in a run's file: of a real one; of a dry one, where most hold alike */
    double row_file[2];
    double operations; /* of products, in a second, in fp32 */
} takes = {.program = 22e6,
           .process = 35e6,
           .rank = 55e3,
           .program_seconds = 30e-3,
           .rank_seconds = 150e-6,
           .layer_seconds = 1.2e-6,
           .visit_seconds = 1.5e-6,
           .action_seconds = 200e-9,
           .bucket_seconds = 1.2e-6,
           .ring_seconds = 150e-9,
           .meeting_seconds = 100e-9,
           .port_seconds = 30e-9,
           .piece_seconds = 250e-9,
           .exchange_seconds = 1.9e-6,
           .pair_seconds = 24e-9,
           .tensor_seconds = 1.1e-6,
           .block_seconds = 120e-9,
           .row_file = {157, 73},
           .operations = 1e11};

/* ---- a dry run ---- */

/* Of a rank's table, the parameters. */
static double bytes_of_parameters(const Config *config)
{
    const GptShape *shape = &config->model.shape;
    int64_t experts = shape->experts.count / config->expert.size;
    double sum = 0;
    for (int64_t layer = 1; layer <= shape->layers; layer++)
        sum +=
            (double)block_tensors(experts, &block_kind[block_of(shape, layer)]) * (double)sizeof(Parameter);
    return sum;
}

/* And the rest: a rank has buckets for the units of its own stages. */
static double bytes_of_layers(const Config *config, const Plan *plan)
{
    const GptShape *shape = &config->model.shape;
    double each = sizeof(GptLayer) + sizeof(Unit) + sizeof(DomainUnit) + sizeof(int) +
                  (double)sizeof(Bucket) / plan->shape.p + 2 * sizeof(Transfer *);
    return (double)(shape->layers + layers_with_experts(shape, 1, shape->layers)) * each;
}

/* Of the steps that are kept, of which one is recorded (recent.h): a dry run's only one is its own. */
static double rows_kept(double steps)
{
    return steps > 1 ? fmin(steps, RECENT_MOST) + 1 : 0;
}

/* Of experts, of all replicas. */
static double experts_bytes(const Config *config, int ranks)
{
    const GptShape *shape = &config->model.shape;
    double layers = (double)layers_with_experts(shape, 1, shape->layers), E = (double)shape->experts.count;
    double rows = (double)(step_record_rows(config, ranks) * (size_t)config_mesh(config, ranks).dp);
    return layers * ((2 * E + 4) * sizeof(double) + rows / (double)shape->layers * sizeof(int32_t));
}

/* Of a run's file: actions, steps, and what is known of every rank. */
static double file_bytes(const Config *config, bool dry, int all, double rows, double ranks, double steps)
{
    double step = ranks * 2 * PURPOSES * sizeof(uint64_t) + 11 * sizeof(double) + experts_bytes(config, all);
    return rows * takes.row_file[dry] + steps * step + ranks * sizeof(StepRecord) + 1e5;
}

Estimate estimate_dry(const Config *config, const Plan *plan, const WalkedRanks *walked, bool repeats)
{
    MeshShape mesh = config_mesh(config, walked->ranks);
    repeats = repeats && passes_repeat(config);
    PipelineCounts one = count_pipeline(config, plan, repeats);
    double N = walked->count, L = (double)config->model.shape.layers, pipelines = N / plan->shape.p;
    /* ranks with the first experts borrow theirs of one that is nobody's (trainer_like()) */
    double tables = 1 + N * (1 - 1 / (double)mesh.ep);
    Rings data = count_data_rings(config, plan, mesh.dp), tensor = count_tensor_rings(config, plan);
    double rings = pipelines * (data.halves + tensor.halves);
    double pieces = pipelines * (data.pieces + (repeats ? 0 : tensor.pieces));
    const Exchanges exchanges = count_exchanges(config, plan, repeats);
    double visits = pipelines * one.visits, rows = pipelines * one.rows;
    double steps = (double)config_steps(config, true);
    const bool machine = config->hardware.profile == PROFILE_MACHINE, meets = walked->count == walked->ranks;
    double ring = (repeats ? 0 : takes.ring_seconds) + (meets ? takes.meeting_seconds : 0);
    /* spans are forgotten as ranks take turns (comm_virtual.c): not by one alone, nor where each does all at a time */
    const bool keeps = machine && (plan->shape.p == 1 || plan_forwards_first(plan));
    double ports = machine ? rings : 0, spans = keeps ? rings + rows : 0;
    Estimate e = {.work = steps * (rings + visits + rows + pipelines * exchanges.all)};
    double others = sizeof(int) * (walked->ranks + mesh.dp + 2.0 * mesh.pp + mesh.tp + (double)mesh.ep +
                                   (double)mesh.dp / (double)mesh.ep); /* of its groups */
    e.memory[COST_PROGRAM] = takes.program;
    e.seconds[COST_PROGRAM] = takes.program_seconds;
    e.memory[COST_RANKS] =
        N * (takes.rank + others + (double)step_record_bytes(config, walked->ranks)); /* its record */
    e.memory[COST_LAYERS] = N * bytes_of_layers(config, plan) + tables * bytes_of_parameters(config);
    e.memory[COST_ACTIONS] =
        N * one.longest * (1 + rows_kept(steps)) * sizeof(Lap) + one.rows * sizeof(Action) +
        pipelines * (repeats ? 0 : one.blocks_at_once * sizeof(BlockSaved)) +
        pipelines * (plan->shape.p * (double)plan->shape.v * plan->shape.m * sizeof(Slot *) +
                     one.in_flight * sizeof(Slot));
    e.memory[COST_MESSAGES] = spans * sizeof(PortSpan);
    e.seconds[COST_RANKS] = N * takes.rank_seconds;
    e.seconds[COST_LAYERS] =
        N * (L * takes.layer_seconds + count_expert_tensors(config) * takes.tensor_seconds);
    e.seconds[COST_ACTIONS] = steps * (visits * takes.visit_seconds + rows * takes.action_seconds);
    e.seconds[COST_MESSAGES] =
        steps * (pipelines * (data.halves * takes.bucket_seconds + tensor.halves * ring) +
                 ports * takes.port_seconds + pieces * takes.piece_seconds +
                 pipelines * count_block_visits(config, plan, mesh.dp) * takes.block_seconds +
                 pipelines * (exchanges.all * takes.exchange_seconds +
                              exchanges.walked * (double)mesh.ep * (double)mesh.ep * takes.pair_seconds));
    e.file = file_bytes(config, true, walked->ranks, rows, N, steps);
    return e;
}

/* ---- a real one ---- */

/* Of a step on one rank: 6 a parameter and token, 2 of them forward, and those of the scores, of which half are
 * computed; forward once more where it is recomputed (Narayanan et al. 2104.04473, section 5.1). */
static double operations_of(const Config *config, const Plan *plan, double parameters)
{
    const GptShape *shape = &config->model.shape;
    double tokens = (double)config->train.microbatch * (double)shape->sequence * plan->shape.m;
    double blocks = (double)shape->layers / plan->shape.p, t = (double)config->tensor.size;
    double widths = (double)(shape->heads * (key_width(shape) + value_width(shape)));
    double forward = 2 * tokens * parameters + tokens * (double)shape->sequence * widths * blocks / t;
    return forward * (config->train.recompute == RECOMPUTE_FULL ? 4 : 3);
}

Estimate estimate_rank(const Config *config, const Plan *plan, int ranks, int rank)
{
    const GptShape *shape = &config->model.shape;
    double bytes[MEMORY_CATEGORIES], t = (double)config->tensor.size, rows, longest;
    count_rows(plan, &rows, &longest);
    theory_memory(config, plan, ranks, rank, bytes);
    /* of the products' matrices, on the rank of a pipeline that has the head */
    double parameters = theory_block_parameters(config) * (double)shape->layers / plan->shape.p +
                        ceil((double)shape->vocab / t) * (double)shape->hidden;
    Estimate e = {.work = operations_of(config, plan, parameters)};
    e.memory[COST_PROGRAM] = takes.process;
    e.memory[COST_LAYERS] = bytes_of_layers(config, plan) + bytes_of_parameters(config);
    e.memory[COST_STATES] = bytes[MEM_PARAMETERS] + bytes[MEM_GRADIENTS] + bytes[MEM_OPTIMIZER];
    e.memory[COST_ACTIVATIONS] = bytes[MEM_ACTIVATIONS] + theory_moment(config, plan, ranks, rank);
    /* a rank's own, and on their way to rank 0, where another's are, too */
    e.memory[COST_ACTIONS] =
        longest * (sizeof(Lap) + sizeof(LapMeasured) + (rank == 0 ? 2 : 1) * sizeof(TimelineRow) +
                   (rank == 0 ? ranks * (double)sizeof(double) : 0));
    e.memory[COST_CHECKPOINT] = theory_checkpoint_copy(config, plan, ranks, rank, 0);
    if (data_is_markov(&config->data)) e.memory[COST_VOCABULARY] = 2 * sizeof(int32_t) * (double)shape->vocab;
    e.seconds[COST_PRODUCTS] = e.work / takes.operations * sizeof(real) / sizeof(float);
    if (rank == 0)
        e.file = file_bytes(config, false, ranks, rows * ranks / plan->shape.p, ranks,
                            (double)config->train.steps);
    return e;
}

/* ---- either ---- */

void estimate_add(Estimate *sum, const Estimate *more)
{
    for (int c = 0; c < COSTS; c++) {
        sum->memory[c] += more->memory[c];
        sum->seconds[c] = fmax(sum->seconds[c], more->seconds[c]);
    }
    sum->work = fmax(sum->work, more->work);
    sum->file += more->file;
}

double estimate_total(const double cost[COSTS])
{
    double sum = 0;
    for (int c = 0; c < COSTS; c++) sum += cost[c];
    return sum;
}

Cost estimate_largest(const double cost[COSTS])
{
    int largest = 0;
    for (int c = 1; c < COSTS; c++)
        if (cost[c] > cost[largest]) largest = c;
    return (Cost)largest;
}
