/* taken.c - the rows of a step, and the plan of those who send them. */
#include "sim/report/taken.h"
#include <stdlib.h>
#include "sim/config/checks.h"
#include "sim/config/ranks.h"
#include "sim/report/run_config.h"

/* Which layers a rank has in a schedule of the user's own, the file does not say. Called before the profile is set, whose
 * file it is that would be checked. */
static bool has_plan(const RunFile *run, Config *c, Plan *plan)
{
    c->train.whole_share = c->train.microbatch == 0;
    if (!run_file_has(run, "/moe/rows") || config_schedule_is_file(c) || !config_check(c, NULL) ||
        !config_check_ranks(c, run->ranks, NULL))
        return false;
    const GptShape *shape = &c->model.shape;
    const Shape of = {.v = (int)c->pipeline.virtual_stages,
                      .p = (int)c->pipeline.size,
                      .m = config_microbatches(c, run->ranks)};
    return run->replicas == (size_t)config_mesh(c, run->ranks).dp && run->microbatches == (size_t)of.m &&
           run->layers == (size_t)layers_with_experts(shape, 1, shape->layers) &&
           run->experts == (size_t)shape->experts.count && plan_write(plan, config_schedule(c), of, NULL);
}

Taken taken_known(const RunFile *run)
{
    Taken t = {.known = false};
    if (run->shape.mesh.ep > 1 && run->experts) t.config = run_config_new(run);
    if (t.config && t.config->expert.way != DISPATCH_ALL_TO_ALL) taken_free(&t);
    if (!t.config) return t;
    t.known = has_plan(run, t.config, &t.plan);
    if (run->shape.machine) t.config->hardware.profile = PROFILE_MACHINE; /* whose name says nothing of it */
    return t;
}

void taken_free(Taken *taken)
{
    if (taken->known) plan_free(&taken->plan);
    run_config_free(taken->config);
    *taken = (Taken){.known = false};
}

int32_t *taken_in(const RunFile *run, size_t step, Error *error)
{
    const size_t count = run->layers * run->replicas * run->microbatches * run->experts;
    double *rows = allocate(count * sizeof *rows);
    int32_t *taken = allocate(count * sizeof *taken);
    const bool read = run_file_rows(run, "/moe/rows", step, 1, rows, error);
    for (size_t i = 0; i < count && read; i++) taken[i] = (int32_t)rows[i];
    free(rows);
    if (read) return taken;
    free(taken);
    return NULL;
}
