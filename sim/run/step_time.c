/* step_time.c - the longest step there is. */
#include "sim/run/step_time.h"
#include "sim/config/refuse.h"

static const double LONGEST = 1e12;

bool step_time_check(const Config *config, double seconds, Error *error)
{
    if (seconds <= LONGEST) return true;
    const char *where =
        config->hardware.profile == PROFILE_MACHINE ? "[chip], [node] and [software]" : "[hardware]";
    return config_refuse(config, "hardware.profile", error,
                         "a step takes %.4g s by its numbers, more than the %g that a time may be; try "
                         "larger speeds, or shorter latencies, in %s",
                         seconds, LONGEST, where);
}
