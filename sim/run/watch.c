/* watch.c - actions that are counted as they are done. */
#include "sim/run/watch.h"

void watch_walk(Watch *w, const Estimate *estimate, const Plan *plan, int ranks, int64_t steps)
{
    const double *seconds = estimate->seconds, before = seconds[COST_RANKS] + seconds[COST_LAYERS];
    double actions = 0;
    for (int p = 0; p < plan->shape.p; p++) actions += plan->list[p].count;
    actions *= (double)ranks / plan->shape.p * (double)steps;
    *w = (Watch){.actions = (int64_t)actions, .ranks = ranks};
    w->rank = before / ranks;
    w->action = (estimate_total(seconds) - before) / actions;
    progress_begin(&w->progress, estimate_total(seconds), PROGRESS_QUIET);
}

/* In seconds of the estimate, so that ranks and actions add up. */
static void show_walk(Watch *w)
{
    if (!progress_due(&w->progress, w->made * w->rank + (double)w->performed * w->action)) return;
    if (w->performed == 0)
        progress_show(&w->progress, "%.0f of %.0f ranks made", w->made, w->ranks);
    else
        progress_show(&w->progress, "%lld of %lld actions walked", (long long)w->performed,
                      (long long)w->actions);
}

void watch_made(Watch *w)
{
    w->made++;
    show_walk(w);
}

void watch_step(Watch *w, const Schedule *list, int64_t step, int64_t steps)
{
    *w = (Watch){.actions = list->count, .step = step, .steps = steps};
    progress_begin(&w->progress, list->count, PROGRESS_QUIET);
}

/* Of a dry run's actions, which take less than to look at a clock, one in so many does. */
void watch_performed(void *watch)
{
    enum { SELDOM = 64 };
    Watch *w = watch;
    w->performed++;
    if (w->ranks > 0 && (w->performed % SELDOM == 0 || w->performed == w->actions))
        show_walk(w);
    else if (w->ranks == 0 && w->performed < w->actions && progress_due(&w->progress, (double)w->performed))
        progress_show(&w->progress, "within step %lld/%lld: %lld of %lld actions", (long long)w->step + 1,
                      (long long)w->steps, (long long)w->performed, (long long)w->actions);
}

void watch_end(Watch *w)
{
    progress_end(&w->progress);
}
