/* goodput.c - expectations of segments, added up. */
#include "sim/theory/goodput.h"
#include <math.h>

GoodputCut goodput_cut(const GoodputJob *job, int64_t interval)
{
    int64_t segments = (job->steps + interval - 1) / interval, rest = job->steps - (segments - 1) * interval;
    double last = (double)rest * job->step;
    return (GoodputCut){.segments = segments,
                        .segment = (double)interval * job->step + job->stall,
                        .last = last + job->stall,
                        .last_waits = segments > 1 ? fmax(job->write - last, 0) : 0};
}

int64_t goodput_least_interval(const GoodputJob *job)
{
    double least = ceil(job->write / job->step * (1 - 1e-12));
    return least < 1 ? 1 : least < 1e18 ? (int64_t)least : (int64_t)1e18;
}

double goodput_expected_seconds(const GoodputJob *job, int64_t interval)
{
    GoodputCut cut = goodput_cut(job, interval);
    double m = job->mtbf, w = job->write, before = (double)(cut.segments - 1);
    if (isinf(m)) return before * cut.segment + cut.last + cut.last_waits + w;
    /* M and the seconds of a restart, which itself may fail: M + M (e^(R/M) - 1) */
    double after = m * exp(job->restart / m);
    double first = after * expm1(cut.segment / m), alone = after * expm1(cut.last / m);
    /* The end: the last segment's checkpoint is whole, or that segment is done again. */
    double whole = expm1(w / m) * (after + alone);
    if (cut.segments == 1) return alone + whole;
    /* The last while the one before it is being written: of a failure in the first W seconds both are lost, of one in
     * the rest the last alone. */
    double behind = cut.last + cut.last_waits;
    double last = exp(w / m) * -expm1(-behind / m) * after +
                  exp((w - behind) / m) * expm1((behind - w) / m) * alone + expm1(w / m) * first;
    return first + (before - 1) * exp(w / m) * first + last + whole;
}

double goodput_expected(const GoodputJob *job, int64_t interval)
{
    return (double)job->steps * job->step / goodput_expected_seconds(job, interval);
}

double goodput_young(double stall, double mtbf)
{
    return sqrt(2 * stall * mtbf);
}

double goodput_daly(double stall, double mtbf)
{
    if (stall >= 2 * mtbf) return mtbf;
    double half = stall / (2 * mtbf);
    return sqrt(2 * stall * mtbf) * (1 + sqrt(half) / 3 + half / 9) - stall;
}
