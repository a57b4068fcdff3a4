/* draw.c - what goodput.gp draws: the points, the curve that is expected, and where Young's and Daly's intervals lie. */
#include "sim/goodput/draw.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "sim/base/posix.h"
#include "sim/base/units.h"
#include "sim/base/words.h"
#include "sim/goodput/print.h"
#include "sim/goodput/seconds.h"
#include "sim/plot/single.h"
#include "sim/plot/text.h"

enum { CURVE = 240 };

typedef struct Drawing {
    const Points *points;
    const char *config;
} Drawing;

static double seconds_of(const Points *p, int i)
{
    return (double)p->point[i].interval * p->costs.job.step;
}

static void write_titles(FILE *out, const Drawing *d)
{
    const Points *p = d->points;
    const Costs *c = &p->costs;
    char text[512], fails[32], bytes[32], writes[32], restarts[32], stalls[32];
    goodput_seconds(c->job.mtbf, fails, sizeof fails);
    words_bytes_about(c->checkpoint, bytes, sizeof bytes);
    plot_set_text(out, "NAME", "goodput");
    snprintf(text, sizeof text, "Goodput against the interval between checkpoints: %s on %d rank%s",
             files_name(d->config), c->ranks, words_s(c->ranks));
    plot_set_text(out, "TITLE", text);
    goodput_seconds(c->write_seconds, writes, sizeof writes);
    goodput_seconds(c->job.restart, restarts, sizeof restarts);
    snprintf(text, sizeof text, "%d node%s, a failure every %s, %s of checkpoint written in %s, restart %s",
             c->nodes, words_s(c->nodes), fails, bytes, writes, restarts);
    plot_set_text(out, "SUBTITLE1", text);
    goodput_seconds(c->job.stall, stalls, sizeof stalls);
    snprintf(text, sizeof text, "Training waits %s for %s checkpoint; %lld steps of %.3g s", stalls,
             c->async ? "the copy of an asynchronous" : "a synchronous", (long long)c->job.steps,
             c->job.step);
    plot_set_text(out, "SUBTITLE2", text);
    if (p->left_out)
        snprintf(text, sizeof text, "%d longer interval%s left out: less than 1 %% would count", p->left_out,
                 p->left_out > 1 ? "s are" : " is");
    plot_set_text(out, "NOTE", p->left_out ? text : "");
}

static void write_formula(FILE *out, const Points *p, const char *name, const char *who, double seconds)
{
    char text[160], says[128], named[32];
    goodput_formula_text(p, seconds, says, sizeof says);
    snprintf(text, sizeof text, "%s: %s", who, says);
    plot_set_number(out, name, seconds);
    snprintf(named, sizeof named, "%sNAME", name);
    plot_set_text(out, named, text);
}

/* The curve is of whole steps, as the points are. Returns the most that is expected. */
static double write_curve(FILE *out, const Points *p)
{
    const GoodputJob *job = &p->costs.job;
    double low = (double)p->point[0].interval, high = (double)p->point[p->count - 1].interval;
    double most = 0;
    int64_t before = 0;
    fputs("$CURVE << EOD\n", out);
    for (int i = 0; i <= CURVE; i++) {
        int64_t steps = (int64_t)round(low * pow(high / low, (double)i / CURVE));
        if (steps == before) continue;
        const double expected = goodput_expected(job, steps);
        fprintf(out, "%.9g %.9g\n", (double)steps * job->step, 100 * expected);
        most = fmax(most, expected);
        before = steps;
    }
    fputs("EOD\n", out);
    return most;
}

static void write_data(FILE *out, void *context)
{
    const Drawing *d = context;
    const Points *p = d->points;
    char text[160], every[96];
    double low = 100, high = 0;
    write_titles(out, d);
    write_formula(out, p, "YOUNG", "Young 1974", p->young);
    write_formula(out, p, "DALY", "Daly 2006", p->daly);
    goodput_interval_text(p, p->point[p->best].interval, every, sizeof every);
    snprintf(text, sizeof text, "the best of these: %.2f %%, %s", 100 * p->point[p->best].goodput, every);
    plot_set_text(out, "BESTNAME", text);
    plot_set_number(out, "BESTX", seconds_of(p, p->best));
    plot_set_number(out, "BESTY", 100 * p->point[p->best].goodput);
    snprintf(text, sizeof text, "%d job%s walked through failures, and one's standard deviation", p->runs,
             words_s(p->runs));
    plot_set_text(out, "JOBSNAME", text);
    fputs("$D << EOD\n", out);
    for (int i = 0; i < p->count; i++) {
        const Point *at = &p->point[i];
        fprintf(out, "%.9g %.9g %.9g\n", seconds_of(p, i), 100 * at->goodput, 100 * at->deviation);
        low = fmin(low, 100 * (at->goodput - at->deviation));
        low = fmin(low, 100 * at->expected);
        high = fmax(high, 100 * (at->goodput + at->deviation));
    }
    fputs("EOD\n", out);
    high = fmax(high, 100 * write_curve(out, p));
    plot_set_number(out, "LOW", fmax(low, 0));
    plot_set_number(out, "HIGH", fmin(high, 100));
    plot_set_number(out, "FIRST", seconds_of(p, 0));
    plot_set_number(out, "LAST", seconds_of(p, p->count - 1));
}

bool goodput_draw(const Points *p, const char *config, const char *program_directory, const char *folder,
                  Error *error)
{
    Drawing drawing = {p, config};
    const PlotSingle chart = {"goodput", write_data, &drawing};
    return plot_single(&chart, program_directory, folder, error);
}
