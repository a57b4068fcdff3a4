/* compare.c - reads off a run what a comparison shows. */
#include "sim/report/compare.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/base/tail.h"
#include "sim/report/links.h"
#include "sim/report/utilization.h"

static void read_facts(RunTable *t, size_t i, const RunFile *run)
{
    char text[64];
    const RunShape *s = &run->shape;
    run_table_text(t, i, "run", run->path);
    run_table_text(t, i, "data", s->data);
    run_table_text(t, i, "precision", run->precision);
    run_table_text(t, i, "schedule", s->schedule);
    run_table_number(t, i, LINE_NUMBER, "ranks", run->ranks);
    run_table_number(t, i, LINE_NUMBER, "pp", s->mesh.pp);
    run_table_number(t, i, LINE_NUMBER, "dp", s->mesh.dp);
    run_table_number(t, i, LINE_NUMBER, "tp", s->mesh.tp);
    run_table_number(t, i, LINE_NUMBER, "ep", s->mesh.ep);
    run_table_number(t, i, LINE_NUMBER, "stages_a_rank", s->virtual_stages);
    run_table_number(t, i, LINE_NUMBER, "microbatches", s->microbatches ? s->microbatches : (double)NAN);
    run_table_number(t, i, LINE_NUMBER, "parameters", run->parameters);
    run_table_number(t, i, LINE_SWITCH, "complete", run->complete);
    run_table_number(t, i, LINE_SWITCH, "dry", run->dry);
    run_table_number(t, i, LINE_NUMBER, "steps", (double)run->steps);
    bool planned = run_file_config(run, "train.steps", text, sizeof text);
    run_table_number(t, i, LINE_NUMBER, "steps_planned", planned ? strtod(text, NULL) : (double)NAN);
    run_table_number(t, i, LINE_NATS, "entropy", run->entropy);
}

/* The first, the last, and the mean of the last tenth of a column of /steps. */
static bool read_column(const RunFile *run, const char *dataset, double of[3], Error *error)
{
    of[0] = of[1] = of[2] = (double)NAN;
    if (!run->steps) return true;
    double *value = run_file_first(run, dataset, run->steps, error);
    if (!value) return false;
    of[0] = value[0];
    of[1] = value[run->steps - 1];
    of[2] = tail_mean(value, run->steps);
    free(value);
    return true;
}

static bool read_steps(RunTable *t, size_t i, const RunFile *run, Error *error)
{
    double loss[3], time[3], speed[3], simulated[3];
    if (!read_column(run, "/steps/loss", loss, error) || !read_column(run, "/steps/wall_time", time, error) ||
        !read_column(run, "/steps/tokens_per_second", speed, error) ||
        !read_column(run, "/steps/simulated_time", simulated, error))
        return false;
    run_table_number(t, i, LINE_NATS, "loss_first", loss[0]);
    run_table_number(t, i, LINE_NATS, "loss_last", loss[1]);
    run_table_number(t, i, LINE_NATS, "loss_last_tenth", loss[2]);
    run_table_number(t, i, LINE_NUMBER, "tokens_per_second", speed[2]);
    run_table_number(t, i, LINE_SECONDS, "step_time", time[2]);
    /* ideal seconds are a microbatch's forwards: another unit, another line */
    const double none = (double)NAN;
    run_table_number(t, i, LINE_SECONDS, "simulated_step", run->shape.ideal ? none : simulated[1]);
    run_table_number(t, i, LINE_NUMBER, "simulated_step_forwards", run->shape.ideal ? simulated[1] : none);
    return true;
}

/* Lines PREFIX.NAME, of what is [rank][names]: the most over ranks; NaN where one is unknown. */
static void put_most(RunTable *t, size_t i, const RunFile *run, const char *prefix, char **name, size_t names,
                     const double *value)
{
    for (size_t n = 0; n < names; n++) {
        char key[96];
        double most = value[n];
        for (size_t r = 1; r < (size_t)run->recorded; r++) {
            const double x = value[r * names + n];
            if (isnan(x) || x > most) most = x;
        }
        snprintf(key, sizeof key, name ? "%s.%s" : "%s", prefix, name ? name[n] : "");
        run_table_number(t, i, LINE_BYTES, key, most);
    }
}

static bool read_bytes(RunTable *t, size_t i, const RunFile *run, Error *error)
{
    const size_t ranks = (size_t)run->recorded;
    if (!run->steps) return true;
    double *sent = allocate(ranks * run->purposes * sizeof *sent), *formula = NULL;
    bool ok = run_file_rows(run, "/comm/bytes_sent", run->steps - 1, 1, sent, error) &&
              (formula = run_file_first(run, "/comm/theory_bytes", ranks, error));
    if (ok) put_most(t, i, run, "sent", run->purpose, run->purposes, sent);
    if (ok) put_most(t, i, run, "sent_formula", run->purpose, run->purposes, formula);
    free(sent);
    free(formula);
    return ok;
}

static bool read_memory(RunTable *t, size_t i, const RunFile *run, Error *error)
{
    const struct {
        const char *prefix, *dataset;
        char **name;
        size_t names;
    } parts[] = {{"peak", "/memory/peak", run->category, run->categories},
                 {"peak_formula", "/memory/theory", run->category, run->categories},
                 {"peak_of_sum", "/memory/peak_total", NULL, 1},
                 {"process_rss", "/memory/rss_peak", NULL, 1}};
    if (!run->steps) return true;
    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++) {
        const size_t ranks = (size_t)run->recorded;
        double *value = run_file_first(run, parts[p].dataset, ranks, error);
        if (!value) return false;
        /* the system's word on a process, of which a dry run's ranks have none: whole bytes know no NaN */
        const bool unknown = run->dry && !strcmp(parts[p].dataset, "/memory/rss_peak");
        for (size_t r = 0; unknown && r < ranks; r++) value[r] = (double)NAN;
        put_most(t, i, run, parts[p].prefix, parts[p].name, parts[p].names, value);
        free(value);
    }
    return true;
}

static bool read_bubble(RunTable *t, size_t i, const RunFile *run, Error *error)
{
    double formula, mean = 0;
    double *share = run_file_first(run, "/pipeline/bubble_ratio_simulated", (size_t)run->recorded, error);
    if (!share || !run_file_rows(run, "/pipeline/bubble_ratio_theory", 0, 1, &formula, error)) {
        free(share);
        return false;
    }
    for (int r = 0; r < run->recorded; r++) mean += share[r] * run_file_stands_for(run, r) / run->ranks;
    run_table_number(t, i, LINE_RATIO, "bubble", mean);
    run_table_number(t, i, LINE_RATIO, "bubble_formula", formula);
    free(share);
    return true;
}

static bool read_utilization(RunTable *t, size_t i, const RunFile *run, Error *error)
{
    Utilization u;
    if (!utilization_read(run, &u, error)) return false;
    run_table_number(t, i, LINE_NUMBER, "model_tflops_a_device", u.model / 1e12);
    run_table_number(t, i, LINE_RATIO, "mfu", u.model / u.peak);
    run_table_number(t, i, LINE_RATIO, "hfu", u.counted / u.peak);
    run_table_number(t, i, LINE_RATIO, "mfu_by_parameters", u.parameters / u.peak);
    return true;
}

static bool read_links(RunTable *t, size_t i, const RunFile *run, Error *error)
{
    Links links;
    char key[64];
    if (!links_read(run, &links, error)) return false;
    for (int route = 0; route < ROUTES; route++) {
        for (int a = 0; a < LINK_AXES; a++) {
            snprintf(key, sizeof key, "sent_%s.%s", route_name[route], links_axis[a]);
            run_table_number(t, i, LINE_BYTES, key, links.bytes[a][route]);
        }
        snprintf(key, sizeof key, "busy_%s", route_name[route]);
        run_table_number(t, i, LINE_RATIO, key, links.busy[route]);
    }
    return true;
}

bool compare_read(RunTable *t, size_t i, const RunFile *run, Error *error)
{
    read_facts(t, i, run);
    return read_steps(t, i, run, error) && read_utilization(t, i, run, error) &&
           read_bubble(t, i, run, error) && read_bytes(t, i, run, error) && read_links(t, i, run, error) &&
           read_memory(t, i, run, error);
}
