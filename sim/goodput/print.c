/* print.c - the job, the table, and three intervals. */
#include "sim/goodput/print.h"
#include <math.h>
#include <stdio.h>
#include "sim/base/units.h"
#include "sim/base/words.h"
#include "sim/goodput/seconds.h"

enum { FEW = 30 };

static void print_line(const char *name, const char *value, const char *from)
{
    enum { VALUE = 26 };
    int room = VALUE - words_columns(value); /* a µ has more bytes */
    printf("  %-12s %s%*s %s\n", name, value, room > 0 ? room : 0, "", from);
}

void goodput_print_job(const Points *p, const GoodputRequest *r)
{
    const Costs *c = &p->costs;
    const GoodputJob *job = &c->job;
    char value[128], from[256], time[32], bytes[32], most[32];
    goodput_seconds((double)job->steps * job->step, time, sizeof time);
    printf("%s: %lld step%s on %d rank%s in %d node%s, %s if nothing fails\n", r->config,
           (long long)job->steps, words_s(job->steps), c->ranks, words_s(c->ranks), c->nodes,
           words_s(c->nodes), time);
    unit_show(value, sizeof value, job->step, unit_of_seconds);
    print_line("step", value, "by a dry run");
    goodput_seconds(job->mtbf, time, sizeof time);
    snprintf(value, sizeof value, "one every %s", time);
    snprintf(from, sizeof from, "a node's %g hours (--mtbf) over %d", r->mtbf_hours, c->nodes);
    print_line("failures", value, from);
    words_bytes_about(c->checkpoint, bytes, sizeof bytes);
    words_bytes_about(c->written, most, sizeof most);
    goodput_seconds(c->write_seconds, time, sizeof time);
    snprintf(value, sizeof value, "%s in %s", bytes, time);
    snprintf(from, sizeof from, "the node with most writes %s at %g GB/s (node.storage_gb)", most,
             1e-9 * c->storage);
    print_line("checkpoint", value, from);
    goodput_seconds(job->stall, value, sizeof value);
    goodput_seconds(c->copy_seconds, time, sizeof time);
    words_bytes_about(c->copied, most, sizeof most);
    if (c->async)
        snprintf(from, sizeof from, "the rank with most copies %s at %g GB/s (node.copy_gb)", most,
                 1e-9 * c->copy);
    else
        snprintf(from, sizeof from, "all of it; with output.checkpoint_async = yes %s", time);
    print_line("  stalls", value, from);
    words_bytes_about(c->read, most, sizeof most);
    goodput_seconds(job->restart, value, sizeof value);
    goodput_seconds(c->read_seconds, time, sizeof time);
    snprintf(from, sizeof from, "%g s (--restart), and the node with most reads %s in %s", r->restart_seconds,
             most, time);
    print_line("restart", value, from);
    if (c->memory > c->capacity) {
        words_bytes_about(c->memory, bytes, sizeof bytes);
        words_bytes_about(c->capacity, most, sizeof most);
        printf("  memory       %s on the rank with most, and an accelerator has %s: as it is, no such job "
               "runs\n",
               bytes, most);
    }
    fflush(stdout);
}

void goodput_interval_text(const Points *p, int64_t interval, char *text, size_t size)
{
    char time[32];
    goodput_seconds((double)interval * p->costs.job.step, time, sizeof time);
    snprintf(text, size, "every %s, %lld step%s", time, (long long)interval, words_s(interval));
}

/* Of percentages: what is lost of nearly all is told, too. */
static int digits_of(const Points *p)
{
    return p->point[p->best].expected > 0.999 ? 4 : 2;
}

/* The interval in whole steps that is nearest to what a formula says. */
static int64_t formula_interval(const Points *p, double seconds)
{
    const GoodputJob *job = &p->costs.job;
    double steps = fmax(round(seconds / job->step), (double)goodput_least_interval(job));
    return steps < (double)job->steps ? (int64_t)steps : job->steps;
}

void goodput_formula_text(const Points *p, double seconds, char *text, size_t size)
{
    char says[32], every[80];
    goodput_seconds(seconds, says, sizeof says);
    goodput_interval_text(p, formula_interval(p, seconds), every, sizeof every);
    snprintf(text, size, "%s, so %s", says, every);
}

static void print_formula(const Points *p, const char *name, double seconds)
{
    const GoodputJob *job = &p->costs.job;
    int64_t interval = formula_interval(p, seconds);
    char text[128];
    goodput_formula_text(p, seconds, text, sizeof text);
    printf("  %-14s %-46s %6.*f %% expected%s\n", name, text, digits_of(p),
           100 * goodput_expected(job, interval),
           (double)interval * job->step < seconds * 0.99 - job->step ? "; the job is no longer" : "");
}

void goodput_print_points(const Points *p)
{
    int digits = digits_of(p), width = digits + 4;
    printf("\n  %9s  %12s  %*s  %*s  %12s  %8s  %9s  %8s\n", "steps", "interval", 2 * digits + 13, "goodput",
           width + 2, "expected", "checkpoints", "lost", "restarts", "failures");
    for (int i = 0; i < p->count; i++) {
        const Point *at = &p->point[i];
        char time[32];
        goodput_seconds((double)at->interval * p->costs.job.step, time, sizeof time);
        printf("  %9lld  %*s%s  %*.*f %% +- %-*.*f  %*.*f %%", (long long)at->interval,
               12 - words_columns(time), "", time, width, digits, 100 * at->goodput, width - 1, digits,
               100 * at->deviation, width, digits, 100 * at->expected);
        printf("  %10.*f %%  %6.*f %%  %7.*f %%  %8.1f\n", digits, 100 * at->stalled, digits, 100 * at->lost,
               digits, 100 * at->restarting, at->failures);
    }
    printf(
        "\n  goodput of %d job%s an interval, all together, and one's standard deviation; expected by Daly's "
        "model\n",
        p->runs, words_s(p->runs));
    if (p->left_out)
        printf("  %d longer interval%s left out: less than 1 %% of the time would count\n", p->left_out,
               p->left_out > 1 ? "s are" : " is");
    char text[80];
    const Point *best = &p->point[p->best];
    goodput_interval_text(p, best->interval, text, sizeof text);
    printf("\n  %-14s %-46s %6.*f %% expected, %.*f %% found\n", "best of these", text, digits,
           100 * best->expected, digits, 100 * best->goodput);
    print_formula(p, "Young 1974", p->young);
    print_formula(p, "Daly 2006", p->daly);
    if (best->failures * p->runs < FEW)
        printf("  Few failures befell these jobs, %.0f in all, so what is found says little: try more "
               "--seeds, or longer jobs.\n",
               best->failures * p->runs);
    const GoodputJob *job = &p->costs.job;
    if (goodput_least_interval(job) > 1 && p->daly < (double)goodput_least_interval(job) * job->step)
        printf("  No checkpoint begins before the one before it is written: every %lld step%s at most.\n",
               (long long)goodput_least_interval(job), words_s(goodput_least_interval(job)));
}

void goodput_csv(const Points *p)
{
    printf("interval_steps,interval_s,goodput_ratio,error_ratio,deviation_ratio,expected_ratio,checkpoints_"
           "ratio,"
           "lost_ratio,restarts_ratio,failures,wall_s\n");
    for (int i = 0; i < p->count; i++) {
        const Point *at = &p->point[i];
        printf("%lld,%.17g,%.17g,%.17g,%.17g,%.17g,%.17g,%.17g,%.17g,%.17g,%.17g\n", (long long)at->interval,
               (double)at->interval * p->costs.job.step, at->goodput, at->error, at->deviation, at->expected,
               at->stalled, at->lost, at->restarting, at->failures, at->seconds);
    }
}
