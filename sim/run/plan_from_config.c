/* plan_from_config.c - from parallel.pp, schedule and virtual_stages to a plan that is known to run. */
#include "sim/run/plan_from_config.h"
#include <string.h>
#include "parallel/schedule/notation.h"
#include "parallel/stages.h"
#include "sim/config/rows.h"
#include "sim/config/file.h"
#include "sim/config/checks.h"
#include "sim/config/refuse.h"
#include "sim/base/words.h"
#include "sim/theory/theory.h"

char *plan_text(const Config *config, int64_t *bytes, Error *error)
{
    return config_read_path(config, "parallel.schedule", config->pipeline.schedule,
                            "a schedule in text, or 1f1b", bytes, error);
}

/* What would fit the file's microbatches, where there are `has` a step. */
static bool refuse_microbatches(const Config *config, int wants, int has, Error *error)
{
    int64_t batch = config->train.global_batch, share = has * config->train.microbatch;
    char smaller[64] = "";
    if (share % wants == 0)
        words_append(smaller, sizeof smaller, "train.microbatch = %lld, or ", (long long)(share / wants));
    return config_refuse(
        config, "parallel.schedule", error,
        "it is a schedule of %d microbatch%s, and a step has train.global_batch / (replicas x "
        "train.microbatch) = %lld / (%lld x %lld) = %d; try %strain.global_batch = %lld",
        wants, wants == 1 ? "" : "es", (long long)batch, (long long)(batch / share),
        (long long)config->train.microbatch, has, smaller, (long long)(batch / has * wants));
}

/* Whether the schedule of a file is one of this pipeline. */
static bool check_shape(const Config *config, Shape shape, int microbatches, Error *error)
{
    bool given = config->origin[config_row_named("parallel.virtual_stages")] != ORIGIN_DEFAULT;
    int64_t pp = config->pipeline.size, v = config->pipeline.virtual_stages,
            layers = config->model.shape.layers;
    if (shape.p != pp)
        return config_refuse(config, "parallel.schedule", error,
                             "it has %d line%s, one a rank of the pipeline, and parallel.pp = %lld; try "
                             "parallel.pp = %d",
                             shape.p, shape.p == 1 ? "" : "s", (long long)pp, shape.p);
    if (given && shape.v != v)
        return config_refuse(config, "parallel.virtual_stages", error,
                             "%.80s has %d stage%s a rank; try parallel.virtual_stages = %d, or "
                             "leave it out",
                             config->pipeline.schedule, shape.v, shape.v == 1 ? "" : "s", shape.v);
    if (layers < (int64_t)shape.v * shape.p)
        return config_refuse(
            config, "parallel.schedule", error,
            "its %d stages are more than model.layers = %lld can fill; try model.layers = %d",
            shape.v * shape.p, (long long)layers, shape.v * shape.p);
    char what[96];
    snprintf(what, sizeof what, "%d lines x %d stages a rank = %d stages of the schedule", shape.p, shape.v,
             shape.p * shape.v);
    if (!config_check_layers(config, shape.p * shape.v, what, error)) return false;
    return shape.m == microbatches || refuse_microbatches(config, shape.m, microbatches, error);
}

static bool write_plan(const Config *config, int microbatches, const char *text, int64_t bytes, Plan *plan,
                       Error *error)
{
    Shape shape = {
        .v = (int)config->pipeline.virtual_stages, .p = (int)config->pipeline.size, .m = microbatches};
    if (!config_schedule_is_file(config)) return plan_write(plan, config_schedule(config), shape, error);
    if (!notation_read(plan, text, bytes, config->pipeline.schedule, error)) return false;
    if (check_shape(config, plan->shape, microbatches, error)) return true;
    plan_free(plan);
    return false;
}

bool plan_from_config(const Config *config, int microbatches, const char *text, int64_t bytes, Plan *plan,
                      Error *error)
{
    if (!write_plan(config, microbatches, text, bytes, plan, error)) return false;
    stages_lower(plan, (DataParallelKind)config->parallel.kind);
    Ideal ideal = theory_ideal(config);
    Durations durations = timeline_ideal(&ideal);
    Timeline timeline;
    Error why;
    if (timeline_walk(&timeline, plan, &durations, &why)) {
        timeline_free(&timeline);
        return true;
    }
    plan_free(plan);
    if (config_schedule_is_file(config))
        return error_set(error, "%s: %s (rank r is line r + 1)", config->pipeline.schedule, why.text);
    return config_refuse(config, "parallel.schedule", error, "%s", why.text);
}
