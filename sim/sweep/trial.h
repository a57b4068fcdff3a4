/* trial.h - one combination, tried: a dry run of it, for its numbers. */
#ifndef SIM_SWEEP_TRIAL_H
#define SIM_SWEEP_TRIAL_H
#include "sim/config/parse.h"
#include "sim/sweep/result.h"

/* What trials share, read once. */
typedef struct Trials {
    const Space *space;
    ConfigSource source;   /* the ini; the rest is each trial's own */
    char *text, **profile; /* the ini's text; of each value of hardware.profile, or of the one there is */
    int profiles, profile_key;
    bool force;
} Trials;

/* Reads the ini and the files of its machines; false where one is missing. After that, too, it is to be freed. */
bool trials_read(Trials *trials, const Space *space, const char *config, const char *program_directory,
                 Error *error);
void trials_free(Trials *trials);

/* Tries combination `index`; where it is refused, `why` says for what. */
SweepRow trial_run(const Trials *trials, int64_t index, Error *why);
/* About how many seconds trying it will take; 0 where it is refused. */
double trial_estimate(const Trials *trials, int64_t index);
/* The config of a combination that was not refused; to be freed by config_free(). */
bool trial_config(const Trials *trials, int64_t index, Config *config, Error *error);
#endif
