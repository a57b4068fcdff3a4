/* quoted.c - a recorded run beside the closed forms of the papers. */
#include "sim/report/quoted.h"
#include <stdio.h>
#include <stdlib.h>
#include "sim/config/rows.h"
#include "sim/theory/theory.h"
#include "sim/base/words.h"

/* The file's own configuration; false when it lacks a key, as one of an older sim may. */
static bool read_config(const RunFile *run, Config *config)
{
    char key[64], value[CONFIG_VALUE], why[256];
    for (int i = 0; i < CONFIG_ROWS; i++) {
        const ConfigRow *row = &config_rows[i];
        snprintf(key, sizeof key, "%s.%s", row->section, row->key);
        if (!run_file_config(run, key, value, sizeof value)) return false;
        if (row->type == ROW_TEXT) continue; /* names of files: nothing to compute with */
        if (!config_row_parse(row, value, config, why, sizeof why)) return false;
    }
    return true;
}

static void print_line(const char *what, double bytes, const char *text)
{
    char size[32];
    words_bytes(bytes, size, sizeof size);
    printf("    %-22s %-26s %s\n", what, size, text);
}

void report_quoted(const RunFile *run)
{
    Config *config = allocate_zeroed(1, sizeof *config);
    /* without microbatches a rank holds none, and the formulas count by them */
    if (run->shape.microbatches && read_config(run, config) && is_half(config_dtype(config))) {
        Quoted q;
        char text[160];
        theory_quoted(config, run->ranks, &q);
        printf("\n  as papers count, a rank\n");
        snprintf(text, sizeof text, "%s, P = %.4g G [1910.02054]", q.states_form,
                 (double)gpt_parameter_count(&config->model.shape) / 1e9);
        print_line("model states", q.states, text);
        snprintf(text, sizeof text, "%s: a microbatch, blocks, dropout [2205.05198]", q.activations_form);
        print_line("activations", q.activations, text);
    }
    config_free(config);
    free(config);
}
