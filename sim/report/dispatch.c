/* dispatch.c - bytes of rows to experts and back, of all ranks. */
#include "sim/report/dispatch.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "sim/base/words.h"
#include "sim/report/run_config.h"
#include "sim/theory/theory.h"

typedef struct Way {
    const char *name;
    size_t column; /* of /comm/bytes_sent */
    double counted, given, even;
    size_t differs; /* the first step that does, from 1; 0: none */
} Way;

static bool find(const RunFile *run, const char *name, size_t *column)
{
    for (size_t p = 0; p < run->purposes; p++)
        if (!strcmp(run->purpose[p], name)) {
            *column = p;
            return true;
        }
    return false;
}

/* Of all ranks in each step; the last one's stay. */
static bool count(const RunFile *run, const Config *config, Way *way, Error *error)
{
    const size_t cells = (size_t)run->recorded * run->purposes;
    double *sent = allocate(cells * sizeof *sent),
           *moved = run_file_first(run, "/moe/moved", run->steps, error);
    double row = theory_row_bytes(config) * (double)config->tensor.size;
    bool ok = moved != NULL;
    for (size_t s = 0; s < run->steps && ok; s++) {
        ok = run_file_rows(run, "/comm/bytes_sent", s, 1, sent, error);
        way->counted = way->given = 0;
        for (int r = 0; r < run->recorded && ok; r++)
            way->counted += run_file_stands_for(run, r) * sent[(size_t)r * run->purposes + way->column];
        for (size_t y = 0; y < run->layers; y++) way->given += row * moved[s * run->layers + y];
        if (way->counted != way->given && !way->differs) way->differs = s + 1;
    }
    double choices = (double)(config->train.global_batch * config->model.shape.sequence) *
                     (double)config->model.shape.experts.top_k * (double)run->layers,
           ep = (double)config->expert.size;
    way->even = choices * (ep - 1) / ep * row;
    free(sent);
    free(moved);
    return ok;
}

static void add_row(Sheet *sheet, const Way *way, double ranks)
{
    const double bytes[] = {way->counted, way->given, way->even};
    sheet_line(sheet, SHEET_ROW, way->name);
    for (int i = 0; i < 3; i++) {
        char text[32];
        words_bytes(bytes[i] / ranks, text, sizeof text);
        sheet_cell(sheet, "%s", text);
        if (i != 1) continue;
        if (way->differs)
            sheet_more(sheet, ": DIFFERS from step %zu on", way->differs);
        else
            sheet_more(sheet, ", equal in every step");
    }
}

bool report_dispatch(const RunFile *run, Sheet *sheet, Error *error)
{
    Way way[] = {{.name = "moe.dispatch"}, {.name = "moe.combine"}};
    Config *config = run->shape.mesh.ep > 1 && run->experts ? run_config_new(run) : NULL;
    if (!config) return true;
    if (run->shape.machine) config->hardware.profile = PROFILE_MACHINE; /* whose name says nothing of it */
    bool ok = true, moves = config->expert.way == DISPATCH_ALL_TO_ALL &&
                            !theory_any_may_hop(config, run->ranks) &&
                            find(run, way[0].name, &way[0].column) && find(run, way[1].name, &way[1].column);
    for (int i = 0; i < 2 && moves && ok; i++) ok = count(run, config, &way[i], error);
    if (moves && ok) {
        sheet_line(sheet, SHEET_HEAD, "rows to and from experts");
        sheet_cell(sheet, "counted, mean");
        sheet_cell(sheet, "given the loads");
        sheet_cell(sheet, "if it were even");
        for (int i = 0; i < 2; i++) add_row(sheet, &way[i], run->ranks);
    }
    run_config_free(config);
    return ok;
}
