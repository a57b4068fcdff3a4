/* dispatch.c - bytes of rows to experts and back, of all ranks. */
#include "sim/report/dispatch.h"
#include <stdlib.h>
#include <string.h>
#include "sim/base/words.h"
#include "sim/config/checks.h"
#include "sim/config/ranks.h"
#include "sim/report/run_config.h"
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
    Config *config;
    Plan plan;
    bool by_rank; /* it is known what each has */
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

/* Which layers a rank has in a schedule of the user's own, the file does not say. Called before the profile is set, whose
 * file it is that would be checked. */
static bool has_plan(Ways *w)
{
    const RunFile *run = w->run;
    Config *c = w->config;
    c->train.whole_share = c->train.microbatch == 0;
    if (!run_file_has(run, "/moe/rows") || config_schedule_is_file(c) || !config_check(c, NULL) ||
        !config_check_ranks(c, run->ranks, NULL))
        return false;
    const GptShape *shape = &c->model.shape;
    const Shape of = {.v = (int)c->pipeline.virtual_stages,
                      .p = (int)c->pipeline.size,
                      .m = config_microbatches(c, run->ranks)};
    return run->replicas == (size_t)config_mesh(c, run->ranks).dp && run->microbatches == (size_t)of.m &&
           run->layers == (size_t)layers_with_experts(shape, 1, shape->layers) &&
           run->experts == (size_t)shape->experts.count && plan_write(&w->plan, config_schedule(c), of, NULL);
}

/* What experts took in a step; freed by the caller. */
static int32_t *taken_in(const RunFile *run, size_t step, Error *error)
{
    const size_t count = run->layers * run->replicas * run->microbatches * run->experts;
    double *rows = allocate(count * sizeof *rows);
    int32_t *taken = allocate(count * sizeof *taken);
    const bool read = run_file_rows(run, "/moe/rows", step, 1, rows, error);
    for (size_t i = 0; i < count && read; i++) taken[i] = (int32_t)rows[i];
    free(rows);
    if (read) return taken;
    free(taken);
    return NULL;
}

static void add_rank(Ways *w, int row, size_t step, const double *sent, const int32_t *taken)
{
    double given[PURPOSES], even[PURPOSES] = {0};
    const double ranks = run_file_stands_for(w->run, row);
    theory_dispatched(w->config, &w->plan, w->run->ranks, w->run->rank[row], taken, given);
    if (step + 1 == w->run->steps)
        theory_dispatched(w->config, &w->plan, w->run->ranks, w->run->rank[row], NULL, even);
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
        if (ok && !w->by_rank) ok = add_all(w, s, sent, error);
        int32_t *taken = ok && w->by_rank ? taken_in(run, s, error) : NULL;
        ok = ok && (taken || !w->by_rank);
        for (int r = 0; r < run->recorded && taken; r++)
            add_rank(w, r, s, sent + (size_t)r * run->purposes, taken);
        free(taken);
    }
    free(sent);
    return ok;
}

static void add_row(Sheet *sheet, const Ways *w, const Way *way)
{
    const double bytes[] = {way->counted, way->given, way->even};
    sheet_line(sheet, SHEET_ROW, purpose_row[way->purpose].name);
    for (int i = 0; i < 3; i++) {
        char text[32];
        words_bytes(bytes[i] / w->run->ranks, text, sizeof text);
        sheet_cell(sheet, "%s", text);
        if (i != 1) continue;
        if (way->differs)
            sheet_more(sheet, ": DIFFERS from step %zu on", way->differs);
        else
            sheet_more(sheet, ", equal in every step%s", w->by_rank ? " on every rank" : "");
    }
}

bool report_dispatch(const RunFile *run, Sheet *sheet, Error *error)
{
    Ways w = {.run = run, .way = {{.purpose = MOE_DISPATCH}, {.purpose = MOE_COMBINE}}};
    if (run->shape.mesh.ep > 1 && run->experts) w.config = run_config_new(run);
    if (!w.config) return true;
    bool ok = true,
         moves = w.config->expert.way == DISPATCH_ALL_TO_ALL && find(run, &w.way[0]) && find(run, &w.way[1]);
    w.by_rank = moves && has_plan(&w);
    if (run->shape.machine) w.config->hardware.profile = PROFILE_MACHINE; /* whose name says nothing of it */
    if (!w.by_rank)
        moves = moves && run_file_has(run, "/moe/moved") && !theory_any_may_hop(w.config, run->ranks);
    if (moves) ok = count(&w, error);
    if (moves && ok) {
        sheet_line(sheet, SHEET_HEAD, "rows to and from experts");
        sheet_cell(sheet, "counted, mean");
        sheet_cell(sheet, "given the loads");
        sheet_cell(sheet, "if it were even");
        for (int i = 0; i < WAYS; i++) add_row(sheet, &w, &w.way[i]);
    }
    if (w.by_rank) plan_free(&w.plan);
    run_config_free(w.config);
    return ok;
}
