/* dispatch.c - bytes of rows to experts and back, of all ranks. */
#include "sim/report/dispatch.h"
#include <stdlib.h>
#include <string.h>
#include "sim/base/words.h"
#include "sim/config/hops.h"
#include "sim/report/taken.h"
#include "sim/theory/theory.h"

typedef struct Way {
    Purpose purpose;
    size_t column; /* of /comm/bytes_sent */
    double counted, given, even;
    size_t differs; /* the first step that does, from 1; 0: none */
} Way;
enum { WAYS = 2 };

typedef struct Ways {
    const RunFile *run;
    const Config *config;
    const Plan *plan; /* NULL: it is unknown what each rank has */
    Way way[WAYS];
} Ways;

static bool find(const RunFile *run, Way *way)
{
    for (size_t p = 0; p < run->purposes; p++)
        if (!strcmp(run->purpose[p], purpose_row[way->purpose].name)) {
            way->column = p;
            return true;
        }
    return false;
}

/* ---- by rank: of which rows experts took ---- */

static void add_rank(Ways *w, int row, size_t step, const double *sent, const int32_t *taken)
{
    double given[PURPOSES], even[PURPOSES] = {0};
    const double ranks = run_file_stands_for(w->run, row);
    theory_dispatched(w->config, w->plan, w->run->ranks, w->run->rank[row], taken, given);
    if (step + 1 == w->run->steps)
        theory_dispatched(w->config, w->plan, w->run->ranks, w->run->rank[row], NULL, even);
    for (int i = 0; i < WAYS; i++) {
        Way *way = &w->way[i];
        way->counted += ranks * sent[way->column];
        way->given += ranks * given[way->purpose];
        way->even += ranks * even[way->purpose];
        if (sent[way->column] != given[way->purpose] && !way->differs) way->differs = step + 1;
    }
}

/* ---- or of all together: of what went to other ranks ---- */

static bool add_all(Ways *w, size_t step, const double *sent, Error *error)
{
    const RunFile *run = w->run;
    const Config *c = w->config;
    double row = theory_row_bytes(c) * (double)c->tensor.size, ep = (double)c->expert.size,
           choices = (double)(c->train.global_batch * c->model.shape.sequence) *
                     (double)c->model.shape.experts.top_k * (double)run->layers,
           *moved = allocate(run->layers * sizeof *moved);
    const bool read = run_file_rows(run, "/moe/moved", step, 1, moved, error);
    for (int i = 0; i < WAYS && read; i++) {
        Way *way = &w->way[i];
        for (int r = 0; r < run->recorded; r++)
            way->counted += run_file_stands_for(run, r) * sent[(size_t)r * run->purposes + way->column];
        for (size_t y = 0; y < run->layers; y++) way->given += row * moved[y];
        way->even = choices * (ep - 1) / ep * row;
        if (way->counted != way->given && !way->differs) way->differs = step + 1;
    }
    free(moved);
    return read;
}

/* The last step's stay. */
static bool count(Ways *w, Error *error)
{
    const RunFile *run = w->run;
    double *sent = allocate((size_t)run->recorded * run->purposes * sizeof *sent);
    bool ok = true;
    for (size_t s = 0; s < run->steps && ok; s++) {
        for (int i = 0; i < WAYS; i++) w->way[i].counted = w->way[i].given = w->way[i].even = 0;
        ok = run_file_rows(run, "/comm/bytes_sent", s, 1, sent, error);
        if (ok && !w->plan) ok = add_all(w, s, sent, error);
        int32_t *taken = ok && w->plan ? taken_in(run, s, error) : NULL;
        ok = ok && (taken || !w->plan);
        for (int r = 0; r < run->recorded && taken; r++)
            add_rank(w, r, s, sent + (size_t)r * run->purposes, taken);
        free(taken);
    }
    free(sent);
    return ok;
}

static void add_row(Sheet *sheet, const Ways *w, const Way *way)
{
    const double bytes[] = {way->counted, way->even, way->given};
    sheet_line(sheet, SHEET_ROW, purpose_row[way->purpose].name);
    for (int i = 0; i < 3; i++) {
        char text[32];
        words_bytes(bytes[i] / w->run->ranks, text, sizeof text);
        sheet_cell(sheet, "%s", text);
    }
    if (way->differs)
        sheet_more(sheet, ": DIFFERS from step %zu on", way->differs);
    else
        sheet_more(sheet, ", equal in every step%s", w->plan ? " on every rank" : "");
}

bool report_dispatch(const RunFile *run, Sheet *sheet, Error *error)
{
    Taken taken = taken_known(run);
    Ways w = {.run = run,
              .config = taken.config,
              .plan = taken.known ? &taken.plan : NULL,
              .way = {{.purpose = MOE_DISPATCH}, {.purpose = MOE_COMBINE}}};
    bool ok = true, moves = taken.config && find(run, &w.way[0]) && find(run, &w.way[1]);
    if (moves && !w.plan) moves = run_file_has(run, "/moe/moved") && !config_any_hops(w.config, run->ranks);
    if (moves) ok = count(&w, error);
    if (moves && ok) {
        sheet_line(sheet, SHEET_HEAD, "rows to and from experts");
        sheet_cell(sheet, "counted, mean");
        sheet_cell(sheet, "if it were even");
        sheet_cell(sheet, "given the loads");
        for (int i = 0; i < WAYS; i++) add_row(sheet, &w, &w.way[i]);
    }
    taken_free(&taken);
    return ok;
}
