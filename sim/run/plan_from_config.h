/* plan_from_config.h - what one replica's pipeline does in a step, from the config: the
 * lists of all its ranks, whole and walked. */
#ifndef SIM_RUN_PLAN_FROM_CONFIG_H
#define SIM_RUN_PLAN_FROM_CONFIG_H
#include "parallel/schedule/plan.h"
#include "sim/config/config.h"

/* The malloc'd bytes of a user's own schedule, with a zero behind; or NULL. */
char *plan_text(const Config *config, int64_t *bytes, Error *error);

/* Writes the lists of all pp ranks of a replica, with sends and receives and what parallel.data needs, for a step on
 * `ranks`; 0: as many as one replica has. `text` is the content, of `bytes` bytes, of the file where
 * config_schedule_is_file, else unused: it must fit (sim/config/own_schedule.h). Refused too when ranks would wait
 * forever, which names rank and action, and where a loss of the global batch's load has not all forwards before. */
bool plan_from_config(const Config *config, int ranks, const char *text, int64_t bytes, Plan *plan,
                      Error *error);
#endif
