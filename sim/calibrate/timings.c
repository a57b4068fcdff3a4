/* timings.c - a table of shapes, and what each was seen to take. */
#include "sim/calibrate/timings.h"
#include <stdio.h>
#include <stdlib.h>
#include "models/machine/error.h"
#include "sim/base/quantile.h"

/* ---- shapes ---- */

static bool is_of_scores(const Work *w)
{
    return w->kind == WORK_ATTENTION || w->kind == WORK_SOFTMAX || (w->kind == WORK_DROPOUT && w->batch > 1);
}

bool timing_joins(const Timing *timing, const Work *work)
{
    if (timing->works == 0 || timing->works == TIMING_WORKS) return false;
    const Work *last = &timing->work[timing->works - 1];
    if (is_of_scores(work)) return is_of_scores(last);
    return work->kind == WORK_RESIDUAL && work->backward && last->kind == WORK_NORM && last->backward;
}

static bool same_shape(const Timing *a, const Timing *b)
{
    if (a->works != b->works || a->alone != b->alone) return false;
    for (int i = 0; i < a->works; i++)
        if (!work_is(&a->work[i], &b->work[i])) return false;
    return true;
}

bool timing_has(const Timing *timing, WorkKind kind)
{
    for (int i = 0; i < timing->works; i++)
        if (timing->work[i].kind == kind) return true;
    return false;
}

double timing_foretold(const Timing *timing, const Machine *machine)
{
    double seconds = 0;
    for (int i = 0; i < timing->works; i++) seconds += machine_time(machine, &timing->work[i]).seconds;
    return seconds;
}

void timing_name(const Timing *timing, char *text, size_t size)
{
    const Work *w = timing->work;
    int length = snprintf(text, size, "%s%s%s%s", work_kind[w->kind].name, w->backward ? " backward" : "",
                          w->adds ? " added" : "", is_half(w->type) ? " bf16" : "");
    if (timing->works > 1 && is_of_scores(w))
        length += snprintf(text + length, size - (size_t)length, ", %d kernels", timing->works);
    length += snprintf(text + length, size - (size_t)length, " ");
    if (w->batch > 1)
        length += snprintf(text + length, size - (size_t)length, "%lld of ", (long long)w->batch);
    length += snprintf(text + length, size - (size_t)length, "%lld x %lld", (long long)w->m, (long long)w->n);
    if (w->k) length += snprintf(text + length, size - (size_t)length, " x %lld", (long long)w->k);
    if (timing->alone) snprintf(text + length, size - (size_t)length, ", alone");
}

/* ---- the table ---- */

static Timing *find(Timings *timings, const Timing *timing)
{
    for (int i = 0; i < timings->count; i++)
        if (same_shape(&timings->timing[i], timing)) return &timings->timing[i];
    timings->timing = allocate_more(timings->timing, (size_t)timings->count, sizeof *timings->timing);
    Timing *new = &timings->timing[timings->count++];
    *new = *timing;
    new->seen = NULL;
    new->times = 0;
    return new;
}

void timings_add(Timings *timings, const Timing *timing)
{
    Timing *to = find(timings, timing);
    to->seen = allocate_more(to->seen, (size_t)to->times, sizeof *to->seen);
    to->seen[to->times++] = timing->seconds;
}

void timings_settle(Timings *timings)
{
    for (int i = 0; i < timings->count; i++) {
        Timing *t = &timings->timing[i];
        if (t->times) t->seconds = quantile_of(t->seen, t->times, 0.5);
    }
}

void timings_free(Timings *timings)
{
    for (int i = 0; i < timings->count; i++) free(timings->timing[i].seen);
    free(timings->timing);
    *timings = (Timings){0};
}
