/* run_config.c - from the texts in a file to a Config. */
#include "sim/report/run_config.h"
#include <stdio.h>
#include <stdlib.h>
#include "sim/config/rows.h"

static bool read_keys(const RunFile *run, Config *config)
{
    char key[64], value[CONFIG_VALUE], why[256];
    for (int i = 0; i < CONFIG_ROWS; i++) {
        const ConfigRow *row = config_row_at(i);
        snprintf(key, sizeof key, "%s.%s", row->section, row->key);
        if (row->when == WITH_A_MACHINE && !run->shape.machine) continue; /* the file has none */
        if (!run_file_config(run, key, value, sizeof value)) return false;
        if (row->type == ROW_TEXT) continue;
        if (!config_row_parse(row, value, config, why, sizeof why)) return false;
    }
    return run_file_config(run, "parallel.schedule", config->pipeline.schedule,
                           sizeof config->pipeline.schedule) &&
           run_file_config(run, "data.source", config->data.source, sizeof config->data.source) &&
           run_file_config(run, "output.checkpoint", config->output.checkpoint,
                           sizeof config->output.checkpoint); /* without one its other keys are refused */
}

Config *run_config_new(const RunFile *run)
{
    Config *config = allocate_zeroed(1, sizeof *config);
    if (read_keys(run, config)) return config;
    run_config_free(config);
    return NULL;
}

void run_config_free(Config *config)
{
    if (!config) return;
    config_free(config);
    free(config);
}
