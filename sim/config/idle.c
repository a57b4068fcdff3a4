/* idle.c - from above to below, as conditions look at keys that stand above or apply always. */
#include "sim/config/idle.h"
#include <stdio.h>
#include "sim/base/words.h"
#include "sim/config/refuse.h"
#include "sim/config/rows.h"

/* A file of [chip] and [node] that says of no machine that it is another's. */
static bool is_a_machines(const Config *config)
{
    return config->origin[config_row_named("hardware.profile")] == ORIGIN_DEFAULT &&
           config->origin[config_row_named("chip.peak_16_tflops")] > 0 &&
           config->origin[config_row_named("node.devices")] > 0;
}

static bool refuse_idle(const Config *config, const ConfigRow *row, Error *error)
{
    const Condition *condition = &config_conditions[row->when];
    char key[64], quoted[2 * CONFIG_PATH];
    snprintf(key, sizeof key, "%s.%s", row->section, row->key);
    words_quote(quoted, sizeof quoted, config->name);
    if (row->when == WITH_A_MACHINE && config->origin[config_row_named(key)] > 0 && is_a_machines(config))
        return config_refuse(config, key, error,
                             "that is the file of a machine, and --config wants a run's; try --config "
                             "zero3.ini --set hardware.profile=%s",
                             quoted);
    return config_refuse(config, key, error, "has an effect only %s; try leaving it out, or %s",
                         condition->words, condition->instead);
}

bool config_drop_idle(Config *config, const Config *file, Error *error)
{
    for (int i = 0; i < CONFIG_ROWS; i++) {
        const ConfigRow *row = config_row_at(i);
        int *origin = &config->origin[i];
        bool given = *origin > 0 || *origin == ORIGIN_SET || *origin == ORIGIN_OPTION;
        if (!given || config_row_applies(row, config)) continue;
        if (*origin < 0 || !config_row_applies(row, file)) return refuse_idle(config, row, error);
        config_row_default(row, config);
        *origin = row->fallback ? ORIGIN_DEFAULT : ORIGIN_PRESET;
    }
    return true;
}
