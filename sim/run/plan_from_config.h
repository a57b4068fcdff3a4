/* parallel/stages.h - what one replica's pipeline does in a step, from the config: the
 * lists of all its ranks, whole and walked, and how long actions take ideally. */
#ifndef SIM_RUN_PLAN_FROM_CONFIG_H
#define SIM_RUN_PLAN_FROM_CONFIG_H
#include "parallel/schedule/timeline.h"
#include "sim/config/config.h"

/* The schedule of that name; SCHEDULE_KINDS when parallel.schedule is no name. */
ScheduleKind pipeline_kind(const Config *config);
/* Whether parallel.schedule is the path of a user's own. */
bool pipeline_is_file(const Config *config);
/* Its malloc'd bytes, with a zero behind; or NULL. */
char *pipeline_read(const Config *config, int64_t *bytes, Error *error);

/* Seconds under hardware.profile = ideal: F 1, B 2, I and W 1 each, on every stage alike; where a rank holds v
 * stages, a run takes 1/v of these, so that steps of one model compare. B and I are longer by what is computed
 * again: a whole F under full recomputation; under selective QK^T's share of a block's flops, 2 b s^2 h of
 * 2 b s (4 h^2 + 2 h f) + 4 b s^2 h (Korthikanti et al. 2205.05198, appendix A). */
Ideal pipeline_ideal(const Config *config);

/* Of B's or I's seconds there, what is computed again. */
double pipeline_again(const Config *config);

/* Writes the lists of all pp ranks, with sends and receives and what parallel.data needs. `text` is the content of the file where
 * pipeline_is_file, else unused: its shape must be pp, `microbatches` and, when the config gives them,
 * virtual_stages. Refused too when ranks would wait forever, which names rank and action. */
bool pipeline_plan(const Config *config, int microbatches, const char *text, Plan *plan, Error *error);
#endif
