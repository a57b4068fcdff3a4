/* show.c - tables: measured, model, error. */
#include "sim/calibrate/show.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"
#include "sim/base/quantile.h"
#include "sim/base/units.h"
#include "sim/base/words.h"

static void head(const char *what)
{
    printf("\n%-44s %10s %10s %8s\n", what, "measured", "model", "error");
}

/* Returns the size of the error. */
static double row(const char *name, double measured, double foretold)
{
    char seen[32], says[32];
    unit_show(seen, sizeof seen, measured, unit_of_seconds);
    unit_show(says, sizeof says, foretold, unit_of_seconds);
    printf("  %-42s %*s %*s %+6.1f %%\n", name, 10 + (int)strlen(seen) - words_columns(seen), seen,
           10 + (int)strlen(says) - words_columns(says), says, 100 * (foretold / measured - 1));
    return fabs(foretold / measured - 1);
}

static void end(double *errors, int count, const char *what)
{
    printf("  %d shape%s of %s: median error %.1f %%\n", count, words_s(count), what,
           100 * quantile_of(errors, count, 0.5));
}

static int by_seconds(const void *a, const void *b)
{
    const Timing *x = *(Timing *const *)a, *y = *(Timing *const *)b;
    return (x->seconds > y->seconds) - (x->seconds < y->seconds);
}

/* Those of a kind that take time, from the shortest on. */
static int choose(const Timings *timings, const Machine *machine, WorkKind kind, const Timing **chosen)
{
    int count = 0;
    for (int i = 0; i < timings->count; i++) {
        const Timing *t = &timings->timing[i];
        if (t->work[0].kind == kind && t->seconds > 0 && timing_foretold(t, machine) > 0) chosen[count++] = t;
    }
    qsort(chosen, (size_t)count, sizeof *chosen, by_seconds);
    return count;
}

/* And how far off all their time is together, as often as they were seen: that is what a step has of it. */
static void end_kind(const Timing *const *chosen, int count, const Machine *machine, double *errors)
{
    double measured = 0, foretold = 0;
    for (int i = 0; i < count; i++) {
        measured += chosen[i]->times * chosen[i]->seconds;
        foretold += chosen[i]->times * timing_foretold(chosen[i], machine);
    }
    printf("  %d shapes of %s: %+.1f %% in sum, median error %.1f %%\n", count,
           work_kind[chosen[0]->work[0].kind].name, 100 * (foretold / measured - 1),
           100 * quantile_of(errors, count, 0.5));
}

void show_kernels(const Timings *timings, const Machine *machine, bool all)
{
    enum { SOME = 4 };
    double *errors = allocate((size_t)(timings->count + 1) * sizeof *errors);
    const Timing **chosen = allocate((size_t)(timings->count + 1) * sizeof *chosen);
    int count = 0;
    head("kernels");
    for (WorkKind kind = 0; kind < WORK_KINDS; kind++) {
        int of_kind = choose(timings, machine, kind, chosen), shown = all || of_kind < SOME ? of_kind : SOME;
        for (int i = 0; i < of_kind; i++)
            errors[count + i] = fabs(timing_foretold(chosen[i], machine) / chosen[i]->seconds - 1);
        for (int i = 0; i < shown; i++) {
            const Timing *t = chosen[shown > 1 ? i * (of_kind - 1) / (shown - 1) : 0];
            char name[96];
            timing_name(t, name, sizeof name);
            row(name, t->seconds, timing_foretold(t, machine));
        }
        if (of_kind > 1) end_kind(chosen, of_kind, machine, errors + count);
        count += of_kind;
    }
    if (count) end(errors, count, "all kinds");
    free(chosen);
    free(errors);
}

void show_links(const LinkTimings *links, const NetworkNode *node)
{
    double errors[LINK_KINDS * LINK_SIZES];
    if (links->count == 0) {
        printf("\none rank: no links to measure; try mpirun -n 2 sim calibrate\n");
        return;
    }
    head("between ranks");
    for (int i = 0; i < links->count; i++) {
        const LinkTiming *l = &links->timing[i];
        char name[96], size[32];
        words_bytes((double)l->bytes, size, sizeof size);
        snprintf(name, sizeof name, "%s, %d step%s of %s", link_kind_name[l->kind], l->steps,
                 words_s(l->steps), size);
        errors[i] = row(name, l->seconds, link_foretold(l, node));
    }
    end(errors, links->count, "messages and rings");
}

void show_steps(const Exercise *exercise, int count)
{
    double *errors = allocate((size_t)count * sizeof *errors);
    head("whole steps of one rank");
    for (int i = 0; i < count; i++)
        errors[i] = row(exercise[i].name, exercise[i].seconds, exercise[i].foretold);
    end(errors, count, "models");
    free(errors);
}

void show_rounds(const Rounds *rounds)
{
    char text[96];
    rounds_describe(rounds, text, sizeof text);
    printf("\nmeasured in %s\n", text);
}

void show_place(const char *path, const char *kept)
{
    char *shown = words_shown(path), *before = words_shown(kept ? kept : "");
    printf("\n%s: this machine, for hardware.profile\n", shown);
    if (*before) printf("the file of that name is %s now\n", before);
    free(before);
    free(shown);
}
