/* fit.c - the rank that holds the most, beside what a chip has. */
#include "sim/report/fit.h"
#include <math.h>
#include <stdlib.h>
#include "sim/base/words.h"
#include "sim/report/run_config.h"
#include "sim/theory/remedy.h"

static void tell_remedies(Sheet *sheet, const Config *config, int ranks, double most, double capacity)
{
    Remedy remedy[REMEDIES];
    double beside = most - theory_most_held(config, ranks);
    int count = theory_remedies(config, ranks, beside, capacity, remedy);
    if (!count && !isnan(beside))
        sheet_more(sheet, "; by the formulas no two keys make it fit: try more ranks");
    for (int i = 0; i < count; i++) {
        char size[32];
        words_bytes(remedy[i].bytes, size, sizeof size);
        sheet_more(sheet, "%s %s (%s)",
                   i == 0          ? "; by the formulas it fits with"
                   : i < count - 1 ? ","
                                   : " or",
                   remedy[i].set, size);
    }
}

bool report_fit(const RunFile *run, Sheet *sheet, Error *error)
{
    if (!run->shape.machine) return true;
    double *held = run_file_first(run, "/memory/peak_total", (size_t)run->recorded, error);
    if (!held) return false;
    int most = 0;
    for (int r = 1; r < run->recorded; r++)
        if (held[r] > held[most]) most = r;
    Config *config = run_config_new(run);
    if (config) {
        const double capacity = 1e9 * config->machine.chip.memory_gb;
        char needs[32], has[32];
        words_bytes(held[most], needs, sizeof needs);
        words_bytes(capacity, has, sizeof has);
        sheet_line(sheet, SHEET_FACT, "memory");
        sheet_cell(sheet, "%s: ", held[most] > capacity ? "does not fit" : "fits");
        if (run->shape.mesh.pp > 1)
            sheet_more(sheet, "%s %d", run->shape.virtual_stages > 1 ? "pipeline rank" : "stage",
                       mesh_place(run->shape.mesh, run->rank[most]).pipe);
        else
            sheet_more(sheet, "rank %d", run->rank[most]);
        sheet_more(sheet, " needs %s of %s", needs, has);
        if (held[most] > capacity) tell_remedies(sheet, config, run->ranks, held[most], capacity);
    }
    run_config_free(config);
    free(held);
    return true;
}
