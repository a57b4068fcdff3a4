/* plan_from_config.c - from parallel.pp, schedule and virtual_stages to a plan that is known to run. */
#include "sim/run/plan_from_config.h"
#include "parallel/schedule/notation.h"
#include "parallel/schedule/timeline.h"
#include "parallel/stages.h"
#include "sim/config/file.h"
#include "sim/config/own_schedule.h"
#include "sim/config/ranks.h"
#include "sim/theory/theory.h"

char *plan_text(const Config *config, int64_t *bytes, Error *error)
{
    enum { MOST = 64 * 1000 * 1000 }; /* 20 bytes for each of the actions that a schedule can have */
    return config_read_path(config, "parallel.schedule", config->pipeline.schedule, "a schedule in text",
                            MOST, bytes, error);
}

static bool write_plan(const Config *config, int ranks, const char *text, int64_t bytes, Plan *plan,
                       Error *error)
{
    if (!config_schedule_is_file(config)) {
        Shape shape = {.v = (int)config->pipeline.virtual_stages,
                       .p = (int)config->pipeline.size,
                       .m = config_microbatches(config, ranks ? ranks : (int)config_replica_ranks(config))};
        return plan_write(plan, config_schedule(config), shape, error);
    }
    if (!notation_read(plan, text, bytes, config->pipeline.schedule, error)) return false;
    if (config_check_own_schedule(config, plan->shape, ranks, error)) return true;
    plan_free(plan);
    return false;
}

/* Whether all ranks come to the ends of their lists. */
static bool runs(const Config *config, const Plan *plan, Error *error)
{
    Ideal ideal = theory_ideal(config);
    Durations durations = timeline_ideal(&ideal);
    Timeline timeline;
    Error why;
    if (!timeline_walk(&timeline, plan, &durations, &why))
        return error_set(error, "%s: %s (rank r is line r + 1)", config->pipeline.schedule, why.text);
    timeline_free(&timeline);
    return true;
}

static bool balance_batch(const Config *config, Plan *plan, Error *error)
{
    if (!has_batch_load(&config->model.shape)) return true;
    if (!plan_forwards_first(plan)) return config_refuse_late_load(config, plan->shape.m, error);
    plan_add_between(plan, ACTION_BALANCE);
    return true;
}

/* Those of schedules.c do, whatever their shape; that of a file may not. */
bool plan_from_config(const Config *config, int ranks, const char *text, int64_t bytes, Plan *plan,
                      Error *error)
{
    if (!write_plan(config, ranks, text, bytes, plan, error)) return false;
    stages_lower(plan, &config->parallel);
    bool balanced = balance_batch(config, plan, error);
    if (balanced && (!config_schedule_is_file(config) || runs(config, plan, error))) return true;
    plan_free(plan);
    return false;
}
