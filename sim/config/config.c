/* config.c - what is read off a Config without the table of its keys. */
#include "sim/config/config.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "models/machine/real.h"
#include "sim/base/words.h"

const char *const config_precision_names[] = {
    [PRECISION_FP32] = "fp32", [PRECISION_BF16] = "bf16", [PRECISION_FP16] = "fp16", NULL};
const char *const config_data_names[] = {
    [DATA_DP] = "dp",       [DATA_DDP] = "ddp",     [DATA_ZERO1] = "zero1",
    [DATA_ZERO2] = "zero2", [DATA_ZERO3] = "zero3", NULL};

DType config_dtype(const Config *config)
{
    static const DType types[] = {[PRECISION_FP32] = REAL, [PRECISION_BF16] = BF16, [PRECISION_FP16] = FP16};
    return types[config->train.precision];
}

DType config_gradient_dtype(const Config *config, int microbatches)
{
    int gradients = config->train.gradients;
    bool wide = gradients == GRADIENTS_FP32 || (gradients == GRADIENTS_AUTO && microbatches > 1);
    return wide ? REAL : config_dtype(config);
}

const char *config_precision_name(const Config *config)
{
    return config->train.precision == PRECISION_FP32 ? REAL_NAME
                                                     : config_precision_names[config->train.precision];
}

MeshShape config_mesh(const Config *config, int ranks)
{
    int ep = config->model.shape.experts.count > 0 ? (int)config->expert.size : 1;
    return mesh_shape(ranks, (int)config->pipeline.size, (int)config->tensor.size, ep);
}

int64_t config_steps(const Config *config, bool dry)
{
    if (!dry) return config->train.steps;
    return faults_any(&config->fault) ? faults_finished(&config->fault, config->train.steps) : 1;
}

static Network machine_network(const Config *config, int ranks)
{
    Network n = network_of(&config->node,
                           mesh_placement(config_mesh(config, ranks), (RankOrder)config->hardware.order),
                           (AllReduce)config->hardware.all_reduce);
    n.all_to_all = (AllToAllWay)config->hardware.all_to_all;
    return n;
}

Network config_network(const Config *config, int ranks)
{
    Link link = {config->hardware.latency_us * 1e-6, 1 / (config->hardware.bandwidth * 1e9)};
    Network given = {.message[ROUTE_INSIDE].latency = 1e-3 * config->hardware.message_ms};
    switch ((HardwareProfile)config->hardware.profile) {
    case PROFILE_IDEAL: break;
    case PROFILE_MEASURED: return network_flat(link);
    case PROFILE_GIVEN: return given;
    case PROFILE_MACHINE: return machine_network(config, ranks);
    }
    return (Network){0};
}

int64_t config_replica_ranks(const Config *config)
{
    return config->pipeline.size * config->tensor.size;
}

int config_microbatches(const Config *config, int ranks)
{
    return (int)(config->train.global_batch / (config_mesh(config, ranks).dp * config->train.microbatch));
}

void config_free(Config *config)
{
    free(config->text);
    config->text = NULL;
}

ScheduleKind config_schedule(const Config *config)
{
    int kind = 0;
    while (kind < SCHEDULE_KINDS && strcasecmp(config->pipeline.schedule, schedule_name[kind]) != 0) kind++;
    return (ScheduleKind)kind;
}

const int *config_layers_per_stage(const Config *config, int stages)
{
    const NumberList *layers = &config->pipeline.layers;
    return layers->count == stages ? layers->number : NULL;
}

void config_profile_file(const Config *config, char *file, size_t size)
{
    const char *name = config->hardware.name;
    bool is_path = words_end_in(name, ".ini") || strchr(name, '/');
    snprintf(file, size, is_path ? "%s" : config_is_localhost(config) ? "%s.ini" : "hardware/%s.ini", name);
}

bool config_is_localhost(const Config *config)
{
    return strcasecmp(config->hardware.name, "localhost") == 0;
}

bool config_schedule_is_file(const Config *config)
{
    return words_end_in(config->pipeline.schedule, ".csv");
}
