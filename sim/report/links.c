/* links.c - bytes and seconds of links, by axis of the grid. */
#include "sim/report/links.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "parallel/wire/purpose.h"
#include "sim/base/divisor.h"
#include "sim/base/words.h"
#include "sim/report/run_config.h"
#include "sim/report/taken.h"
#include "sim/theory/theory.h"

static const Axis axis[LINK_AXES] = {AXIS_TENSOR, AXIS_DATA, AXIS_EXPERT, AXIS_PIPE};
const char *const links_axis[LINK_AXES] = {"tensor", "data", "expert", "pipe"};

/* counted, formula: [ROUTES][purposes], of all ranks. */
static void add_up(const RunFile *run, const double *counted, const double *formula, Links *links)
{
    for (int a = 0; a < LINK_AXES; a++) {
        bool known = true, equal = true;
        for (size_t i = 0; i < ROUTES * run->purposes; i++) {
            const PurposeRow *row = purpose_named(run->purpose[i % run->purposes]);
            if (!row || row->axis != axis[a]) continue;
            links->bytes[a][i / run->purposes] += counted[i] / run->ranks;
            known = known && (!isnan(formula[i]) || counted[i] == 0);
            equal = equal && (isnan(formula[i]) || counted[i] == formula[i]);
        }
        links->verdict[a] = !equal ? "DIFFERS" : known ? "equal" : "";
    }
}

/* What tokens choose the run did not foretell: with which rows experts took in the step the formula has it. */
static bool fill_in(const RunFile *run, size_t step, double *formula, Error *error)
{
    Taken t = taken_known(run);
    double bytes[ROUTES][PURPOSES] = {{0}};
    int32_t *taken = t.known ? taken_in(run, step, error) : NULL;
    const bool ok = taken || !t.known;
    for (int r = 0; r < run->recorded && taken; r++)
        theory_links_dispatched(t.config, &t.plan, run->ranks, run->rank[r], run_file_stands_for(run, r),
                                taken, bytes);
    for (size_t i = 0; i < ROUTES * run->purposes && taken; i++)
        for (int p = MOE_DISPATCH; p <= MOE_COMBINE; p++)
            if (isnan(formula[i]) && strcmp(run->purpose[i % run->purposes], purpose_row[p].name) == 0)
                formula[i] = bytes[i / run->purposes][p];
    free(taken);
    taken_free(&t);
    return ok;
}

static void share_out(const RunFile *run, const double *busy, double step, Links *links)
{
    for (int r = 0; r < run->recorded; r++)
        for (int route = 0; route < ROUTES; route++) {
            double share = busy[r * ROUTES + route] / step;
            links->busy[route] += share * run_file_stands_for(run, r) / run->ranks;
            links->busiest[route] = fmax(links->busiest[route], share);
        }
}

bool links_read(const RunFile *run, Links *links, Error *error)
{
    const double none = (double)NAN;
    double step = none, *counted = NULL, *formula = NULL, *busy = NULL,
           row = run->timed_step - (double)run->first; /* of those that the file has */
    *links = (Links){.verdict = {"", "", "", ""}};
    bool is = run->shape.machine && row >= 0 && row < (double)run->steps, ok = true;
    if (is)
        ok = run_file_rows(run, "/steps/simulated_time", (size_t)row, 1, &step, error) &&
             (counted = run_file_first(run, "/links/bytes", run->routes, error)) &&
             (formula = run_file_first(run, "/links/theory_bytes", run->routes, error)) &&
             (busy = run_file_first(run, "/links/busy", (size_t)run->recorded, error));
    if (ok && is && run->routes == ROUTES) ok = fill_in(run, (size_t)row, formula, error);
    if (ok && is && run->routes == ROUTES && step > 0) {
        add_up(run, counted, formula, links);
        share_out(run, busy, step, links);
    } else {
        for (int route = 0; route < ROUTES; route++) {
            links->busy[route] = links->busiest[route] = none;
            for (int a = 0; a < LINK_AXES; a++) links->bytes[a][route] = none;
        }
    }
    free(counted);
    free(formula);
    free(busy);
    return ok;
}

bool report_links(const RunFile *run, Sheet *sheet, Error *error)
{
    Links links;
    if (!links_read(run, &links, error)) return false;
    if (isnan(links.busy[ROUTE_INSIDE]) || run->ranks == 1) return true;
    sheet_line(sheet, SHEET_HEAD, "bytes a device, by link");
    sheet_cell(sheet, "inside a node");
    sheet_cell(sheet, "across nodes");
    sheet_cell(sheet, "formula");
    for (int a = 0; a < LINK_AXES; a++) {
        const double *bytes = links.bytes[a];
        if (!(bytes[ROUTE_INSIDE] + bytes[ROUTE_ACROSS] > 0)) continue;
        sheet_line(sheet, SHEET_ROW, links_axis[a]);
        for (int route = 0; route < ROUTES; route++) {
            char text[32];
            words_bytes(bytes[route], text, sizeof text);
            sheet_cell(sheet, "%s", text);
        }
        sheet_cell(sheet, "%s", links.verdict[a]);
    }
    sheet_line(sheet, SHEET_ROW, "link busy sending");
    for (int route = 0; route < ROUTES; route++) {
        sheet_cell(sheet, "%.1f %%", 100 * links.busy[route]);
        if (links.busiest[route] > links.busy[route] + 5e-4)
            sheet_more(sheet, ", at most %.1f %%", 100 * links.busiest[route]);
    }
    sheet_cell(sheet, "of the step");
    return true;
}

/* ---- tensor groups over nodes ---- */

bool report_crossing(const RunFile *run, Sheet *sheet, Error *error)
{
    Links links;
    if (!links_read(run, &links, error)) return false;
    if (!(links.bytes[0][ROUTE_ACROSS] > 0)) return true;
    Config *config = run_config_new(run);
    if (config) {
        int devices = (int)config->node.devices, tp = run->shape.mesh.tp,
            fits = (int)divisor_common(tp, devices);
        sheet_line(sheet, SHEET_FACT, "crossing");
        sheet_cell(sheet,
                   "tensor groups of %d reach over nodes of %d devices, and wait for cards in every layer",
                   tp, devices);
        if (config->hardware.order != ORDER_TP_DP_PP && config->hardware.order != ORDER_TP_PP_DP)
            sheet_more(sheet, "; try hardware.order = tp-dp-pp");
        else if (fits > 1)
            sheet_more(sheet, "; try parallel.tp = %d", fits);
    }
    run_config_free(config);
    return true;
}
