/* quoted.c - a recorded run beside the closed forms of the papers. */
#include "sim/report/quoted.h"
#include <stdio.h>
#include "models/layers/gpt_count.h"
#include "sim/report/run_config.h"
#include "sim/theory/theory.h"
#include "sim/base/words.h"

static void add_row(Sheet *sheet, const char *what, double bytes)
{
    char size[32];
    words_bytes(bytes, size, sizeof size);
    sheet_line(sheet, SHEET_ROW, what);
    sheet_cell(sheet, "%s", size);
}

void report_quoted(const RunFile *run, Sheet *sheet)
{
    Config *config = run_config_new(run);
    /* without microbatches a rank holds none, and the formulas count by them */
    if (config && run->shape.microbatches && is_half(config_dtype(config))) {
        Quoted q;
        theory_quoted(config, run->ranks, &q);
        sheet_line(sheet, SHEET_HEAD, "as papers count, a rank");
        add_row(sheet, "model states", q.states);
        double P = (double)gpt_parameter_count(&config->model.shape) / 1e9,
               E = (double)gpt_expert_parameter_count(&config->model.shape) / 1e9;
        sheet_cell(sheet, "%s, P = %.4g G [1910.02054]", q.states_form, P);
        if (config->expert.size > 1 && !data_parallel_shards_parameters(&config->parallel))
            sheet_more(sheet, ", X = P - E + E/%lld = %.4g G", (long long)config->expert.size,
                       P - E + E / (double)config->expert.size);
        if (is_latent(&config->model.shape)) { /* whose latents no form counts */
            run_config_free(config);
            return;
        }
        add_row(sheet, "activations", q.activations);
        sheet_cell(sheet, "%s: a microbatch, blocks, dropout [2205.05198]", q.activations_form);
    }
    run_config_free(config);
}
