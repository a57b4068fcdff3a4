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
        if (row->when == WITH_A_MACHINE) continue; /* bytes are the same on all */
        if (!run_file_config(run, key, value, sizeof value)) return false;
        if (row->type == ROW_TEXT) continue; /* names of files: nothing to compute with */
        if (!config_row_parse(row, value, config, why, sizeof why)) return false;
    }
    return true;
}

static void add_row(Sheet *sheet, const char *what, double bytes)
{
    char size[32];
    words_bytes(bytes, size, sizeof size);
    sheet_line(sheet, SHEET_ROW, what);
    sheet_cell(sheet, "%s", size);
}

void report_quoted(const RunFile *run, Sheet *sheet)
{
    Config *config = allocate_zeroed(1, sizeof *config);
    /* without microbatches a rank holds none, and the formulas count by them */
    if (run->shape.microbatches && read_config(run, config) && is_half(config_dtype(config))) {
        Quoted q;
        theory_quoted(config, run->ranks, &q);
        sheet_line(sheet, SHEET_HEAD, "as papers count, a rank");
        add_row(sheet, "model states", q.states);
        sheet_cell(sheet, "%s, P = %.4g G [1910.02054]", q.states_form,
                   (double)gpt_parameter_count(&config->model.shape) / 1e9);
        add_row(sheet, "activations", q.activations);
        sheet_cell(sheet, "%s: a microbatch, blocks, dropout [2205.05198]", q.activations_form);
    }
    config_free(config);
    free(config);
}
